"""Use etcd's keys by aetcd; print what the client returned, as JSON.

Run on the client's Python: PORT SERVICE_CERTIFICATE CERTIFICATE KEY. The client speaks
no TLS: a proxy here does so for the client.
"""

import asyncio
import contextlib
import json
import ssl
import sys
from collections.abc import AsyncIterator
from typing import Any

import aetcd  # type: ignore[import-not-found]

TIMEOUT_S = 20
PIECE_BYTES = 1 << 16


@contextlib.asynccontextmanager
async def proxy(port: int, tls: ssl.SSLContext) -> AsyncIterator[int]:
    """Forward plain connections to the node over TLS; yield the proxy's port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, to_there = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await asyncio.gather(copy(reader, to_there), copy(there, writer))

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(PIECE_BYTES):
        writer.write(piece)
        await writer.drain()
    writer.close()


async def main(port: str, service: str, certificate: str, key: str) -> None:
    tls = ssl.create_default_context(cafile=service)
    tls.load_cert_chain(certificate, key)
    tls.set_alpn_protocols(["h2"])
    told: dict[str, Any] = {}
    async with (
        proxy(int(port), tls) as plain,
        aetcd.Client(host="127.0.0.1", port=plain, timeout=TIMEOUT_S) as etcd,
    ):
        for use in (use_keys, compare, use_leases, watch, lock):
            await use(etcd, told)
        told["version"] = (await etcd.status()).version
        told["members"] = len([each async for each in etcd.members()])
    sys.stdout.write(json.dumps(told))


async def use_keys(etcd: Any, told: dict[str, Any]) -> None:  # noqa: ANN401
    await etcd.put(b"k/a", b"1")
    replaced = await etcd.put(b"k/a", b"2", prev_kv=True)
    told["previous"] = replaced.prev_kv.value.decode()
    found = await etcd.get(b"k/a")
    told["value"], told["version of a key"] = found.value.decode(), found.version
    told["absent"] = await etcd.get(b"k/none")
    await etcd.put(b"k/b", b"3")
    in_order = await etcd.get_prefix(b"k/", sort_order="descend", sort_target="value")
    told["prefix"] = [each.value.decode() for each in in_order]
    once = await etcd.get(b"k/b", serializable=True)
    told["serializable"] = once.value.decode()
    told["replaced"] = [await etcd.replace(b"k/a", b"2", each) for each in (b"4", b"5")]
    await etcd.put(b"k/c", b"6")
    told["deleted"] = [await etcd.delete(b"k/c") is not None for _ in range(2)]
    told["deleted prefix"] = (await etcd.delete_prefix(b"k/")).deleted


async def compare(etcd: Any, told: dict[str, Any]) -> None:  # noqa: ANN401
    ops = etcd.transactions
    told["transactions"] = []
    for _ in range(2):
        succeeded, answers = await etcd.transaction(
            compare=[ops.version(b"t") == 0, ops.mod(b"t") == 0],
            success=[ops.put(b"t", b"1")],
            failure=[ops.get(b"t"), ops.delete(b"t")],
        )
        found = [] if succeeded else [value.decode() for value, _ in answers[0]]
        told["transactions"].append([succeeded, found])


async def use_leases(etcd: Any, told: dict[str, Any]) -> None:  # noqa: ANN401
    lease = await etcd.lease(60)
    await etcd.put(b"leased", b"x", lease=lease)
    kept = await lease.refresh()
    keys = [key.decode() for key in await lease.keys()]
    told["lease"] = [kept.TTL, await lease.granted_ttl(), keys]
    await lease.revoke()
    told["after the lease"] = await etcd.get(b"leased")


async def watch(etcd: Any, told: dict[str, Any]) -> None:  # noqa: ANN401
    first = (await etcd.put(b"w/a", b"1")).header.revision
    await etcd.delete(b"w/a")
    await etcd.put(b"w/b", b"2")
    events = await etcd.watch_prefix(b"w/", start_revision=first)
    told["events"] = []
    async for event in events:
        kv = event.kv
        told["events"].append([event.kind, kv.key.decode(), kv.value.decode()])
        if kv.key == b"w/b":
            await events.cancel()
            break


async def lock(etcd: Any, told: dict[str, Any]) -> None:  # noqa: ANN401
    async with etcd.lock(b"l", ttl=60) as held:
        other = etcd.lock(b"l", ttl=60)
        told["locked"] = [await held.is_acquired(), await other.acquire(timeout=0)]
    told["unlocked"] = not await held.is_acquired()


asyncio.run(main(*sys.argv[1:]))
