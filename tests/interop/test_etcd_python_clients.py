"""Python clients of etcd take the sample app for it: three of PyPI, unchanged."""

import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from ccfpy.base.json import JsonObject
from ccfpy.local.configuration import HTTP2_INTERFACE, INTERFACE
from tests.e2e.running import Running, running_node
from tests.interop.environments import Tools, install_locked

ANYWHERE: JsonObject = {"bind_address": "127.0.0.1:0"}
SAME: JsonObject = {
    "previous": "1",
    "value": "2",
    "version of a key": 2,
    "absent": None,
    "prefix": ["3", "2"],
    "serializable": "3",
    "replaced": [True, False],
    "deleted": [True, False],
    "deleted prefix": 2,
    "transactions": [[True, []], [False, ["1"]]],
    "lease": [60, 60, ["leased"]],
    "after the lease": None,
    "locked": [True, False],
    "unlocked": True,
    "version": "3.5.0",
    "members": 1,
}
"""What every client returns of the same calls."""
CHANGES = [("w/a", "1"), ("w/a", ""), ("w/b", "2")]


@pytest.fixture(scope="module")
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service of the app; each client deletes what it finds again."""
    interfaces: JsonObject = {
        INTERFACE: ANYWHERE,
        HTTP2_INTERFACE: {**ANYWHERE, "app_protocol": "HTTP2"},
    }
    with running_node(
        tmp_path_factory.mktemp("etcd"),
        app="etcd",
        extra={"network": {"rpc_interfaces": interfaces}},
    ) as node:
        node.open(["user0"])
        yield node


def told(etcd: Running, lock: str, program: str, *words: str) -> JsonObject:
    """Return what a client returned."""
    python = install_locked(lock, f"{lock}.lock", "Etcd's Python clients")
    keys = etcd.options.keys("user0")
    printed = Tools(line=6, bin=python.parent).answer(
        program,
        *(*words, str(urlsplit(etcd.node.http2_url).port)),
        etcd.options.service_certificate.resolve(),
        *(keys.certificate.resolve(), keys.private_key.resolve()),
    )
    found: JsonObject = json.loads(printed)
    return found


@pytest.mark.parametrize(("lock", "module"), [("etcd3", "etcd3"), ("etcd", "pyetcd")])
def test_a_client_of_threads_takes_the_app_for_etcd(
    etcd: Running, lock: str, module: str
) -> None:
    names = ("PutEvent", "DeleteEvent", "PutEvent")
    assert told(etcd, lock, "etcd_client.py", module) == {
        **SAME,
        "created": [False, True],
        "events": [[name, *kv] for name, kv in zip(names, CHANGES, strict=True)],
    }


def test_a_client_of_asyncio_takes_the_app_for_etcd(etcd: Running) -> None:
    names = ("PUT", "DELETE", "PUT")
    assert told(etcd, "etcd", "aetcd_client.py") == {
        **SAME,
        "events": [[name, *kv] for name, kv in zip(names, CHANGES, strict=True)],
    }
