"""Calls for data that proves itself: to any server, or in the clear."""

from collections.abc import Callable

import pytest

from ccfpy.base import limits
from ccfpy.base.ids import CallId
from ccfpy.boundary.effects import EndCall, OpenCall, SendCall
from ccfpy.http.messages import Request, Response, serialise_response
from ccfpy.http.tls import TlsContext
from ccfpy.http.tls_calls import UncheckedClientContext
from ccfpy.node.outbound import CallFailure
from tests.unit.node.test_outbound import ADDRESS, OTHER, OTHER_KEY, World, endorsed_by

REQUEST = Request(method="GET", path="/certificates", query="a=b")
ANSWER = serialise_response(Response(status=200, body=b"chain"))


def call(world: World, trust: TlsContext | None = None) -> CallId:
    return world.calls.request(
        ADDRESS, REQUEST, trust=trust, then=world.outcomes.append
    )


def bodies(world: World) -> list[bytes]:
    return [o.body for o in world.outcomes if isinstance(o, Response)]


def test_whoever_answers_is_listened_to() -> None:
    world = World()
    made = call(world, UncheckedClientContext("node.example"))
    server = world.handshake(made, endorsed_by(OTHER_KEY, OTHER))
    assert b"".join(world.requests).startswith(b"GET /certificates?a=b HTTP/1.1\r\n")
    assert server.peer_certificate_der is None, "nothing of ours is shown"
    server.write(ANSWER)
    world.calls.received(made, server.take_output())
    assert bodies(world) == [b"chain"]


def test_a_server_may_be_named_by_its_address() -> None:
    for host in ("127.0.0.1", "::1", "node.example"):
        assert UncheckedClientContext(host).connect() is not None


def test_in_the_clear_the_request_is_sent_once_the_connection_is_there() -> None:
    world = World()
    made = call(world)
    world.calls.received(made, b"too early, and of no meaning")
    world.calls.opened(made)
    world.calls.opened(made)
    opened, sent = world.effects()
    assert opened == OpenCall(call=made, address=ADDRESS)
    assert isinstance(sent, SendCall)
    assert sent.data.startswith(b"GET /certificates?a=b HTTP/1.1\r\nhost: node.example")
    for at in range(len(ANSWER)):
        world.calls.received(made, ANSWER[at : at + 1])
    assert bodies(world) == [b"chain"]
    assert world.effects() == [EndCall(call=made)]


def test_a_response_in_the_clear_may_end_with_its_connection() -> None:
    world = World()
    made = call(world)
    world.calls.opened(made)
    world.calls.received(made, b"HTTP/1.1 200 OK\r\n\r\nchain")
    assert not world.outcomes
    world.calls.ended(made, None)
    assert bodies(world) == [b"chain"]


def _refused(world: World, made: CallId) -> None:
    world.calls.ended(made, "refused")


def _hangs_up(world: World, made: CallId) -> None:
    world.calls.opened(made)
    world.calls.ended(made, None)


def _talks_nonsense(world: World, made: CallId) -> None:
    world.calls.opened(made)
    world.calls.received(made, b"junk\r\n\r\n")


def _says_nothing(world: World, _: CallId) -> None:
    world.calls.tick(limits.CALL_DEADLINE_MS)


@pytest.mark.parametrize(
    ("happens", "failure"),
    [
        (_refused, CallFailure.UNREACHABLE),
        (_hangs_up, CallFailure.BROKEN),
        (_talks_nonsense, CallFailure.BROKEN),
        (_says_nothing, CallFailure.TIMED_OUT),
    ],
)
def test_failures_in_the_clear_are_told_apart(
    happens: Callable[[World, CallId], None], failure: CallFailure
) -> None:
    world = World()
    happens(world, call(world))
    assert world.failure.failure is failure
