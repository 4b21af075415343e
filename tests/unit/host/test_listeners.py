"""Sockets that wait for clients."""

import contextlib
import socket
from collections.abc import Iterator

import pytest

from ccfpy.base.errors import ConfigurationRefused
from ccfpy.host.addresses import Address
from ccfpy.host.listeners import BoundSocket, HostUnknown

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
