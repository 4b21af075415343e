"""Calls of the enclave to elsewhere, on real sockets."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import cast

import pytest

from ccfpy.base.ids import CallId
from ccfpy.base.limits import CALLS_MAX
from ccfpy.boundary.events import CallData, CallEnded, CallOpened, Event
from ccfpy.host.outbound import OutboundConnections
from tests.unit.host import waiting
from tests.unit.host.waiting import wait_until

pytestmark = pytest.mark.usefixtures("each_loop")

ONE, TWO = CallId(1), CallId(2)


class _Elsewhere(asyncio.Protocol):
    """A server that says back what it hears, and ``bye`` by ending."""

    def __init__(self, world: "_World") -> None:
        self.world = world

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.world.served.append(self.transport)

    def data_received(self, data: bytes) -> None:
        self.world.heard += data
        if data == b"bye":
            self.transport.close()
        elif data == b"reset":
            self.transport.abort()
        elif not self.world.is_quiet:
            self.transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.world.served.remove(self.transport)


class _World:
    def __init__(self) -> None:
        self.events: list[Event] = []
        self.heard = b""
        self.is_quiet = False
        self.served: list[asyncio.Transport] = []
        self.calls = OutboundConnections(self.events.append, timeout_s=5)
        self.address = ""

    async def wait_for(self, event: Event) -> None:
        await wait_until(lambda: event in self.events, str(event))

    async def open(self, call: CallId) -> None:
        self.calls.open(call, self.address)
        await self.wait_for(CallOpened(call=call))


def _run(story: Callable[[_World], Coroutine[None, None, None]]) -> None:
    async def run() -> None:
        world = _World()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Elsewhere(world), "127.0.0.1", 0)
        world.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            async with asyncio.timeout(120):
                await story(world)
        finally:
            world.calls.abort_all()
            for transport in world.served:
                transport.abort()
            await wait_until(
                lambda: not len(world.calls) and not world.served, "every call's end"
            )
            server.close()

    waiting.run(run())


def test_bytes_go_and_come() -> None:
    async def story(world: _World) -> None:
        await world.open(ONE)
        world.calls.send(ONE, b"hello")
        await world.wait_for(CallData(call=ONE, data=b"hello"))

    _run(story)


def test_the_other_end_may_close() -> None:
    async def story(world: _World) -> None:
        await world.open(ONE)
        world.calls.send(ONE, b"bye")
        await world.wait_for(CallEnded(call=ONE))
        world.calls.send(ONE, b"too late")
        world.calls.end(ONE)
        assert world.events == [CallOpened(call=ONE), CallEnded(call=ONE)]

    _run(story)


def test_a_call_that_breaks_says_why() -> None:
    async def story(world: _World) -> None:
        await world.open(ONE)
        world.served[0].get_extra_info("socket").setsockopt(
            1, 13, b"\x01\x00\x00\x00\x00\x00\x00\x00"
        )
        world.calls.send(ONE, b"reset")
        await wait_until(lambda: len(world.events) > 1, "the end")
        assert world.events[1:] == [
            CallEnded(call=ONE, reason="connection reset by peer")
        ]

    _run(story)


def test_nobody_there_is_an_end_with_its_reason() -> None:
    async def story(world: _World) -> None:
        world.calls.open(ONE, "127.0.0.1:1")
        world.calls.send(ONE, b"lost")
        await wait_until(lambda: world.events, "the end")
        (ended,) = world.events
        assert isinstance(ended, CallEnded)
        assert ended.reason
        assert not len(world.calls)

    _run(story)


def test_an_ended_call_sends_what_it_has_and_is_not_heard_of_again() -> None:
    async def story(world: _World) -> None:
        await world.open(ONE)
        world.is_quiet = True
        world.calls.send(ONE, bytes(1_000_000))
        world.calls.end(ONE)
        await wait_until(lambda: len(world.heard) == 1_000_000, "all that was sent")
        await wait_until(lambda: not len(world.calls), "the end")
        assert world.events == [CallOpened(call=ONE)]

    _run(story)


def test_a_call_may_be_ended_before_it_is_there() -> None:
    async def story(world: _World) -> None:
        world.calls.open(ONE, world.address)
        world.calls.end(ONE)
        await world.open(TWO)
        assert world.events == [CallOpened(call=TWO)]

    _run(story)


def test_one_call_too_many_ends_at_once() -> None:
    async def story(world: _World) -> None:
        for number in range(CALLS_MAX):
            await world.open(CallId(number))
        world.calls.open(CallId(CALLS_MAX), world.address)
        assert world.events[-1] == CallEnded(
            call=CallId(CALLS_MAX), reason=f"more than {CALLS_MAX} calls"
        )
        world.calls.end(CallId(0))
        await wait_until(lambda: len(world.calls) < CALLS_MAX, "room")
        await world.open(CallId(CALLS_MAX))

    _run(story)


def test_nothing_is_read_while_the_enclave_does_not_keep_up() -> None:
    async def story(world: _World) -> None:
        await world.open(ONE)
        world.calls.set_congested(is_congested=True)
        await world.open(TWO)
        world.calls.send(ONE, b"hello")
        world.calls.send(TWO, b"hello")
        await wait_until(lambda: world.heard == b"hellohello", "the server to hear")
        assert len(world.events) == 2
        world.calls.set_congested(is_congested=False)
        await world.wait_for(CallData(call=ONE, data=b"hello"))
        await world.wait_for(CallData(call=TWO, data=b"hello"))

    _run(story)


def test_a_call_that_lets_too_much_pile_up_is_ended() -> None:
    async def story(world: _World) -> None:
        await world.open(ONE)
        world.served[0].pause_reading()
        while len(world.events) == 1:
            world.calls.send(ONE, bytes(8_000_000))
            await asyncio.sleep(0)
        assert world.events[1:] == [CallEnded(call=ONE)]

    _run(story)
