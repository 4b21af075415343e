"""Opening connections: there, refused, silent and nonsense."""

import asyncio
import socket
from typing import ClassVar

import pytest

from ccfpy.base.limits import SESSION_KEEPALIVE_S
from ccfpy.host.connecting import (
    Address,
    ConnectFailed,
    begin,
    connect,
    reason,
    set_keepalive,
    tune,
)
from tests.lab.ports import free_ports
from tests.unit.host import waiting

pytestmark = pytest.mark.usefixtures("each_loop")


class _Visitor(asyncio.Protocol):
    """Leaves as soon as it is there."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


class _Guest(asyncio.Protocol):
    """Stays until the loop ends."""

    there: ClassVar[list[asyncio.BaseTransport]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.there.append(transport)


def _connect(address: str, *, source: Address | None = None) -> None:
    async def run() -> None:
        await connect(_Visitor, address, timeout_s=30, source=source)
        await asyncio.sleep(0)

    waiting.run(run())


def _listening() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


@pytest.mark.parametrize("form", ["{}", "[{}]"])
def test_a_connection_comes_from_the_address_that_was_chosen(form: str) -> None:
    """Brackets are those of IPv6 addresses; not every machine has such an address."""
    with _listening() as server:
        port = server.getsockname()[1]
        source = Address(form.format("127.1.2.3"), 0)
        _connect(f"{form.format('127.0.0.1')}:{port}", source=source)
        connection, address = server.accept()
        connection.close()
        assert address[0] == "127.1.2.3"


@pytest.mark.parametrize("address", ["127.0.0.1:x", "127.0.0.1:70000"])
def test_an_address_that_is_none_fails(address: str) -> None:
    with pytest.raises(ConnectFailed, match="Port"):
        _connect(address)


def test_nobody_there_is_said_in_the_systems_words() -> None:
    with pytest.raises(ConnectFailed, match="connect"):
        _connect(f"127.0.0.1:{free_ports()[0]}")
    with pytest.raises(ConnectFailed):
        _connect("\udcff:1")


def test_silence_ends_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"

        async def run() -> None:
            try:
                for _ in range(4):  # the first ones fill the queue of the deaf server
                    await connect(_Guest, address, timeout_s=0.1)
            finally:
                while _Guest.there:
                    _Guest.there.pop().close()

        with pytest.raises(ConnectFailed, match=r"no answer in 0\.1 s"):
            waiting.run(run())


def test_a_tuned_connection_sends_at_once_and_notices_silence() -> None:
    with _listening() as server:
        port = server.getsockname()[1]

        async def run() -> None:
            transport, _ = await asyncio.get_running_loop().create_connection(
                asyncio.Protocol, "127.0.0.1", port
            )
            tune(transport, timeout_s=2)
            connection = transport.get_extra_info("socket")
            get = connection.getsockopt
            assert get(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert get(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                assert get(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 2000
            transport.abort()

        waiting.run(run())


def test_a_transport_without_a_socket_is_left_alone() -> None:
    tune(asyncio.BaseTransport(), timeout_s=1)


def test_a_reason_is_never_empty() -> None:
    assert reason(ConnectionResetError(104, "Connection reset")) == "connection reset"
    assert reason(OSError("several")) == "several"
    assert reason(ConnectionResetError()) == "ConnectionResetError"


def test_the_system_asks_a_silent_other_end_whether_it_is_there() -> None:
    class Transport(asyncio.BaseTransport):
        pass

    with socket.socket() as connection:
        transport = Transport({"socket": connection})
        set_keepalive(transport, is_on=True)
        assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        if hasattr(socket, "TCP_KEEPIDLE"):
            idle_s = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)
            assert idle_s == SESSION_KEEPALIVE_S
        set_keepalive(transport, is_on=False)
        assert not connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    set_keepalive(Transport(), is_on=True)  # of a test, without a socket


@pytest.mark.parametrize("address", ["a\0b:1", "\0:1", "a" * 70 + ".example:1"])
def test_a_name_that_no_system_can_look_up_fails(address: str) -> None:
    with pytest.raises(ConnectFailed):
        _connect(address)


def test_a_task_that_fails_is_heard_of_though_somebody_holds_it() -> None:
    heard: list[object] = []
    held: list[asyncio.Task[None]] = []

    async def fail() -> None:
        raise ZeroDivisionError

    async def run() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: heard.append(context))
        held.append(begin(fail()))
        held.append(begin(asyncio.sleep(1000)))
        held[1].cancel()
        await waiting.wait_until(lambda: heard, "the failure")
        await asyncio.sleep(0)

    waiting.run(run())
    (context,) = heard
    assert isinstance(context, dict)
    assert isinstance(context["exception"], ZeroDivisionError)


def test_options_of_a_connection_that_has_ended_are_no_failure() -> None:
    class Ended(asyncio.Transport):
        def get_extra_info(self, name: str, default: object = None) -> object:
            assert (name, default) == ("socket", None)
            with socket.socket() as closed:
                pass
            return closed

    set_keepalive(Ended(), is_on=True)
    tune(Ended(), timeout_s=1)
