"""A backup forwards requests to the primary, or names the node to redirect to."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import chain

import pytest

from ccfpy.base import json, limits
from ccfpy.base.ids import NodeId, SessionId, UserId
from ccfpy.base.vocabulary import NodeStatus
from ccfpy.endpoints.app_calls import caller_named
from ccfpy.endpoints.auth.cert import UserCertCaller
from ccfpy.endpoints.call_shares import CallShares
from ccfpy.endpoints.pending import Answer, Awaited
from ccfpy.endpoints.session import InterfaceRules, Session
from ccfpy.http.errors import ApiError, ErrorCode
from ccfpy.http.messages import Request, Response
from ccfpy.kv.tx import Tx
from ccfpy.node.forwarder import (
    Command,
    CommandResponse,
    Forwarder,
    MessageKind,
    RedirectResolver,
)
from ccfpy.service.tables import nodes
from ccfpy.service.tables.nodes import NetInterface
from ccfpy.testing.node import InProcessNode, Person
from tests.attacks import attack

BACKUP, PRIMARY, OTHER = (NodeId(c * 64) for c in "abc")


@dataclass
class Wire:
    """Carries what nodes send until the test lets it arrive."""

    nodes: dict[NodeId, Forwarder] = field(default_factory=dict)
    sent: deque[tuple[NodeId, NodeId, bytes, bytes]] = field(default_factory=deque)
    is_cut: bool = False

    def arrive(self) -> None:
        while self.sent:
            sender, to, header, plaintext = self.sent.popleft()
            self.nodes[to].received(sender, header, plaintext)


@dataclass
class End:
    """One node's end of the wire, as its channels."""

    wire: Wire
    node: NodeId

    def send_encrypted(self, to: NodeId, header: bytes, plaintext: bytes) -> bool:
        if self.wire.is_cut:
            return False
        self.wire.sent.append((self.node, to, header, plaintext))
        return True


@dataclass
class Lines:
    """What a node logged."""

    lines: list[str] = field(default_factory=list)

    def info(self, message: str) -> None:
        self.lines.append(message)

    fail = info


@dataclass
class Pair:
    """A backup that forwards to a primary, which answers as the test says."""

    wire: Wire = field(default_factory=Wire)
    logs: dict[NodeId, Lines] = field(default_factory=dict)
    primary: NodeId | None = PRIMARY
    answer: Answer = field(default_factory=lambda: Response(status=200, body=b"done"))
    served: list[tuple[Request, Session]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for node in (BACKUP, PRIMARY):
            self.logs[node] = Lines()
            self.wire.nodes[node] = Forwarder(
                channels=End(self.wire, node),
                primary=lambda: self.primary,
                serve=self._serve,
                due=lambda call: call.run(),
                node_log=self.logs[node],
                now_ms=1000,
            )

    @property
    def backup(self) -> Forwarder:
        return self.wire.nodes[BACKUP]

    def _serve(self, request: Request, session: Session) -> Answer:
        self.served.append((request, session))
        return self.answer

    def forward(self, request: Request | None = None, **fields: object) -> Awaited:
        return self.backup.forward(request or POST, client(**fields))


POST = Request(
    method="POST", path="/app/notes", query="a=%20b", headers={"x": "y"}, body=b"body"
)


def client(**fields: object) -> Session:
    session = Session(
        id=SessionId(7), interface=InterfaceRules(name="main"), active_view=3
    )
    for name, value in fields.items():
        setattr(session, name, value)
    return session


def _error(response: Response | None) -> tuple[int, object, object]:
    assert response is not None
    error = json.loads_object(response.body)["error"]
    assert isinstance(error, dict)
    return response.status, error["code"], error["message"]


def test_a_request_is_served_by_the_primary_and_its_response_comes_back() -> None:
    pair = Pair()
    pair.answer = Response(status=201, headers={"x-ms-ccf": "3.4"}, body=b"made")
    alice = Person.make("alice").certificate
    awaited = pair.forward(caller=alice)
    assert not awaited.is_settled
    pair.wire.arrive()
    ((request, session),) = pair.served
    assert (request.method, request.url, request.body) == (
        "POST",
        "/app/notes?a=%20b",
        b"body",
    )
    assert request.headers["x"] == "y"
    assert session.caller == alice
    assert (session.id, session.active_view) == (7, 3)
    assert session.is_forwarded
    assert session.interface.accepts("/app/notes")
    response = awaited.response
    assert response is not None
    assert (response.status, response.body) == (201, b"made")
    assert response.headers["x-ms-ccf"] == "3.4"
    assert not response.close
    assert pair.backup.pending == 0


def test_who_has_no_certificate_or_a_broken_one_calls_as_nobody() -> None:
    pair = Pair()
    pair.forward()
    pair.wire.arrive()
    command = Command(
        command_id=9,
        view=3,
        session=SessionId(7),
        caller_der=b"no DER",
        request=b"GET / HTTP/1.1\r\n\r\n",
    )
    pair.wire.nodes[PRIMARY].received(BACKUP, command.header, command.plaintext)
    assert [session.caller for _, session in pair.served] == [None, None]


def test_answers_find_their_requests_whatever_their_order() -> None:
    pair = Pair()
    awaited = [pair.forward() for _ in range(3)]
    pair.wire.sent.reverse()
    for i in range(3):
        sender, to, header, plaintext = pair.wire.sent.popleft()
        pair.answer = Response(status=200 + i)
        pair.wire.nodes[to].received(sender, header, plaintext)
    pair.wire.arrive()
    assert [a.response and a.response.status for a in awaited] == [202, 201, 200]


def test_a_session_that_is_lost_at_the_primary_ends_at_the_backup() -> None:
    pair = Pair()
    pair.answer = ApiError(
        500, ErrorCode.SessionConsistencyLost, "lost", close=True
    ).response()
    awaited = pair.forward()
    pair.wire.arrive()
    assert awaited.response is not None
    assert awaited.response.close
    assert "connection" not in awaited.response.headers


def test_a_response_that_comes_later_at_the_primary_comes_later_here() -> None:
    pair = Pair()
    pair.answer = later = Awaited()
    awaited = pair.forward()
    pair.wire.arrive()
    assert not awaited.is_settled
    later.settle(Response(status=202))
    pair.wire.arrive()
    assert awaited.response is not None
    assert awaited.response.status == 202


@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_a_response_keeps_its_body_until_it_is_known_who_asked(method: str) -> None:
    pair = Pair()
    awaited = pair.forward(Request(method=method, path="/app/x"))
    pair.wire.arrive()
    assert awaited.response is not None
    assert awaited.response.body == b"done"


def test_without_a_primary_nothing_is_forwarded() -> None:
    pair = Pair(primary=None)
    with pytest.raises(ApiError) as refused:
        pair.forward()
    assert _error(refused.value.response()) == (
        503,
        "InternalError",
        "RPC could not be forwarded to unknown primary.",
    )
    assert refused.value.response().headers["retry-after"] == "1"


def test_without_a_way_to_the_primary_nothing_waits() -> None:
    pair = Pair(wire=Wire(is_cut=True))
    with pytest.raises(ApiError) as refused:
        pair.forward()
    assert _error(refused.value.response()) == (
        503,
        "InternalError",
        "Unable to establish channel to forward to primary.",
    )
    assert refused.value.response().headers["retry-after"] == "1"
    assert pair.backup.pending == 0


def test_a_primary_that_is_silent_is_waited_for_as_long_as_the_interface_says() -> None:
    pair = Pair()
    short = pair.forward(
        interface=InterfaceRules(name="main", forwarding_timeout_ms=50)
    )
    long = pair.forward()
    pair.backup.tick(1049)
    assert not short.is_settled
    pair.backup.tick(1050)
    response = short.response
    assert response is not None
    assert (response.status, response.headers) == (504, {"content-type": "text/plain"})
    assert response.body.decode() == (
        f"Request was forwarded to node {PRIMARY}, but no response was received after "
        "50ms"
    )
    assert not response.close
    for now_ms, has_come in ((3999, False), (4000, True), (9000, True)):
        pair.backup.tick(now_ms)
        assert long.is_settled is has_come


def test_who_waits_for_commit_gives_the_primary_that_time_too() -> None:
    pair = Pair()
    request = Request(
        method="POST", path="/", headers={"x-ccfpy-wait-for-commit": "500"}
    )
    awaited = pair.forward(request)
    pair.backup.tick(4499)
    assert not awaited.is_settled
    pair.backup.tick(4500)
    assert awaited.response is not None
    assert awaited.response.body.endswith(b"after 3500ms")


def test_a_response_that_comes_too_late_is_dropped() -> None:
    pair = Pair()
    awaited = pair.forward()
    pair.backup.tick(4000)
    pair.wire.arrive()
    assert awaited.response is not None
    assert awaited.response.status == 504
    assert pair.logs[BACKUP].lines == [
        "Response for 0 received too late - already sent timeout error to client"
    ]


def test_a_response_counts_only_from_the_node_that_was_asked() -> None:
    pair = Pair()
    awaited = pair.forward()
    forged = CommandResponse(
        command_id=0,
        ends_session=False,
        session=SessionId(7),
        response=b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
    )
    pair.backup.received(OTHER, forged.header, forged.plaintext)
    assert not awaited.is_settled
    assert "it was sent to" in pair.logs[BACKUP].lines[0]
    pair.wire.arrive()
    assert awaited.response is not None
    assert awaited.response.body == b"done"
    pair.backup.received(PRIMARY, forged.header, forged.plaintext)
    assert "too late" in pair.logs[BACKUP].lines[1]


def test_a_response_that_cannot_be_read_is_an_error() -> None:
    pair = Pair()
    awaited = pair.forward()
    broken = CommandResponse(
        command_id=0, ends_session=False, session=SessionId(7), response=b"\x01"
    )
    pair.backup.received(PRIMARY, broken.header, broken.plaintext)
    assert _error(awaited.response)[:2] == (500, "InternalError")


@pytest.mark.parametrize(
    ("asked", "answered", "ends_session"),
    [
        (MessageKind.COMMAND_V1, MessageKind.RESPONSE_V1, False),
        (MessageKind.COMMAND_V2, MessageKind.RESPONSE_V2, False),
        (MessageKind.COMMAND_V3, MessageKind.RESPONSE_V3, True),
    ],
)
def test_a_command_is_answered_in_the_version_it_was_asked_in(
    asked: MessageKind, answered: MessageKind, ends_session: bool
) -> None:
    pair = Pair()
    pair.answer = Response(status=500, close=True)
    command = Command(
        kind=asked,
        command_id=None if asked is MessageKind.COMMAND_V1 else 5,
        view=3 if asked is MessageKind.COMMAND_V3 else None,
        session=SessionId(7),
        caller_der=None,
        request=b"GET /app/x HTTP/1.1\r\n\r\n",
    )
    pair.wire.nodes[PRIMARY].received(BACKUP, command.header, command.plaintext)
    ((_, to, header, plaintext),) = pair.wire.sent
    assert to == BACKUP
    response = CommandResponse(
        kind=answered,
        command_id=command.command_id,
        ends_session=ends_session,
        session=SessionId(7),
        response=plaintext[8:],
    )
    assert (header, plaintext) == (response.header, response.plaintext)
    assert [s.active_view for _, s in pair.served] == [command.view]


def test_what_is_no_message_changes_nothing() -> None:
    pair = Pair()
    awaited = pair.forward()
    pair.backup.received(PRIMARY, b"\x09", b"")
    assert not awaited.is_settled
    assert pair.logs[BACKUP].lines[0].startswith("Invalid forwarded message")


def test_a_command_that_is_no_request_is_answered_if_it_can_be() -> None:
    pair = Pair()
    primary = pair.wire.nodes[PRIMARY]
    for request in (b"\x01", b""):
        command = Command(
            command_id=5,
            view=3,
            session=SessionId(7),
            caller_der=None,
            request=request,
        )
        primary.received(BACKUP, command.header, command.plaintext)
    ((_, _, _, plaintext),) = pair.wire.sent
    assert plaintext[8:].startswith(b"HTTP/1.1 400 ")
    assert len(pair.logs[PRIMARY].lines) == 2
    assert pair.served == []


def test_an_answer_with_nowhere_to_go_is_noted() -> None:
    pair = Pair()
    pair.forward()
    pair.wire.is_cut = True
    pair.wire.arrive()
    assert pair.logs[PRIMARY].lines == [
        f"Failed to send forwarded response to {BACKUP}"
    ]


def test_an_answer_that_cannot_be_written_becomes_an_error() -> None:
    pair = Pair()
    pair.answer = Response(status=200, headers={"x": "a\r\nb"})
    awaited = pair.forward()
    pair.wire.arrive()
    assert _error(awaited.response)[:2] == (500, "InternalError")


def _request_of(plaintext_bytes: int) -> Request:
    head = bytes(9) + b"PUT / HTTP/1.1\r\ncontent-length: 00000000\r\n\r\n"
    body = b"x" * (plaintext_bytes - len(head))
    return Request(method="PUT", path="/", body=body)


@pytest.mark.newest
def test_a_request_that_no_message_can_carry_is_refused() -> None:
    pair = Pair()
    pair.forward(_request_of(limits.FORWARDED_BYTES_MAX))
    assert len(pair.wire.sent[0][3]) == limits.FORWARDED_BYTES_MAX
    with pytest.raises(ApiError) as refused:
        pair.forward(_request_of(limits.FORWARDED_BYTES_MAX + 1))
    assert _error(refused.value.response())[:2] == (413, "RequestBodyTooLarge")


@pytest.mark.newest
def test_a_response_that_no_message_can_carry_is_replaced() -> None:
    pair = Pair()
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 00000000\r\n\r\n"
    for excess, status in ((0, 200), (1, 500)):
        size = limits.FORWARDED_BYTES_MAX - len(head) + excess
        pair.answer = Response(status=200, body=b"x" * size)
        awaited = pair.forward()
        pair.wire.arrive()
        assert awaited.response is not None
        assert awaited.response.status == status


def test_a_request_that_cannot_be_written_is_its_callers_fault() -> None:
    with pytest.raises(ApiError) as refused:
        Pair().forward(Request(method="GET", path="/\x7f"))
    assert _error(refused.value.response())[:2] == (400, "InvalidInput")


def test_only_so_many_commands_wait_and_the_gone_give_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "FORWARDED_PENDING_MAX", 2)
    pair = Pair()
    first = pair.forward(origin="10.0.0.1")
    pair.forward(origin="10.0.0.2")
    with pytest.raises(ApiError) as refused:
        pair.forward(origin="10.0.0.3")
    assert _error(refused.value.response())[:2] == (503, "TooManyPendingTransactions")
    assert refused.value.response().headers["retry-after"] == "1"
    first.abandon()
    third = pair.forward(origin="10.0.0.3")
    assert pair.backup.pending == 2
    pair.wire.arrive()
    assert third.is_settled
    assert not first.is_settled


@pytest.mark.parametrize("end", ["answered", "too late", "gone"])
def test_the_commands_of_one_address_leave_places_to_others(
    monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    monkeypatch.setattr(limits, "FORWARDED_PENDING_MAX", 4)
    pair = Pair()

    def begin_all(origin: str) -> list[Awaited]:
        begun = list[Awaited]()
        while True:
            try:
                begun.append(pair.forward(origin=origin))
            except ApiError as error:
                refused = _error(error.response())
                assert refused[:2] == (503, "TooManyPendingTransactions")
                return begun

    addresses = [f"10.0.0.{number}" for number in (1, 2, 3, 4)]
    begun = [begin_all(address) for address in addresses]
    assert list(map(len, begun)) == [2, 1, 1, 0]
    match end:
        case "answered":
            pair.wire.arrive()
        case "too late":
            pair.backup.tick(1_000_000)
        case _:
            for awaited in chain.from_iterable(begun):
                awaited.abandon()
    assert list(map(len, map(begin_all, addresses))) == [2, 1, 1, 0]


def test_a_forwarded_call_brings_its_trailers_back() -> None:
    pair = Pair()
    pair.answer = Response(status=200, body=b"a", trailers={"grpc-status": "0"})
    awaited = pair.forward()
    pair.wire.arrive()
    assert awaited.response is not None
    assert awaited.response.trailers == {"grpc-status": "0"}


@dataclass
class _Slow:
    """The slow calls of a primary, none of which ends."""

    shares: CallShares = field(default_factory=CallShares)
    free: int = limits.SLOW_CALLS_MAX
    free_to_hang: int = limits.HUNG_CALLS_MAX

    def begin_all(self, session: Session, user: UserCertCaller | None = None) -> int:
        """Begin slow calls of one caller until one is refused; return how many."""
        caller, before = caller_named(user, session.origin), self.free
        while self.shares.may_begin(caller, self, in_python=False):
            self.shares.began(caller)
            self.free -= 1
        return before - self.free


@attack("applications: one caller takes all the places of slow calls")
def test_strangers_behind_one_backup_leave_places_to_everybody_else() -> None:
    pair = Pair()
    for origin in ("10.0.0.1", "10.0.0.2"):
        pair.forward(origin=origin)
    for sender, to, header, plaintext in list(pair.wire.sent):
        pair.wire.nodes[to].received(sender, header, plaintext)
        pair.wire.nodes[to].received(OTHER, header, plaintext)
    one, other_backup, another, _ = (session for _, session in pair.served)
    slow, share = _Slow(), limits.SLOW_CALLS_MAX // 2
    assert slow.begin_all(one) == share
    assert slow.begin_all(another) == 0, "the primary cannot tell them apart"
    assert slow.begin_all(other_backup) == share // 2
    user = UserCertCaller(user_id=UserId("ann"))
    assert slow.begin_all(one, user) == share // 4, "known, whoever forwards the call"
    assert slow.begin_all(client(origin="10.0.0.1")) == 1, "of the primary's own"


FIRST, SECOND, THIRD, PENDING = (NodeId(c * 64) for c in "1234")


@pytest.fixture
def tx(node: InProcessNode) -> Tx:
    """A transaction that sees three trusted nodes, and one that is not."""
    running = node.trusted.running
    assert running is not None
    tx = running.begin(read_only=False)
    infos = nodes.INFO.of(tx)
    (info,) = (found for _, found in infos.items())
    infos.remove(running.node_id)
    for node_id, names in (
        (FIRST, {"main": "first:1"}),
        (SECOND, {"main": "second:1", "side": "second:2"}),
        (THIRD, {"main": "third:1", "side": "third:2"}),
        (PENDING, {"main": "pending:1"}),
    ):
        is_trusted = node_id != PENDING
        infos.put(
            node_id,
            replace(
                info,
                rpc_interfaces=_interfaces(names),
                status=NodeStatus.TRUSTED if is_trusted else NodeStatus.PENDING,
            ),
        )
    return tx


def _interfaces(addresses: Mapping[str, str]) -> dict[str, NetInterface]:
    return {
        name: NetInterface(bind_address="0.0.0.0:0", published_address=address)
        for name, address in addresses.items()
    }


@pytest.mark.parametrize(
    ("interface", "primary", "address"),
    [
        ("main", FIRST, "first:1"),
        ("main", SECOND, "second:1"),
        ("side", SECOND, "second:2"),
        ("side", FIRST, None),
        ("main", PENDING, None),
        ("main", None, None),
    ],
)
def test_the_primary_is_named_if_it_is_known_and_has_the_interface(
    tx: Tx, interface: str, primary: NodeId | None, address: str | None
) -> None:
    found = RedirectResolver().address_of(
        tx, role="primary", interface=interface, primary=primary
    )
    assert found == address


@pytest.mark.parametrize(
    ("interface", "backups"),
    [
        ("main", {"second:1", "third:1"}),
        ("side", {"second:2", "third:2"}),
        ("none", {None}),
    ],
)
def test_backups_that_have_the_interface_take_turns(
    tx: Tx, interface: str, backups: set[str | None]
) -> None:
    redirection = RedirectResolver()
    named = [
        redirection.address_of(tx, role="backup", interface=interface, primary=FIRST)
        for _ in range(4)
    ]
    assert set(named) == backups
    assert named[:2] == named[2:]
