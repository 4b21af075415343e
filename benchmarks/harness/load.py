"""Asks a service as fast as it answers, one request at a time on each connection.

It runs in a process of its own, so that what it costs is not counted as the server's.
With ``--wait`` it says "ready" when it is connected and begins when it is sent a line:
handshakes are not requests. Prints one JSON object: requests, seconds, latencies in
milliseconds.
"""

import argparse
import asyncio
import json
import ssl
import sys
import time
from pathlib import Path

import uvloop

WRITE = (
    b"POST /app/log/private HTTP/1.1\r\nhost: service\r\n"
    b"content-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
)
COUNT = (
    b"POST /app/%b/42 HTTP/1.1\r\nhost: service\r\n"
    b'content-type: application/json\r\ncontent-length: 9\r\n\r\n{"by": 1}'
)
READ = b"GET /app/log/private?id=42 HTTP/1.1\r\nhost: service\r\n\r\n"


class Caller(asyncio.Protocol):
    """One connection: sends the request again for each answer until time is up."""

    def __init__(self, request: bytes, latencies: list[float]) -> None:
        self._request = request
        self._until = 0.0
        self._latencies = latencies
        self._sent_at = 0.0
        self._transport: asyncio.Transport | None = None
        self.is_done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a stream

    def begin(self, until: float) -> None:
        self._until = until
        self._send()

    def _send(self) -> None:
        assert self._transport is not None
        self._sent_at = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        if not data.startswith(b"HTTP/1.1 200"):
            self.is_done.set_exception(RuntimeError(data[:200].decode()))
            return
        self._latencies.append(now - self._sent_at)
        if now < self._until:
            self._send()
        elif not self.is_done.done():
            self.is_done.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.is_done.done():
            self.is_done.set_exception(exc or ConnectionResetError("closed"))


async def load(arguments: argparse.Namespace) -> dict[str, float]:
    common: Path = arguments.common
    context = ssl.create_default_context(cafile=str(common / "service_cert.pem"))
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.load_cert_chain(common / "user0_cert.pem", common / "user0_privk.pem")
    request = _request(arguments.kind, arguments.size)
    loop = asyncio.get_running_loop()
    latencies: list[float] = []
    callers: list[Caller] = []
    for _ in range(arguments.connections):
        _, caller = await loop.create_connection(
            lambda: Caller(request, latencies),
            arguments.host,
            arguments.port,
            ssl=context,
        )
        callers.append(caller)
    if arguments.wait:
        print("ready", flush=True)
        sys.stdin.readline()
    started = time.perf_counter()
    for caller in callers:
        caller.begin(started + arguments.seconds)
    await asyncio.gather(*(caller.is_done for caller in callers))
    latencies.sort()
    return {
        "requests": len(latencies),
        "seconds": time.perf_counter() - started,
        "p50_ms": 1000 * latencies[len(latencies) // 2],
        "p99_ms": 1000 * latencies[len(latencies) * 99 // 100],
    }


def _request(kind: str, size: int) -> bytes:
    if kind == "read":
        return READ
    if kind != "write":
        return COUNT % kind.encode()
    body = b'{"id": 42, "msg": "%b"}' % (b"x" * size)
    return WRITE % (len(body), body)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=("write", "read", "fresh", "kept", "python"))
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--common", type=Path, required=True)
    parser.add_argument("--connections", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--size", type=int, default=40)
    parser.add_argument("--wait", action="store_true")
    print(json.dumps(uvloop.run(load(parser.parse_args()))))


if __name__ == "__main__":
    main()
