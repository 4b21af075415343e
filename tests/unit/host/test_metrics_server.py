"""Where metrics may be served, and how scrapes are answered."""

import asyncio
import io
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from ccfpy.base import limits
from ccfpy.base.errors import ConfigurationRefused
from ccfpy.host import metrics_server
from ccfpy.host.connecting import Address
from ccfpy.host.listeners import Listeners
from ccfpy.host.log import Journal
from ccfpy.host.metrics_server import MetricsAddress, MetricsServer
from tests.attacks import attack

TEXT = "ccfpy_ledger_bytes 1\n"


class _Collector:
    def __init__(self) -> None:
        self.calls = 0
        self.has_begun = asyncio.Event()
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def __call__(self) -> str:
        self.calls += 1
        self.has_begun.set()
        await self.may_end.wait()
        return f"{TEXT}# {self.calls}\n"


async def _ask(port: int, request: bytes = b"GET /metrics HTTP/1.1\r\n\r\n") -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    try:
        return await asyncio.wait_for(reader.read(), 10)
    finally:
        writer.close()


def _served(test: Callable[[int, _Collector], Awaitable[None]]) -> None:
    async def run() -> None:
        collector = _Collector()
        journal = Journal(io.BytesIO())
        listeners = Listeners(journal)
        server = MetricsServer(collector, listeners=listeners, journal=journal)
        bound = socket.create_server(("127.0.0.1", 0))
        server.serve(bound)
        try:
            await test(bound.getsockname()[1], collector)
        finally:
            listeners.close()
            server.abort_all()

    asyncio.run(run())


def test_a_scrape_gets_the_text_and_the_end_of_the_connection() -> None:
    async def test(port: int, __: _Collector) -> None:
        answer = await _ask(port, b"GET /metrics?a=b HTTP/1.0\r\nhost: x\r\n\r\n")
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"content-type: text/plain; version=0.0.4" in head
        assert f"content-length: {len(body)}".encode() in head
        assert body.decode() == f"{TEXT}# 1\n"

    _served(test)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", b"404"),
        (b"POST /metrics HTTP/1.1\r\n\r\n", b"405"),
        (b"GET /metrics\r\n\r\n", b"400"),
        (b"GET /metrics HTTP/2.0\r\n\r\n", b"400"),
        (b"\x16\x03\x01 \r\n\r\n", b"400"),
        (b"HEAD /metrics HTTP/1.1\r\n\r\n", b"200"),
    ],
)
def test_what_asks_for_something_else_is_told(request_: bytes, status: bytes) -> None:
    async def test(port: int, collector: _Collector) -> None:
        answer = await _ask(port, request_)
        assert answer.split(b" ")[1] == status
        assert collector.calls == 0

    _served(test)


@attack("metrics: requests for metrics without end")
@pytest.mark.parametrize(("more", "status"), [(0, b"200"), (1, b"431")])
def test_a_request_is_read_to_its_bound(more: int, status: bytes) -> None:
    start, end = b"GET /metrics HTTP/1.1\r\nx: ", b"\r\n\r\n"
    filler = limits.METRICS_REQUEST_BYTES_MAX - len(start) - len(end) + more

    async def test(port: int, __: _Collector) -> None:
        answer = await _ask(port, start + b"y" * filler + end)
        assert answer.split(b" ")[1] == status

    _served(test)


@attack("metrics: requests for metrics without end")
def test_scrapes_at_once_share_one_collection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_server, "METRICS_FRESH_MS", 600_000)

    async def test(port: int, collector: _Collector) -> None:
        collector.may_end.clear()
        asked = [asyncio.ensure_future(_ask(port)) for _ in range(3)]  # noqa: TID251
        await collector.has_begun.wait()
        collector.may_end.set()
        answers = await asyncio.gather(*asked)
        assert all(answer.endswith(b"# 1\n") for answer in answers)
        assert (await _ask(port)).endswith(b"# 1\n")  # as fresh as that
        assert collector.calls == 1

    _served(test)


def test_a_later_scrape_collects_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_server, "METRICS_FRESH_MS", 0)

    async def test(port: int, collector: _Collector) -> None:
        await _ask(port)
        await _ask(port)
        assert collector.calls == 2

    _served(test)


@attack("metrics: requests for metrics without end")
def test_connections_beyond_the_bound_are_closed() -> None:
    async def test(port: int, __: _Collector) -> None:
        held = [
            await asyncio.open_connection("127.0.0.1", port)
            for _ in range(limits.METRICS_CONNECTIONS_MAX)
        ]
        assert await _last(port) == b""
        held.pop()[1].close()
        deadline = time.monotonic() + 10
        answer = b""
        while not answer:
            assert time.monotonic() < deadline
            answer = await _last(port)
        assert answer.startswith(b"HTTP/1.1 200")
        for _, writer in held:
            writer.close()

    _served(test)


async def _last(port: int, *request: bytes) -> bytes:
    """Return the answer; none if the connection was cut."""
    try:
        return await _ask(port, *request)
    except ConnectionError:
        return b""


@attack("metrics: requests for metrics without end")
def test_a_connection_that_asks_nothing_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_server, "METRICS_CONNECTION_S_MAX", 0.01)

    async def test(port: int, __: _Collector) -> None:
        assert await _last(port, b"GET ") == b""

    _served(test)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("127.0.0.1:9464", "127.0.0.1"),
        ("127.8.9.1:1", "127.8.9.1"),
        ("localhost:0", "localhost"),
        ("[::1]:9464", "[::1]"),
    ],
)
def test_an_address_of_this_machine_alone_is_taken(text: str, host: str) -> None:
    address = MetricsAddress.parse(text, anywhere=False).tcp
    assert address is not None
    assert address.host == host


@attack("metrics: an address that other machines reach, by mistake")
@pytest.mark.parametrize(
    "text", ["0.0.0.0:9464", ":9464", "[::]:9464", "10.1.2.3:1", "example.com:80"]
)
def test_an_address_that_others_reach_needs_a_second_word(text: str) -> None:
    with pytest.raises(ConfigurationRefused, match="--metrics-anywhere"):
        MetricsAddress.parse(text, anywhere=False)
    assert MetricsAddress.parse(text, anywhere=True).tcp == Address.parse(text)


@pytest.mark.parametrize("text", ["127.0.0.1:x", "127.0.0.1:65536", "unix:"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationRefused):
        MetricsAddress.parse(text, anywhere=False)


def test_a_port_that_is_taken_is_a_refusal_that_names_the_option() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        address = MetricsAddress.parse(f"127.0.0.1:{port}", anywhere=False)
        with pytest.raises(ConfigurationRefused, match=f"{port}.*--metrics another"):
            address.bind()


def test_a_unix_socket_takes_the_place_of_one_that_nobody_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    address = MetricsAddress.parse("unix:m", anywhere=False)
    bound, where = address.bind()
    assert where == "unix:m"
    with pytest.raises(ConfigurationRefused, match="in use"):
        address.bind()
    bound.close()  # as a killed process leaves it
    again, _ = address.bind()
    again.close()
    address.remove()
    assert not Path("m").exists()


def test_a_file_that_is_no_socket_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("m").write_text("mine")
    with pytest.raises(ConfigurationRefused):
        MetricsAddress.parse("unix:m", anywhere=False).bind()
    assert Path("m").read_text() == "mine"
