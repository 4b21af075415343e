"""A connection whose answer comes later serves nothing else, then goes on in order."""

from collections.abc import Callable

import pytest

from ccfpy.base import limits
from ccfpy.boundary.configuration import InterfaceAuthority
from ccfpy.boundary.effects import CloseSession, SendData
from ccfpy.boundary.events import SessionClosed, SessionData, Tick
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.declaration import Endpoint
from ccfpy.endpoints.pending import Awaited
from ccfpy.endpoints.registry import Registry
from ccfpy.http.messages import Response
from ccfpy.testing.node import Client, InProcessNode, listener
from tests.unit.node.conftest import CONSTITUTION, NOTES, NotesApp

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
