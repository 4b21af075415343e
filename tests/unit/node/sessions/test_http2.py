"""HTTP/2 on one connection: streams side by side, gRPC, and between nodes."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from h2.settings import SettingCodes

from ccfpy.app import App, Map, TxId, TxStatus, json_codec
from ccfpy.base import json, limits
from ccfpy.boundary.configuration import (
    HttpConfiguration,
    NodeConfiguration,
    RpcInterface,
)
from ccfpy.boundary.effects import CloseSession, SendData
from ccfpy.boundary.events import SessionData, Tick
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.declaration import Endpoint
from ccfpy.endpoints.pending import Awaited
from ccfpy.endpoints.registry import Registry
from ccfpy.http.messages import Response
from ccfpy.testing.configuration import listener
from ccfpy.testing.network import Network
from ccfpy.testing.node import InProcessNode, Person
from tests.attacks import attack
from tests.unit.http.h2_client import Answer
from tests.unit.node.conftest import CONSTITUTION, NotesApp
from tests.unit.node.h2_session import H2Session, http2_listener

NO_WINDOW = {SettingCodes.INITIAL_WINDOW_SIZE: 0}
LARGE = 3 * limits.MIB


class PatientApp(NotesApp):
    """Answers some requests when the test says so, and some at great length."""

    def __init__(self) -> None:
        self.awaited: list[Awaited] = []
        self.served = 0

    def registry(self) -> Registry:
        registry = super().registry()
        for path, handler in (
            ("/later", self._later),
            ("/large", self._large),
            ("/wrong", _wrong),
            ("/last", _last),
        ):
            registry.add(Endpoint(method="GET", path=path, handler=handler))
        return registry

    def _later(self, _: Context) -> Awaited:
        self.awaited.append(Awaited())
        return self.awaited[-1]

    def _large(self, _: Context) -> Response:
        self.served += 1
        return Response(status=200, body=bytes(LARGE))


def _wrong(_: Context) -> Response:
    return Response(status=200, headers={"x": "a\r\nset-cookie: b"}, body=b"private")


def _last(_: Context) -> Response:
    return Response(status=200, body=b"bye", close=True)


@pytest.fixture
def app() -> PatientApp:
    return PatientApp()


@pytest.fixture
def make(
    app: PatientApp, members: tuple[Person, ...]
) -> Callable[[RpcInterface], InProcessNode]:
    def made(interface: RpcInterface) -> InProcessNode:
        node = InProcessNode(
            app,
            constitution=CONSTITUTION,
            members=members,
            interfaces=(listener(), interface),
        )
        node.open_service()
        return node

    return made


@pytest.fixture
def spoken(make: Callable[[RpcInterface], InProcessNode]) -> InProcessNode:
    return make(http2_listener())


def settle(app: PatientApp, node: InProcessNode, *which: int, size: int = 4) -> None:
    for each in which:
        app.awaited[each].settle(Response(status=202, body=b"x" * size))
    node.step(Tick(monotonic_ms=node.now_ms, unix_us=1_750_000_000_000_000))


def errors_of(node: InProcessNode) -> dict[str, int]:
    """What the interface has counted, as its metrics tell it."""
    body: Any = json.loads(node.request("GET", "/node/metrics").body)
    counted = body["sessions"]["interfaces"]["http2"]["errors"]
    return {kind: count for kind, count in counted.items() if count}


def test_requests_are_served_and_share_the_state_of_all_others(
    spoken: InProcessNode,
) -> None:
    client = H2Session(spoken)
    written = client.ask("PUT", "/app/notes", body=b'{"a":"b"}')
    assert written.status == 200
    assert "x-ms-ccf-transaction-id" in written.headers
    assert client.ask("GET", "/app/notes?name=a").body == b'"b"'
    assert spoken.request("GET", "/app/notes?name=a").body == b'"b"'
    assert client.ask("GET", "/node/nonsense").status == 404
    assert client.ask("HEAD", "/node/state").body == b""


def test_a_request_behind_an_awaited_answer_does_not_wait(
    app: PatientApp, spoken: InProcessNode
) -> None:
    client = H2Session(spoken)
    waiting = [client.ask("GET", "/app/later") for _ in range(2)]
    assert client.ask("GET", "/node/state").status == 200
    assert waiting == [Answer(), Answer()]
    settle(app, spoken, 0)
    assert client.ask("GET", "/node/state").status == 200
    assert [each.is_whole for each in waiting] == [True, False]
    assert waiting[0].status == 202


def test_answers_arrive_on_the_streams_that_asked(
    app: PatientApp, spoken: InProcessNode
) -> None:
    client = H2Session(spoken)
    streams = [client.h2.ask("GET", "/app/later") for _ in range(3)]
    client.exchange()
    for which in (1, 2, 0):
        settle(app, spoken, which, size=10 + which)
        client.exchange()
        answer = client.h2.answers[streams[which]]
        assert (answer.status, len(answer.body)) == (202, 10 + which)
        assert answer.is_whole
    assert not client.is_closed


def test_whoever_withdraws_a_request_is_not_waited_for(
    app: PatientApp, spoken: InProcessNode
) -> None:
    client = H2Session(spoken)
    streams = [client.h2.ask("GET", "/app/later") for _ in range(2)]
    client.exchange()
    client.h2.h2.reset_stream(streams[0])
    client.exchange()
    assert [each.is_abandoned for each in app.awaited] == [True, False]
    settle(app, spoken, 0, 1)
    client.exchange()
    assert list(client.h2.answers) == [streams[1]]


def test_a_client_that_goes_abandons_all_that_it_waits_for(
    app: PatientApp, spoken: InProcessNode
) -> None:
    client = H2Session(spoken)
    for _ in range(2):
        client.h2.ask("GET", "/app/later")
    client.exchange()
    client.close()
    assert all(each.is_abandoned for each in app.awaited)


@pytest.mark.slow
@attack("http2: a window that never opens")
def test_a_client_that_does_not_read_is_served_no_further_until_it_does(
    app: PatientApp, spoken: InProcessNode
) -> None:
    client = H2Session(spoken, settings=NO_WINDOW)
    streams = [client.h2.ask("GET", "/app/large") for _ in range(5)]
    client.exchange()
    begun = limits.HTTP2_UNSENT_BYTES_MAX // LARGE + 1
    assert app.served == begun
    client.h2.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 1 << 20})
    client.exchange()
    assert app.served == 5
    assert all(len(client.h2.answers[each].body) == LARGE for each in streams)


def test_an_awaited_answer_for_which_there_is_no_room_is_given_up(
    app: PatientApp, spoken: InProcessNode
) -> None:
    client = H2Session(spoken, settings=NO_WINDOW)
    count = 4
    streams = [client.h2.ask("GET", "/app/later") for _ in range(count)]
    client.exchange()
    settle(app, spoken, *range(count), size=limits.REPLIES_BYTES_MAX // 2)
    client.exchange()
    reset = [client.h2.answers[each].reset for each in streams]
    assert reset == [None, None, None, 0xB]


def test_an_answer_that_cannot_be_written_becomes_an_error(
    spoken: InProcessNode,
) -> None:
    client = H2Session(spoken)
    answer = client.ask("GET", "/app/wrong")
    assert answer.status == 500
    assert b"private" not in answer.body
    assert "set-cookie" not in answer.headers


def test_an_answer_that_is_the_last_ends_the_connection(
    spoken: InProcessNode,
) -> None:
    client = H2Session(spoken)
    streams = [client.h2.ask("GET", path) for path in ("/app/last", "/node/state")]
    client.exchange()
    assert list(client.h2.answers) == streams[:1]
    assert client.h2.answers[streams[0]].body == b"bye"
    assert client.h2.goaway == 0
    assert client.is_closed


@pytest.mark.parametrize(
    ("headers", "body", "status", "counter"),
    [
        ([("x", "y" * 101)], b"", 431, "request_header_too_large"),
        ([], b"x" * 1001, 413, "request_payload_too_large"),
    ],
)
def test_what_is_too_large_is_answered_counted_and_ends_the_connection(
    make: Callable[[RpcInterface], InProcessNode],
    headers: list[tuple[str, str]],
    body: bytes,
    status: int,
    counter: str,
) -> None:
    bounds = HttpConfiguration(body_bytes_max=1000, header_bytes_max=100)
    node = make(http2_listener(bounds))
    client = H2Session(node)
    answer = client.ask("PUT", "/app/notes", headers=headers, body=body)
    assert answer.status == status
    assert client.is_closed
    assert errors_of(node) == {counter: 1}


@pytest.mark.parametrize(
    "sent",
    [b"\x01", b"GET / HTTP/1.1\r\n\r\n", b"NOTAVERB ", b"POST / HTTP/42.42"],
)
def test_whoever_speaks_something_else_is_counted_and_hears_nothing(
    spoken: InProcessNode, sent: bytes
) -> None:
    client = spoken.connect(interface="http2")
    effects = spoken.step(
        SessionData(session=client.session, data=client.encrypt(sent))
    )
    said = b"".join(each.data for each in effects if isinstance(each, SendData))
    assert client.decrypt(said) == b""
    assert CloseSession(session=client.session) in effects
    assert errors_of(spoken) == {"parsing": 1}


def test_what_breaks_the_protocol_is_counted_and_told(spoken: InProcessNode) -> None:
    client = H2Session(spoken)
    client.exchange()
    client.send(bytes((0, 0, 1, 6, 0, 0, 0, 0, 0, 0)))
    client.exchange()
    assert client.h2.goaway == 0x6
    assert client.is_closed
    assert errors_of(spoken) == {"parsing": 1}


def test_a_client_that_says_goodbye_is_let_go(spoken: InProcessNode) -> None:
    client = H2Session(spoken)
    client.exchange()
    client.h2.h2.close_connection()
    client.send(client.h2.take())
    assert client.is_closed
    assert errors_of(spoken) == {}


def test_beyond_the_soft_cap_every_request_is_turned_away(
    make: Callable[[RpcInterface], InProcessNode],
) -> None:
    node = make(http2_listener(sessions_soft_max=1))
    first, second = H2Session(node), H2Session(node)
    refused = second.ask("GET", "/node/state")
    assert refused.status == 503
    assert b"SessionCapExhausted" in refused.body
    assert second.is_closed
    assert first.ask("GET", "/node/state").status == 200


def test_the_interfaces_own_limits_are_told(
    make: Callable[[RpcInterface], InProcessNode],
) -> None:
    bounds = HttpConfiguration(
        concurrent_streams_max=7, initial_window_bytes=70_000, frame_bytes_max=20_000
    )
    client = H2Session(make(http2_listener(bounds)))
    client.exchange()
    assert client.h2.settings[SettingCodes.MAX_CONCURRENT_STREAMS] == 7
    assert client.h2.settings[SettingCodes.INITIAL_WINDOW_SIZE] == 70_000
    assert client.h2.settings[SettingCodes.MAX_FRAME_SIZE] == 20_000


PUT = "/notes.Notes/Put"
HEADERS = [("content-type", "application/grpc+proto"), ("te", "trailers")]

grpc_app = App("grpc")
LAST = Map("last", json_codec(int), json_codec(str))


@grpc_app.post(PUT)
def put(ctx: Context) -> Response:
    """Keep a message, and answer with it."""
    LAST.of(ctx.tx).put(0, ctx.request.body.decode())
    return reply(ctx.request.body)


@grpc_app.post("/notes.Notes/PutAndFail")
def put_and_fail(ctx: Context) -> Response:
    """Keep a message, and answer that it was not kept."""
    LAST.of(ctx.tx).put(0, ctx.request.body.decode())
    return reply(b"", status="9")


@grpc_app.post("/notes.Notes/PutAndWait")
def put_and_wait(ctx: Context) -> Response:
    """Keep a message, and answer once it is final."""
    LAST.of(ctx.tx).put(0, ctx.request.body.decode())
    ctx.answer_at_commit = _kept
    return reply(b"")


def _kept(_: Context, tx_id: TxId, status: TxStatus) -> Response:
    assert tx_id.seqno
    return reply(f"{status}".encode())


@grpc_app.post("/notes.Notes/Get")
def get(ctx: Context) -> Response:
    """Answer with the last message."""
    return reply((LAST.of(ctx.tx).get(0) or "").encode())


@grpc_app.post("/notes.Notes/Own", auth=["user_cert"])
def own(_: Context) -> None:
    """Answer users."""


@grpc_app.post("/notes.Notes/Wrong")
def wrong(_: Context) -> Response:
    """Answer with a trailer that cannot be sent."""
    return Response(status=200, trailers={"grpc-status": "0\n"})


@grpc_app.post("/notes.Notes/Odd")
def odd(_: Context) -> Response:
    """Answer with trailers that are none."""
    return Response(status=200, trailers={"grpc-status": 0})  # type: ignore[dict-item]


def reply(message: bytes, status: str = "0") -> Response:
    return Response(
        status=200,
        headers={"content-type": "application/grpc"},
        body=message,
        trailers={"grpc-status": status},
    )


def call(client: H2Session, path: str, body: bytes = b"") -> Answer:
    return client.ask("POST", path, headers=HEADERS, body=body)


def status_of(answer: Answer) -> str:
    assert answer.is_whole
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/grpc"
    return answer.trailers.get("grpc-status") or answer.headers["grpc-status"]


@pytest.fixture
def node(members: tuple[Person, ...]) -> InProcessNode:
    node = InProcessNode(
        grpc_app,
        constitution=CONSTITUTION,
        members=members,
        interfaces=(listener(), http2_listener(HttpConfiguration(body_bytes_max=100))),
    )
    node.open_service()
    return node


def test_a_call_is_answered_with_trailers_on_a_path_with_dots(
    node: InProcessNode,
) -> None:
    client = H2Session(node)
    for path in (PUT, f"/app{PUT}"):
        answer = call(client, path, b"hi")
        assert answer.body == b"hi"
        assert answer.trailers == {"grpc-status": "0"}
        assert "x-ms-ccf-transaction-id" in answer.headers
    assert "/notes.Notes/Put" in f"{node.request('GET', '/app/api').body!r}"


def test_an_answer_at_commit_has_trailers(node: InProcessNode) -> None:
    client = H2Session(node)
    answer = call(client, "/notes.Notes/PutAndWait", b"hi")
    assert not answer.is_whole, "nothing is signed yet"
    node.advance(1000)
    client.exchange()
    assert answer.body == b"Committed"
    assert status_of(answer) == "0"


def test_a_call_that_fails_writes_nothing(node: InProcessNode) -> None:
    client = H2Session(node)
    assert status_of(call(client, "/notes.Notes/PutAndFail", b"hi")) == "9"
    assert call(client, "/notes.Notes/Get").body == b""


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/notes.Notes/None", b"", "12"),
        ("/node/state", b"", "12"),
        ("/notes.Notes/Own", b"", "16"),
        ("/notes.Notes/Wrong", b"", "13"),
        ("/notes.Notes/Odd", b"", "13"),
        (PUT, b"x" * 101, "8"),
    ],
)
def test_an_error_is_a_status_of_grpc(
    node: InProcessNode, path: str, body: bytes, status: str
) -> None:
    client = H2Session(node)
    answer = call(client, path, body)
    assert status_of(answer) == status
    assert answer.headers["grpc-message"]
    assert answer.body == b""
    plain = H2Session(node).ask("POST", path, body=body)
    assert plain.status >= 400, "other clients see the same as ever"


def test_an_answer_by_http_1_1_loses_its_trailers(node: InProcessNode) -> None:
    answer = node.connect().request("POST", f"/app{PUT}", body="hi")
    assert (answer.status, answer.trailers) == (200, None)
    assert "grpc-status" not in answer.headers


def _http2_first(configuration: NodeConfiguration) -> NodeConfiguration:
    (plain,) = configuration.rpc_interfaces
    port = int(plain.published_address.rpartition(":")[2]) + 2
    return replace(configuration, rpc_interfaces=(http2_listener(port=port), plain))


def test_a_backup_forwards_calls_and_passes_their_trailers_on(
    members: tuple[Person, ...], alice: Person
) -> None:
    network = Network(
        grpc_app, constitution=CONSTITUTION, members=members, configure=_http2_first
    )
    primary = network.start()
    backup = network.join()

    def follows() -> bool:
        return bool(backup.host.commit) and backup.host.commit == primary.host.commit

    network.wait_until(follows)
    primary.open_service(alice)
    network.wait_until(follows)
    client = H2Session(backup)
    written, refused = call(client, PUT, b"hi"), call(client, "/notes.Notes/Own")

    def has_come() -> bool:
        client.exchange()
        return written.is_whole and refused.is_whole

    network.wait_until(has_come)
    assert (written.body, written.trailers) == (b"hi", {"grpc-status": "0"})
    assert status_of(refused) == "16"
    assert H2Session(backup).ask("POST", PUT, body=b"hi").status == 501


def test_a_service_that_is_not_open_is_unavailable(
    members: tuple[Person, ...],
) -> None:
    node = InProcessNode(
        grpc_app,
        constitution=CONSTITUTION,
        members=members,
        interfaces=(listener(), http2_listener()),
    )
    assert status_of(call(H2Session(node), PUT)) == "14"


PLAIN = "primary_rpc_interface"


def test_a_node_joins_by_http_2_and_answers_501_where_it_would_forward(
    members: tuple[Person, ...], alice: Person
) -> None:
    network = Network(
        NotesApp(),
        constitution=CONSTITUTION,
        members=members,
        configure=_http2_first,
    )
    primary = network.start()
    backup = network.join()
    network.wait_until(
        lambda: bool(backup.host.commit) and backup.host.commit == primary.host.commit
    )
    primary.open_service(alice)
    network.wait_until(
        lambda: bool(backup.host.commit) and backup.host.commit == primary.host.commit
    )
    client = H2Session(backup, alice)
    refused = client.ask("PUT", "/app/notes", body=b'{"a":"b"}')
    assert refused.status == 501
    assert json.loads(refused.body) == {
        "error": {
            "code": "NotImplemented",
            "message": "Request cannot be forwarded to primary on HTTP/2 interface.",
        }
    }
    assert client.ask("GET", "/app/notes?name=a").status == 200, "a read is served"
    at_primary = H2Session(primary, alice)
    assert at_primary.ask("PUT", "/app/notes", body=b'{"a":"b"}').status == 200
    plain = backup.connect(alice, interface=PLAIN)
    assert plain.request("PUT", "/app/notes", body={"a": "c"}).status == 200
