"""Use etcd's keys by a Python client of etcd; print what the client returned, as JSON.

Run on the client's Python: MODULE PORT SERVICE_CERTIFICATE CERTIFICATE KEY. The module
is ``etcd3`` or ``pyetcd``, which have the same calls.
"""

import importlib
import json
import sys
from typing import Any

TIMEOUT_S = 20


def main(module: str, port: str, service: str, certificate: str, key: str) -> None:
    etcd = importlib.import_module(module).client(
        host="127.0.0.1",
        port=int(port),
        ca_cert=service,
        cert_cert=certificate,
        cert_key=key,
        timeout=TIMEOUT_S,
    )
    told: dict[str, Any] = {}
    with etcd:
        use_keys(etcd, told)
        compare(etcd, told)
        use_leases(etcd, told)
        watch(etcd, told)
        lock(etcd, told)
        told["version"] = etcd.status().version
        told["members"] = sum(1 for _ in etcd.members)
    sys.stdout.write(json.dumps(told))


def use_keys(etcd: Any, told: dict[str, Any]) -> None:  # noqa: ANN401
    etcd.put("k/a", "1")
    replaced = etcd.put("k/a", "2", prev_kv=True)
    told["previous"] = replaced.prev_kv.value.decode()
    value, found = etcd.get("k/a")
    told["value"], told["version of a key"] = value.decode(), found.version
    told["absent"] = etcd.get("k/none")[0]
    etcd.put("k/b", "3")
    in_order = etcd.get_prefix("k/", sort_order="descend", sort_target="value")
    told["prefix"] = [value.decode() for value, _ in in_order]
    told["serializable"] = etcd.get("k/b", serializable=True)[0].decode()
    told["replaced"] = [etcd.replace("k/a", "2", "4"), etcd.replace("k/a", "2", "5")]
    told["created"] = [etcd.put_if_not_exists(f"k/{name}", "6") for name in "ac"]
    told["deleted"] = [etcd.delete("k/c"), etcd.delete("k/c")]
    told["deleted prefix"] = etcd.delete_prefix("k/").deleted


def compare(etcd: Any, told: dict[str, Any]) -> None:  # noqa: ANN401
    ops = etcd.transactions
    told["transactions"] = []
    for _ in range(2):
        succeeded, answers = etcd.transaction(
            compare=[ops.version("t") == 0, ops.mod("t") == 0],
            success=[ops.put("t", "1")],
            failure=[ops.get("t"), ops.delete("t")],
        )
        found = [] if succeeded else [value.decode() for value, _ in answers[0]]
        told["transactions"].append([succeeded, found])


def use_leases(etcd: Any, told: dict[str, Any]) -> None:  # noqa: ANN401
    lease = etcd.lease(60)
    etcd.put("leased", "x", lease=lease)
    (kept,) = lease.refresh()
    told["lease"] = [kept.TTL, lease.granted_ttl, [k.decode() for k in lease.keys]]
    lease.revoke()
    told["after the lease"] = etcd.get("leased")[0]


def watch(etcd: Any, told: dict[str, Any]) -> None:  # noqa: ANN401
    first = etcd.put("w/a", "1").header.revision
    etcd.delete("w/a")
    etcd.put("w/b", "2")
    events, cancel = etcd.watch_prefix("w/", start_revision=first)
    told["events"] = []
    for event in events:
        name = type(event).__name__
        told["events"].append([name, event.key.decode(), event.value.decode()])
        if event.key == b"w/b":
            cancel()
            break


def lock(etcd: Any, told: dict[str, Any]) -> None:  # noqa: ANN401
    with etcd.lock("l", ttl=60) as held:
        told["locked"] = [held.is_acquired(), etcd.lock("l").acquire(timeout=0)]
    told["unlocked"] = not held.is_acquired()


main(*sys.argv[1:])
