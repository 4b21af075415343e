"""Asks a service as fast as it answers, one request at a time on each connection.

What :mod:`benchmarks.harness.generator` uses where ``wrk`` cannot be: it runs in a
process of its own, so that what it costs is not counted as the server's. It connects
first, then asks until it is interrupted. It keeps the same counts in the same file as
``wrk/client.c`` does, and prints the same line at its end as ``wrk/requests.lua``.
"""

import argparse
import asyncio
import json
import mmap
import signal
import ssl
import time
from itertools import cycle
from pathlib import Path

import uvloop

from benchmarks.harness.counts import bucket


class Load:
    """The state that all connections share: the requests, the counts, and when to
    stop."""

    def __init__(self, requests: list[bytes], counted: memoryview) -> None:
        self.requests = cycle(requests)
        self.refused = 0
        self.is_over = False
        self._counted = counted

    def has_connected(self) -> None:
        self._counted[0] += 1

    def has_answered(self, took_s: float) -> None:
        self._counted[2 + bucket(int(1e6 * took_s))] += 1

    def end(self) -> None:
        self.is_over = True

    def next_request(self) -> bytes:
        self._counted[1] += 1
        return next(self.requests)


class Caller(asyncio.Protocol):
    """One connection, which sends another request after each answer until time is
    up."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._sent_at = 0.0
        self._transport: asyncio.Transport | None = None
        self._answer = b""
        self.is_done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a stream
        self._load.has_connected()

    def send(self) -> None:
        assert self._transport is not None
        self._sent_at = time.perf_counter()
        self._transport.write(self._load.next_request())

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if not is_whole(self._answer):
            return
        self._load.has_answered(time.perf_counter() - self._sent_at)
        self._load.refused += not self._answer.startswith(b"HTTP/1.1 2")
        self._answer = b""
        if not self._load.is_over:
            self.send()
        elif not self.is_done.done():
            self.is_done.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.is_done.done():
            self.is_done.set_exception(exc or ConnectionResetError("closed"))


def is_whole(answer: bytes) -> bool:
    """Return whether an answer is complete: its head, and as much body as the head
    names."""
    head, end, body = answer.partition(b"\r\n\r\n")
    _, _, size = head.lower().partition(b"\r\ncontent-length: ")
    return bool(end) and len(body) >= int(size.split(b"\r\n")[0] or 0)


def requests_in(data: bytes) -> list[bytes]:
    """Return the requests of a file, each after a line with its size."""
    found = []
    while data:
        size, _, rest = data.partition(b"\n")
        found.append(rest[: int(size)])
        data = rest[int(size) :]
    return found


async def load(arguments: argparse.Namespace) -> dict[str, int]:
    context = ssl.create_default_context(cafile=str(arguments.service))
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.load_cert_chain(arguments.certificate, arguments.key)
    loop = asyncio.get_running_loop()
    with (
        arguments.counts.open("r+b") as file,
        mmap.mmap(file.fileno(), 0) as mapped,
        memoryview(mapped) as plain,
        plain.cast("Q") as counted,
    ):
        shared = Load(requests_in(arguments.requests.read_bytes()), counted)
        loop.add_signal_handler(signal.SIGINT, shared.end)
        callers: list[Caller] = []
        for _ in range(arguments.connections):
            _, caller = await loop.create_connection(
                lambda: Caller(shared), arguments.host, arguments.port, ssl=context
            )
            callers.append(caller)
        for caller in callers:
            caller.send()
        done = await asyncio.gather(
            *(caller.is_done for caller in callers), return_exceptions=True
        )
    return {
        "refused": shared.refused,
        "lost": sum(isinstance(each, Exception) for each in done),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("requests", type=Path)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    for file in ("service", "certificate", "key", "counts"):
        parser.add_argument(f"--{file}", type=Path, required=True)
    parser.add_argument("--connections", type=int, default=100)
    print(json.dumps(uvloop.run(load(parser.parse_args()))))


if __name__ == "__main__":
    main()
