"""A node's requests to other servers: TLS and HTTP inside, connections by the host."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from ccfpy.base import limits
from ccfpy.base.errors import LimitExceeded, Malformed
from ccfpy.base.ids import CallId
from ccfpy.boundary.effects import Effect, EndCall, OpenCall, SendCall
from ccfpy.crypto import certs
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.http.http2_server import Http2Server
from ccfpy.http.messages import Request, Response, serialise_response
from ccfpy.http.tls import (
    HTTP_1_1,
    HTTP_2,
    ServerContext,
    TlsContext,
    TlsFailure,
    TlsSession,
)
from ccfpy.http.tls_calls import ClientContext, UncheckedClientContext
from ccfpy.node.outbound import CallFailed, CallFailure, OutboundClient
from ccfpy.node.outbox import Outbox
from ccfpy.testing.entropy import SeededEntropy

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ENTROPY = SeededEntropy(b"calls")
ADDRESS = "node.example:8000"
REQUEST = Request(method="POST", path="/node/join", body=b"{}")


def service(name: str) -> tuple[KeyPair, Certificate]:
    key = KeyPair.generate(ENTROPY, Curve.SECP384R1)
    certificate = certs.service_certificate(
        key, subject=f"CN={name}", not_before=NOW, validity_days=9, entropy=ENTROPY
    )
    return key, certificate


SERVICE_KEY, SERVICE = service("Service")
OTHER_KEY, OTHER = service("Other")
NODE_KEY = KeyPair.generate(ENTROPY, Curve.SECP384R1)


def endorsed_by(
    key: KeyPair, issuer: Certificate, protocol: bytes = HTTP_1_1
) -> ServerContext:
    certificate = certs.endorse_request(
        certs.certificate_request(NODE_KEY, subject="CN=Node", sans=()),
        issuer_key=key,
        issuer_cert=issuer,
        not_before=NOW,
        validity_days=9,
        entropy=ENTROPY,
    )
    return ServerContext(certificate.pem, NODE_KEY.pem, protocols=(protocol,))


def trust(pem: str = SERVICE.pem) -> ClientContext:
    return ClientContext(
        trusted_pem=pem,
        host="node.example",
        now=NOW,
        checks_name=False,
        certificate_pem=OTHER.pem,
        key_pem=OTHER_KEY.pem,
    )


@dataclass
class World:
    """The caller, and a host that relays between it and servers that answer."""

    outbox: Outbox = field(default_factory=Outbox)
    outcomes: list[Response | CallFailed] = field(default_factory=list)
    requests: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.calls = OutboundClient(self.outbox)

    def call(self, request: Request = REQUEST, *, pem: str = SERVICE.pem) -> CallId:
        return self.calls.request(
            ADDRESS, request, trust=trust(pem), then=self.outcomes.append
        )

    def effects(self) -> list[Effect]:
        return self.outbox.take()

    def handshake(self, call: CallId, context: ServerContext) -> TlsSession:
        """Connect and agree on TLS; return the server's end with the request read."""
        self.calls.opened(call)
        server = TlsSession(context)
        while sent := self.sent(call):
            self.requests.append(server.feed(sent))
            if output := server.take_output():
                self.calls.received(call, output)
        return server

    def sent(self, call: CallId) -> bytes:
        return b"".join(
            effect.data
            for effect in self.effects()
            if isinstance(effect, SendCall) and effect.call == call
        )

    def serve(self, call: CallId, answer: bytes) -> None:
        """Answer a call with these bytes of HTTP."""
        server = self.handshake(call, endorsed_by(SERVICE_KEY, SERVICE))
        server.write(answer)
        self.calls.received(call, server.take_output())

    @property
    def failure(self) -> CallFailed:
        (outcome,) = self.outcomes
        assert isinstance(outcome, CallFailed)
        return outcome


@pytest.fixture
def world() -> World:
    return World()


ANSWER = serialise_response(Response(status=200, body=b"welcome"))


def test_a_call_is_answered_once_and_its_connection_ended(world: World) -> None:
    call = world.call()
    assert world.effects() == [OpenCall(call=call, address=ADDRESS)]
    assert world.outcomes == []
    world.serve(call, ANSWER + ANSWER)
    assert world.outcomes == [
        Response(status=200, headers={"content-length": "7"}, body=b"welcome")
    ]
    assert world.effects()[-1] == EndCall(call=call)
    assert len(world.calls) == 0
    world.calls.received(call, b"more")
    world.calls.ended(call, None)
    assert len(world.outcomes) == 1


def test_the_request_arrives_whole_with_its_host(world: World) -> None:
    world.serve(world.call(), ANSWER)
    assert b"".join(world.requests) == (
        b"POST /node/join HTTP/1.1\r\nhost: node.example:8000\r\n"
        b"content-length: 2\r\n\r\n{}"
    )


def test_a_request_can_name_its_own_host(world: World) -> None:
    world.serve(
        world.call(Request(method="GET", path="/", headers={"host": "x"})), ANSWER
    )
    assert b"host: x\r\n" in b"".join(world.requests)


def test_the_caller_shows_its_certificate(world: World) -> None:
    server = world.handshake(world.call(), endorsed_by(SERVICE_KEY, SERVICE))
    assert server.peer_certificate_der is not None
    assert Certificate.from_der(server.peer_certificate_der) == OTHER


@pytest.mark.parametrize(
    "context",
    [
        endorsed_by(OTHER_KEY, OTHER),
        endorsed_by(OTHER_KEY, SERVICE),
        ServerContext(OTHER.pem, OTHER_KEY.pem),
    ],
    ids=["another service's", "a forged endorsement", "self-signed"],
)
def test_somebody_in_the_middle_gets_no_request(
    world: World, context: ServerContext
) -> None:
    call = world.call()
    world.calls.opened(call)
    server = TlsSession(context)
    heard = server.feed(world.sent(call))
    world.calls.received(call, server.take_output())
    alert = world.sent(call)
    assert heard == b""
    with pytest.raises(TlsFailure):
        server.feed(alert)
    assert world.failure.failure is CallFailure.NOT_TRUSTED
    assert "invalid cert on handshake" in world.failure.detail


def test_bytes_that_are_no_tls_are_told_apart(world: World) -> None:
    call = world.call()
    world.calls.opened(call)
    world.calls.received(call, b"HTTP/1.1 200 OK\r\n\r\n")
    assert world.failure.failure is CallFailure.NO_TLS
    assert "error on handshake" in world.failure.detail


@pytest.mark.parametrize("reason", ["connection refused", None])
def test_nobody_there_is_unreachable(world: World, reason: str | None) -> None:
    world.calls.ended(world.call(), reason)
    assert world.failure.failure is CallFailure.UNREACHABLE
    assert (reason or "closed") in world.failure.detail


def test_a_connection_that_ends_during_the_handshake_is_unreachable(
    world: World,
) -> None:
    call = world.call()
    world.calls.opened(call)
    world.calls.ended(call, None)
    assert world.failure.failure is CallFailure.UNREACHABLE


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 200 OK\r\ncontent-le", ANSWER[:-1], b"nonsense\r\n\r\n"],
)
def test_an_answer_cut_short_or_garbled_is_broken(world: World, answer: bytes) -> None:
    call = world.call()
    world.serve(call, answer)
    world.calls.ended(call, None)
    assert world.failure.failure is CallFailure.BROKEN


def test_a_tampered_answer_is_broken(world: World) -> None:
    call = world.call()
    server = world.handshake(call, endorsed_by(SERVICE_KEY, SERVICE))
    server.write(ANSWER)
    output = bytearray(server.take_output())
    output[-1] ^= 1
    world.calls.received(call, bytes(output))
    assert world.failure.failure is CallFailure.BROKEN


@pytest.mark.parametrize("says_goodbye", [True, False])
def test_an_answer_may_end_with_its_connection(
    world: World, *, says_goodbye: bool
) -> None:
    call = world.call()
    server = world.handshake(call, endorsed_by(SERVICE_KEY, SERVICE))
    server.write(b"HTTP/1.1 200 OK\r\n\r\nto the end")
    if says_goodbye:
        server.close()
    world.calls.received(call, server.take_output())
    if not says_goodbye:
        world.calls.ended(call, None)
    (outcome,) = world.outcomes
    assert isinstance(outcome, Response)
    assert outcome.body == b"to the end"


@pytest.mark.parametrize("excess", [0, 1])
def test_an_answer_may_be_as_large_as_the_caller_allows(
    world: World, excess: int
) -> None:
    bound = 1000
    call = world.calls.request(
        ADDRESS,
        REQUEST,
        trust=trust(),
        then=world.outcomes.append,
        response_bytes_max=bound,
    )
    body = b"x" * (bound + excess)
    world.serve(call, serialise_response(Response(status=200, body=body)))
    if excess:
        assert world.failure.failure is CallFailure.BROKEN
    else:
        (outcome,) = world.outcomes
        assert isinstance(outcome, Response)
        assert outcome.body == body


@pytest.mark.parametrize("is_opened", [False, True])
def test_a_call_ends_at_its_deadline(world: World, *, is_opened: bool) -> None:
    world.calls.tick(500)
    call = world.call()
    if is_opened:
        world.calls.opened(call)
    world.calls.tick(500 + limits.CALL_DEADLINE_MS - 1)
    assert world.outcomes == []
    world.calls.tick(500 + limits.CALL_DEADLINE_MS)
    assert world.failure.failure is CallFailure.TIMED_OUT
    assert world.effects()[-1] == EndCall(call=call)


def test_there_are_only_so_many_calls_at_once(world: World) -> None:
    calls = [world.call() for _ in range(limits.CALLS_MAX)]
    with pytest.raises(LimitExceeded):
        world.call()
    world.calls.ended(calls[0], None)
    assert world.call() == limits.CALLS_MAX + 1


def test_an_abandoned_call_has_no_outcome(world: World) -> None:
    call = world.call()
    world.calls.abandon(call)
    world.calls.abandon(call)
    assert [e for e in world.effects() if isinstance(e, EndCall)] == [
        EndCall(call=call)
    ]
    world.calls.opened(call)
    world.calls.ended(call, None)
    assert world.outcomes == []


def test_a_request_that_cannot_be_written_is_not_sent(world: World) -> None:
    with pytest.raises(Malformed):
        world.call(Request(method="GET", path="/a b"))
    assert world.effects() == []
    assert len(world.calls) == 0


def test_a_long_request_goes_in_pieces_that_the_boundary_takes(world: World) -> None:
    body = b"x" * (2 * limits.SEND_BYTES_MAX)
    call = world.call(Request(method="POST", path="/", body=body))
    world.calls.opened(call)
    server = TlsSession(endorsed_by(SERVICE_KEY, SERVICE))
    received = b""
    largest = 0
    for _ in range(5):
        for effect in world.effects():
            if isinstance(effect, SendCall):
                largest = max(largest, len(effect.data))
                received += server.feed(effect.data)
        world.calls.received(call, server.take_output())
    assert received.endswith(body)
    assert largest == limits.SEND_BYTES_MAX


def test_the_host_cannot_confuse_a_call_with_nonsense(world: World) -> None:
    call = world.call()
    world.calls.received(call, b"before it was opened")
    unknown = CallId(99)
    world.calls.opened(unknown)
    world.calls.received(unknown, b"x")
    world.calls.ended(unknown, "x")
    world.calls.opened(call)
    first = world.sent(call)
    world.calls.opened(call)
    assert first
    assert world.sent(call) == b""
    assert world.outcomes == []


def _called_by_either(world: World, protocol: bytes) -> tuple[CallId, TlsSession]:
    """Call with both protocols on offer, a server that speaks one of them."""
    call = world.calls.request(
        ADDRESS,
        REQUEST,
        trust=trust().offer(HTTP_1_1, HTTP_2),
        then=world.outcomes.append,
    )
    context = endorsed_by(SERVICE_KEY, SERVICE, protocol)
    return call, world.handshake(call, context)


def test_a_call_speaks_http_2_where_the_server_does() -> None:
    world = World()
    call, tls = _called_by_either(world, HTTP_2)
    server = Http2Server()
    server.receive(b"".join(world.requests))
    taken = server.take_request()
    assert taken is not None
    stream, request = taken
    assert (request.method, request.path, request.body) == ("POST", "/node/join", b"{}")
    assert request.headers["host"] == ADDRESS
    body = b"x" * 100_000
    server.respond(stream, Response(status=200, body=body), is_head=False)
    while not world.outcomes:
        tls.write(server.take_output())
        world.calls.received(call, tls.take_output())
        server.receive(tls.feed(world.sent(call)))
    (outcome,) = world.outcomes
    assert isinstance(outcome, Response)
    assert outcome.body == body


def test_a_call_speaks_http_1_where_the_server_does() -> None:
    world = World()
    call, tls = _called_by_either(world, HTTP_1_1)
    assert b"".join(world.requests).startswith(b"POST /node/join HTTP/1.1\r\n")
    tls.write(ANSWER)
    world.calls.received(call, tls.take_output())
    (outcome,) = world.outcomes
    assert isinstance(outcome, Response)
    assert outcome.body == b"welcome"


def test_a_server_that_breaks_http_2_has_not_answered() -> None:
    world = World()
    call, tls = _called_by_either(world, HTTP_2)
    tls.write(ANSWER)
    world.calls.received(call, tls.take_output())
    assert world.failure.failure is CallFailure.BROKEN


CHAIN_REQUEST = Request(method="GET", path="/certificates", query="a=b")
CHAIN = serialise_response(Response(status=200, body=b"chain"))


def call(world: World, trust: TlsContext | None = None) -> CallId:
    return world.calls.request(
        ADDRESS, CHAIN_REQUEST, trust=trust, then=world.outcomes.append
    )


def bodies(world: World) -> list[bytes]:
    return [o.body for o in world.outcomes if isinstance(o, Response)]


def test_whoever_answers_is_listened_to() -> None:
    world = World()
    made = call(world, UncheckedClientContext("node.example"))
    server = world.handshake(made, endorsed_by(OTHER_KEY, OTHER))
    assert b"".join(world.requests).startswith(b"GET /certificates?a=b HTTP/1.1\r\n")
    assert server.peer_certificate_der is None, "nothing of ours is shown"
    server.write(CHAIN)
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
    for at in range(len(CHAIN)):
        world.calls.received(made, CHAIN[at : at + 1])
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
