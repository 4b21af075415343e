"""Sessions from their first byte to their last, their pending answers and memory."""

import gc
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial

import pytest

from ccfpy.base import json, limits
from ccfpy.base.ids import SessionId
from ccfpy.base.limits import HTTP_HEADER_BYTES_MAX
from ccfpy.boundary.configuration import InterfaceAuthority, RpcInterface
from ccfpy.boundary.effects import CloseSession, SendData
from ccfpy.boundary.events import SessionClosed, SessionData, SessionOpened, Tick
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.declaration import Endpoint
from ccfpy.endpoints.pending import Awaited
from ccfpy.endpoints.registry import Registry
from ccfpy.http.messages import Response
from ccfpy.testing.node import Client, InProcessNode, Person, listener
from tests.attacks import attack
from tests.unit.node.conftest import CONSTITUTION, NOTES, NotesApp

GET_STATE = b"GET /node/state HTTP/1.1\r\n\r\n"
PLAIN = listener(
    "plain",
    port=8002,
    authority=InterfaceAuthority.UNSECURED,
    accepted_endpoints=("/node/state",),
)


class AnsweringApp(NotesApp):
    """Returns the answer that a test chose for each method, good or bad."""

    def __init__(self, answers: Mapping[bytes, Response]) -> None:
        self._answers = answers

    def registry(self) -> Registry:
        registry = super().registry()
        for method, response in self._answers.items():
            handler = partial(_answer_with, response)
            registry.add(Endpoint(method=method.decode(), path="/x", handler=handler))
        return registry


def _answer_with(response: Response, _: Context) -> Response:
    return response


@pytest.fixture
def make_on(members: tuple[Person, ...]) -> Callable[..., InProcessNode]:
    def make(*interfaces: RpcInterface) -> InProcessNode:
        return InProcessNode(
            NotesApp(),
            constitution=CONSTITUTION,
            members=members,
            interfaces=interfaces,
        )

    return make


def metrics(node: InProcessNode) -> dict[str, object]:
    body = json.loads_object(node.request("GET", "/node/metrics").body)
    sessions = body["sessions"]
    assert isinstance(sessions, dict)
    return dict(sessions)


def test_pipelined_requests_are_answered_in_order(node: InProcessNode) -> None:
    client = node.connect()
    paths = ("/node/primary", "/node/nonsense", "/node/commit")
    raw = b"".join(f"GET {path} HTTP/1.1\r\n\r\n".encode() for path in paths)
    assert [r.status for r in client.send(raw)] == [200, 404, 200]
    assert not client.is_closed


@attack("http: a header beyond the limit")
@attack("http: a body beyond the limit")
@pytest.mark.parametrize(
    ("raw", "status", "counter"),
    [
        (b"\x01", 400, "parsing"),
        (
            b"GET / HTTP/1.1\r\nname: " + b"x" * 20_000 + b"\r\n\r\n",
            431,
            "request_header_too_large",
        ),
        (
            b"PUT /app/notes HTTP/1.1\r\ncontent-length: 2000000\r\n\r\n"
            + b"x" * 2_000_000,
            413,
            "request_payload_too_large",
        ),
    ],
)
def test_what_cannot_be_read_is_answered_counted_and_ends_the_session(
    node: InProcessNode, raw: bytes, status: int, counter: str
) -> None:
    client = node.connect()
    responses = client.send(raw)
    assert [r.status for r in responses] == [status]
    assert client.is_closed
    interfaces = metrics(node)["interfaces"]
    assert isinstance(interfaces, dict)
    errors = interfaces["primary_rpc_interface"]["errors"]
    assert {k: v for k, v in errors.items() if v} == {counter: 1}


def test_a_long_answer_crosses_the_boundary_in_pieces(node: InProcessNode) -> None:
    text = "x" * (limits.HTTP_BODY_BYTES_MAX - 100)
    for name in ("a", "b"):
        assert node.request("PUT", "/app/notes", body={name: text}).status == 200
    client = node.connect()
    asked = b"".join(
        b"GET /app/notes?name=%c HTTP/1.1\r\n\r\n" % name for name in b"ab"
    )
    session = client.session
    effects = node.step(SessionData(session=session, data=client.encrypt(asked)))
    sent = [e.data for e in effects if isinstance(e, SendData)]
    assert len(sent) > 1
    assert max(map(len, sent)) <= limits.SEND_BYTES_MAX
    assert client.decrypt(b"".join(sent)).count(text.encode()) == 2


def test_requests_before_an_unreadable_one_are_answered(node: InProcessNode) -> None:
    client = node.connect()
    responses = client.send(GET_STATE + b"\x01")
    assert [r.status for r in responses] == [200, 400]
    assert client.is_closed


def test_clients_who_speak_at_once_are_each_answered_in_their_order(
    node: InProcessNode,
) -> None:
    """Whatever one says takes effect before what the same one says after it."""
    first, second = node.connect(), node.connect()
    said = (
        (first, b'{"a": "1"}'),
        (second, b'{"a": "2"}'),
        (first, b'{"a": "3"}'),
        (second, None),
    )
    events = []
    for client, body in said:
        raw = b"GET /app/notes?name=a HTTP/1.1\r\n\r\n"
        if body is not None:
            raw = b"PUT /app/notes HTTP/1.1\r\ncontent-length: %d\r\n\r\n%b" % (
                len(body),
                body,
            )
        events.append(SessionData(session=client.session, data=client.encrypt(raw)))
    effects = node.step(*events)
    sent = [effect for effect in effects if isinstance(effect, SendData)]
    assert [each.session for each in sent] == [first.session, second.session]
    to_first, to_second = (
        client.decrypt(each.data)
        for client, each in zip((first, second), sent, strict=True)
    )
    assert to_first.count(b"HTTP/1.1 200 OK") == 2
    assert to_second.count(b"HTTP/1.1 200 OK") == 2
    seqnos = [
        answer[:4]
        for told in (to_first, to_second)
        for answer in told.split(b"transaction-id: ")[1:]
    ]
    assert seqnos == sorted(seqnos)
    assert len(set(seqnos)) == 3, "the last is of what a read saw"
    assert b"2" in to_second.rpartition(b"\r\n\r\n")[2]


def test_what_a_client_said_before_it_left_is_done(node: InProcessNode) -> None:
    client = node.connect()
    put = b'PUT /app/notes HTTP/1.1\r\ncontent-length: 9\r\n\r\n{"a":"b"}'
    node.step(
        SessionData(session=client.session, data=client.encrypt(put)),
        SessionClosed(session=client.session),
    )
    assert b"b" in node.request("GET", "/app/notes?name=a").body


def test_what_follows_the_end_of_a_session_in_one_step_means_nothing(
    node: InProcessNode,
) -> None:
    leaving, staying = node.connect(), node.connect()
    goodbye = b"GET /node/state HTTP/1.1\r\nconnection: close\r\n\r\n"
    effects = node.step(
        *(
            SessionData(session=client.session, data=client.encrypt(raw))
            for client, raw in (
                (staying, GET_STATE),
                (leaving, goodbye),
                (leaving, GET_STATE),
                (staying, GET_STATE),
            )
        )
    )
    told = [
        (type(effect), effect.session)
        for effect in effects
        if isinstance(effect, SendData | CloseSession)
    ]
    assert told == [
        (SendData, staying.session),
        (SendData, leaving.session),
        (CloseSession, leaving.session),
    ]
    assert [len(each.receive()) for each in (staying, leaving)] == [2, 1]


def test_who_cannot_be_understood_ends_alone(node: InProcessNode) -> None:
    broken, sound = node.connect(), node.connect()
    effects = node.step(
        SessionData(session=broken.session, data=b"\x17\x03\x03\x00\x01x"),
        SessionData(session=sound.session, data=sound.encrypt(GET_STATE)),
    )
    assert CloseSession(session=broken.session) in effects
    (answer,) = (
        effect.data
        for effect in effects
        if isinstance(effect, SendData) and effect.session == sound.session
    )
    assert b"200 OK" in sound.decrypt(answer)


def test_a_client_that_asks_to_close_is_closed(node: InProcessNode) -> None:
    client = node.connect()
    raw = b"GET /node/state HTTP/1.1\r\nconnection: close\r\n\r\n"
    assert [r.status for r in client.send(raw)] == [200]
    assert client.is_closed


def test_a_broken_handshake_is_told_and_closed(node: InProcessNode) -> None:
    session = node.open_session()
    effects = node.step(SessionData(session=session, data=b"GET / HTTP/1.1\r\n\r\n"))
    assert CloseSession(session=session) in effects
    assert all(isinstance(e, SendData | CloseSession) for e in effects)


def test_beyond_the_soft_cap_every_request_is_turned_away(
    make_on: Callable[..., InProcessNode],
) -> None:
    node = make_on(listener(sessions_soft_max=1, sessions_hard_max=2))
    first = node.connect()
    second = node.connect()
    refused = second.request("GET", "/node/state")
    assert refused.status == 503
    assert b"SessionCapExhausted" in refused.body
    assert refused.headers["retry-after"] == "1"
    assert second.is_closed
    assert first.request("GET", "/node/state").status == 200


def test_beyond_the_hard_cap_a_connection_is_closed_at_once(
    make_on: Callable[..., InProcessNode],
) -> None:
    node = make_on(listener(sessions_soft_max=1, sessions_hard_max=1))
    first = node.connect()
    session = node.open_session()
    assert session in node.host.closed
    first.close()
    assert node.open_session() not in node.host.closed


def test_counts_rise_and_fall_with_sessions(node: InProcessNode) -> None:
    clients = [node.connect() for _ in range(3)]
    assert metrics(node)["active"] == 4
    for client in clients:
        client.close()
    assert metrics(node)["active"] == 1
    assert metrics(node)["peak"] == 4


def test_a_session_the_host_opens_wrongly_is_closed(node: InProcessNode) -> None:
    effects = node.step(
        SessionOpened(session=SessionId(77), interface="nowhere", peer="x")
    )
    assert CloseSession(session=SessionId(77)) in effects
    session = node.open_session()
    node.step(
        SessionOpened(session=session, interface="primary_rpc_interface", peer="x")
    )
    assert session in node.host.closed


def test_an_unsecured_interface_serves_plain_text_and_only_what_it_lists(
    make_on: Callable[..., InProcessNode],
) -> None:
    plain = replace(PLAIN, sessions_hard_max=1)
    node = make_on(listener(), plain)
    session = node.open_session("plain")
    asked = GET_STATE + GET_STATE.replace(b"state", b"network")
    effects = node.step(SessionData(session=session, data=asked))
    (sent,) = [e for e in effects if isinstance(e, SendData)]
    assert sent.data.count(b"HTTP/1.1 200 OK") == 1
    assert sent.data.count(b"HTTP/1.1 503") == 1
    assert node.open_session("plain") in node.host.closed


def test_an_interface_the_service_vouches_for_has_no_tls_before_that_is_final(
    node: InProcessNode,
) -> None:
    """The first signature commits the endorsement, so from then on there is."""
    endorsed = node.connect()
    assert endorsed.request("GET", "/node/state").status == 200


def test_the_callers_certificate_is_known_to_the_app(
    node: InProcessNode, alice: Person
) -> None:
    assert node.request("GET", "/node/state", person=alice).status == 200


@attack("http: a header that begins another line")
def test_an_answer_that_cannot_be_written_is_told_and_keeps_to_its_frame(
    make_node: Callable[[], InProcessNode],
) -> None:
    """A body behind a HEAD would be read as the head of the next answer."""
    headers = {"x-note": "a\r\nset-cookie: b"}
    answers = {
        method: Response(status=200, headers=headers) for method in (b"HEAD", b"GET")
    }
    node = InProcessNode(
        AnsweringApp(answers),
        constitution=CONSTITUTION,
        members=make_node().members,
    )
    node.open_service()
    for method in answers:
        client = node.connect()
        asked = b"%b /app/x HTTP/1.1\r\n\r\n" % method + GET_STATE
        session = client.session
        (sent,) = node.step(SessionData(session=session, data=client.encrypt(asked)))
        assert isinstance(sent, SendData)
        _, first, second = client.decrypt(sent.data).split(b"HTTP/1.1 ")
        assert first.startswith(b"500 ")
        assert first.endswith(b"\r\n\r\n" if method == b"HEAD" else b"}}")
        assert second.startswith(b"200 ")
        assert b"set-cookie" not in first.partition(b"\r\n\r\n")[0]


def test_head_is_answered_without_a_body(node: InProcessNode) -> None:
    client = node.connect()
    raw = b"HEAD /node/primary HTTP/1.1\r\n\r\n"
    assert [r.body for r in client.send(raw)] == [b""]


GET_NONSENSE = GET_STATE.replace(b"state", b"nonsense")


SAID = {
    "one": GET_STATE,
    "a part": GET_STATE[:20],
    "two": GET_STATE + GET_STATE,
    "two and a part": GET_STATE + GET_NONSENSE + GET_STATE[:10],
    "head": GET_STATE.replace(b"GET", b"HEAD"),
    "closing": GET_STATE.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")
    + GET_STATE,
    "then nonsense": GET_STATE + b"nonsense\r\n\r\n",
    "nonsense": b"nonsense\r\n\r\n",
    "more than a step answers": GET_STATE * (limits.STEP_REQUESTS_MAX + 2),
    "more bytes than a turn takes": b"GET /node/state HTTP/1.1\r\nx: "
    + b"y" * limits.SESSION_TURN_BYTES_MAX,
}


@pytest.mark.parametrize("raw", SAID.values(), ids=SAID)
@pytest.mark.parametrize("is_capped", [False, True], ids=["served", "capped"])
def test_a_step_of_one_client_does_what_a_step_of_many_does(
    make_on: Callable[..., InProcessNode], raw: bytes, is_capped: bool
) -> None:
    """``data_alone`` and ``data`` agree, and so do the two ways of HTTP/1."""
    plain = replace(PLAIN, sessions_soft_max=0 if is_capped else 100)
    node = make_on(listener(), plain)
    nobody = SessionData(session=SessionId(10**6), data=b"")

    def answers(*others: SessionData) -> tuple[bytes, bool]:
        session = node.open_session("plain")
        node.step(SessionData(session=session, data=raw), *others)
        return bytes(node.host.sent.get(session, b"")), session in node.host.closed

    assert answers() == answers(nobody)


@pytest.mark.parametrize("has_tls", [False, True], ids=["in clear", "encrypted"])
def test_who_speaks_among_many_is_answered_as_alone(
    make_on: Callable[..., InProcessNode], has_tls: bool
) -> None:
    """Stages that many go through leave each with its own answers, and its own end."""

    def answers(*, at_once: bool) -> dict[str, tuple[bytes, bool]]:
        node = make_on(listener(), PLAIN)
        clients = {kind: node.connect() for kind in SAID} if has_tls else {}
        sessions = {
            kind: clients[kind].session if has_tls else node.open_session("plain")
            for kind in SAID
        }
        events = [
            SessionData(
                session=sessions[kind],
                data=clients[kind].encrypt(raw) if has_tls else raw,
            )
            for kind, raw in SAID.items()
        ]
        for group in [events] if at_once else [[event] for event in events]:
            node.step(*group)
            node.settle()
        came = {
            kind: bytes(node.host.sent.get(session, b""))
            for kind, session in sessions.items()
        }
        if has_tls:
            came = {kind: clients[kind].decrypt(data) for kind, data in came.items()}
        return {
            kind: (came[kind], session in node.host.closed)
            for kind, session in sessions.items()
        }

    alone = answers(at_once=False)
    assert answers(at_once=True) == alone
    assert alone["one"][0].startswith(b"HTTP/1.1 200 OK")
    assert alone["nonsense"][1]


TIMES = 3


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def census() -> Counter[str]:
    """Count the objects that a node's sessions are made of."""
    kinds = (
        f"{kind.__module__}.{kind.__qualname__}" for kind in map(type, gc.get_objects())
    )
    homes = (
        *("ccfpy.node.sessions.sessions", "ccfpy.http.parser", "ccfpy.http.tls"),
        *("ccfpy.http.refusals.ParseFailure", "ccfpy.http.refusals.HeadersTooLarge"),
        *("OpenSSL.SSL.Connection", "ssl.", "_ssl."),
    )
    return Counter(kind for kind in kinds if kind.startswith(homes))


def come_and_be_told_off(node: InProcessNode) -> None:
    client = node.connect()
    client.send(b"no request\r\n\r\n")
    assert client.session in node.host.closed


def come_and_say_too_much(node: InProcessNode) -> None:
    client = node.connect()
    value = b"x" * (HTTP_HEADER_BYTES_MAX + 1)
    client.send(b"GET / HTTP/1.1\r\na: " + value + b"\r\n\r\n")
    assert client.session in node.host.closed


def come_and_be_lost(node: InProcessNode) -> None:
    client = node.connect()
    client.send(GET_STATE)
    node.step(SessionClosed(session=client.session))


def begin_a_handshake_and_be_lost(node: InProcessNode) -> None:
    session = node.open_session()
    node.step(SessionClosed(session=session))


@pytest.mark.slow
@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize(
    "visit",
    [
        come_and_be_lost,
        come_and_be_told_off,
        come_and_say_too_much,
        begin_a_handshake_and_be_lost,
    ],
)
def test_a_session_that_ended_leaves_nothing_to_the_collector(
    node: InProcessNode, visit: Callable[[InProcessNode], None]
) -> None:
    visit(node)
    before = census()
    for _ in range(TIMES):
        visit(node)
    assert census() - before == Counter()


ASK = b"GET /app/later HTTP/1.1\r\n\r\n"
PUT = b'PUT /app/notes HTTP/1.1\r\ncontent-length: 9\r\n\r\n{"a":"b"}'
GET = b"GET /app/notes?name=a HTTP/1.1\r\n\r\n"


class PatientApp(NotesApp):
    """Keeps callers of ``/later`` waiting until the test answers."""

    def __init__(self) -> None:
        self.awaited: list[Awaited] = []

    def registry(self) -> Registry:
        registry = super().registry()
        registry.add(Endpoint(method="GET", path="/later", handler=self._later))
        registry.add(Endpoint(method="GET", path="/at-once", handler=_at_once))
        registry.add(Endpoint(method="POST", path="/settle", handler=self._settle))
        return registry

    def _later(self, context: Context) -> Awaited:
        NOTES.of(context.tx).put("a", "of one who waits")
        self.awaited.append(Awaited())
        return self.awaited[-1]

    def _settle(self, _: Context) -> Response:
        for awaited in self.awaited:
            awaited.settle(Response(status=202, body=b"came"))
        return Response(status=200)


def _at_once(_: Context) -> Awaited:
    awaited = Awaited()
    awaited.settle(Response(status=203))
    return awaited


@pytest.fixture
def app() -> PatientApp:
    return PatientApp()


@pytest.fixture
def patient(app: PatientApp, make_node: Callable[[], InProcessNode]) -> InProcessNode:
    node = InProcessNode(app, constitution=CONSTITUTION, members=make_node().members)
    node.open_service()
    return node


def _tick(node: InProcessNode) -> None:
    node.step(Tick(monotonic_ms=node.now_ms, unix_us=1_750_000_000_000_000))


def _received(client: Client) -> list[int]:
    """The statuses of what came in the step that has just ended."""
    return [response.status for response in client.receive()]


def _settle(app: PatientApp, node: InProcessNode) -> None:
    app.awaited[-1].settle(Response(status=202, body=b"came"))
    _tick(node)


def test_requests_behind_an_awaited_answer_run_after_it(
    app: PatientApp, patient: InProcessNode
) -> None:
    client = patient.connect()
    assert [r.status for r in client.send(GET + ASK + PUT)] == [200]
    assert client.send(GET) == []
    seqno = patient.host.commit
    assert [r.status for r in patient.connect().send(GET)] == [200], "others go on"
    _settle(app, patient)
    assert _received(client) == [202, 200, 200]
    assert patient.host.commit >= seqno
    assert [r.body for r in client.send(GET)] == [b'"b"']


def test_a_handler_that_waits_has_written_nothing(
    app: PatientApp, patient: InProcessNode
) -> None:
    client = patient.connect()
    client.send(ASK)
    _settle(app, patient)
    assert _received(client) == [202]
    assert client.send(GET)[0].body == b"null"


def test_an_answer_that_is_there_at_once_is_sent_at_once(
    patient: InProcessNode,
) -> None:
    raw = b"GET /app/at-once HTTP/1.1\r\n\r\n" + GET
    assert [r.status for r in patient.connect().send(raw)] == [203, 200]


def test_one_connection_may_wait_again_and_again(
    app: PatientApp, patient: InProcessNode
) -> None:
    client = patient.connect()
    client.send(ASK + ASK)
    client.send(ASK + GET)
    for already in range(3):
        assert len(app.awaited) == already + 1
        _settle(app, patient)
    assert _received(client) == [202, 202, 202, 200]


def test_an_answer_settled_by_another_request_leaves_in_the_same_step(
    patient: InProcessNode,
) -> None:
    client, other = patient.connect(), patient.connect()
    client.send(ASK)
    asked = other.encrypt(b"POST /app/settle HTTP/1.1\r\n\r\n")
    effects = patient.step(SessionData(session=other.session, data=asked))
    sent = [e.session for e in effects if isinstance(e, SendData)]
    assert sent == [other.session, client.session]


def test_a_client_that_leaves_is_waited_for_by_nobody(
    app: PatientApp, patient: InProcessNode
) -> None:
    client = patient.connect()
    client.send(ASK + PUT)
    patient.step(SessionClosed(session=client.session))
    assert app.awaited[-1].is_abandoned
    app.awaited[-1].settle(Response(status=202))
    effects = patient.step(Tick(monotonic_ms=patient.now_ms, unix_us=0))
    assert not [e for e in effects if isinstance(e, SendData | CloseSession)]
    assert patient.connect().send(GET)[0].body == b"null"


def test_an_unreadable_request_behind_an_awaited_answer_is_told_after_it(
    app: PatientApp, patient: InProcessNode
) -> None:
    client = patient.connect()
    assert client.send(ASK + b"\x01") == []
    _settle(app, patient)
    assert _received(client) == [202, 400]
    assert client.is_closed


def test_a_request_that_closes_is_closed_once_it_is_answered(
    app: PatientApp, patient: InProcessNode
) -> None:
    client = patient.connect()
    client.send(ASK.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"))
    assert not client.is_closed
    _settle(app, patient)
    assert _received(client) == [202]
    assert client.is_closed


@pytest.mark.parametrize("excess", [0, 1])
def test_what_a_host_passes_on_of_a_waiting_client_is_bounded(
    app: PatientApp, patient: InProcessNode, excess: int
) -> None:
    client = patient.connect()
    client.send(ASK)
    effects = patient.step(
        SessionData(session=client.session, data=bytes(limits.HELD_BYTES_MAX + excess))
    )
    assert (CloseSession(session=client.session) in effects) is bool(excess)
    assert app.awaited[-1].is_abandoned is bool(excess)


def test_a_client_that_leaves_as_its_answer_comes_is_sent_nothing(
    patient: InProcessNode,
) -> None:
    client, other = patient.connect(), patient.connect()
    client.send(ASK)
    asked = other.encrypt(b"POST /app/settle HTTP/1.1\r\n\r\n")
    effects = patient.step(
        SessionData(session=other.session, data=asked),
        SessionClosed(session=client.session),
    )
    sent = [e.session for e in effects if isinstance(e, SendData)]
    assert sent == [other.session]


def test_a_connection_that_broke_meanwhile_ends_when_its_answer_comes(
    app: PatientApp, patient: InProcessNode
) -> None:
    client = patient.connect()
    client.send(ASK)
    assert patient.trusted._booted is not None
    tls = patient.trusted._booted.sessions._connections[client.session]._tls
    assert tls is not None
    tls.close()
    _settle(app, patient)
    assert client.is_closed


def test_an_awaited_answer_is_sent_on_an_interface_without_tls(
    app: PatientApp, make_node: Callable[[], InProcessNode]
) -> None:
    plain = listener(
        "plain",
        authority=InterfaceAuthority.UNSECURED,
        port=8002,
        accepted_endpoints=(".*",),
    )
    node = InProcessNode(
        app,
        constitution=CONSTITUTION,
        members=make_node().members,
        interfaces=(listener(), plain),
    )
    node.open_service()
    session = node.open_session("plain")
    node.step(SessionData(session=session, data=ASK))
    assert session not in node.host.sent
    _settle(app, node)
    assert node.host.sent[session].startswith(b"HTTP/1.1 202 Accepted\r\n")
