"""Sockets that wait for clients."""

import asyncio
import contextlib
import os
import resource
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccfpy.base.errors import ConfigurationRefused
from ccfpy.host import listeners
from ccfpy.host.connecting import Address
from ccfpy.host.listeners import BoundSocket, HostUnknown, Listeners
from tests.attacks import attack
from tests.unit.host import waiting

KEY = "network.rpc_interfaces.first"


@pytest.fixture
def taken() -> Iterator[Address]:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield Address("127.0.0.1", server.getsockname()[1])


def test_a_socket_gets_a_real_port_and_keeps_its_host() -> None:
    bound = BoundSocket.bind(Address("localhost", 0), protocol="tcp", key=KEY)
    with bound.socket:
        assert bound.address.host == "localhost"
        assert bound.address.port > 0
        assert not bound.is_datagram
        with socket.create_connection(("localhost", bound.address.port), timeout=5):
            pass  # it waits in the queue already


def test_an_address_may_stand_in_brackets_as_ipv6_addresses_do() -> None:
    """Of IPv4, because not every machine has IPv6."""
    bound = BoundSocket.bind(Address("[127.0.0.1]", 0), protocol="tcp", key=KEY)
    with bound.socket:
        host, port = bound.socket.getsockname()
        assert host == "127.0.0.1"
        assert str(bound.address) == f"[127.0.0.1]:{port}"


def test_a_datagram_socket_too() -> None:
    bound = BoundSocket.bind(Address("127.0.0.1", 0), protocol="udp", key=KEY)
    with bound.socket:
        assert bound.is_datagram
        assert bound.socket.type == socket.SOCK_DGRAM


def test_an_address_in_use_is_refused_with_its_place(taken: Address) -> None:
    with pytest.raises(
        ConfigurationRefused,
        match=rf"cannot listen on {taken}: address already in use; give {KEY} another",
    ):
        BoundSocket.bind(taken, protocol="tcp", key=KEY)


def test_a_host_that_does_not_exist_is_refused() -> None:
    with pytest.raises(HostUnknown, match=r"cannot listen on no\.such\.h"):
        BoundSocket.bind(Address("no.such.host.invalid", 0), protocol="tcp", key=KEY)


class _Report:
    """What a listener says."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def info(self, message: str, *, file: str) -> None:
        raise AssertionError(message, file)

    def fail(self, message: str, *, file: str) -> None:
        assert file == "listeners"
        self.said.append(message)


@contextlib.contextmanager
def _few_files() -> Iterator[None]:
    """Forbid this process to open another file."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    with Path(os.devnull).open() as newest:
        resource.setrlimit(resource.RLIMIT_NOFILE, (newest.fileno(), before[1]))
    try:
        # Numbers that are free below it are used up.
        held: list[int] = []
        with contextlib.suppress(OSError):
            while True:
                held.append(os.open(os.devnull, os.O_RDONLY))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
        for number in held:
            os.close(number)


@attack("slow: more connections than the host has descriptors for")
@pytest.mark.usefixtures("each_loop")
def test_a_listener_outlives_the_want_of_descriptors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listeners, "ACCEPT_RETRY_S", 0.01)
    connected: list[asyncio.BaseTransport] = []

    class Client(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            connected.append(transport)

    async def story() -> None:
        report = _Report()
        served = Listeners(report)
        bound = BoundSocket.bind(Address("127.0.0.1", 0), protocol="tcp", key=KEY)
        await served.serve(bound, Client)
        clients = [socket.socket() for _ in range(3)]
        for client in clients:
            client.setblocking(False)
        with _few_files():
            for client in clients:
                client.connect_ex(("127.0.0.1", bound.address.port))
            await waiting.wait_until(lambda: report.said, "a complaint")
            await asyncio.sleep(0.05)
        assert report.said == ["Cannot accept connections for now: too many open files"]
        await waiting.wait_until(lambda: len(connected) == 3, "the connections")
        served.close()
        for client in clients:
            client.close()
        for transport in connected:
            transport.close()
        await asyncio.sleep(0)

    waiting.run(story())
