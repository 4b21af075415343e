"""Clients of gRPC read every answer of a node, on whichever node they ask."""

from dataclasses import replace

import pytest

from ccfpy.app import App, Context, Map, Response, TxId, TxStatus, json_codec
from ccfpy.boundary.configuration import HttpConfiguration, NodeConfiguration
from ccfpy.testing.configuration import listener
from ccfpy.testing.network import Network
from ccfpy.testing.node import InProcessNode, Person
from tests.unit.http.h2_client import Answer
from tests.unit.node.conftest import CONSTITUTION
from tests.unit.node.h2_session import H2Session, http2_listener

PUT = "/notes.Notes/Put"
HEADERS = [("content-type", "application/grpc+proto"), ("te", "trailers")]

app = App("grpc")
LAST = Map("last", json_codec(int), json_codec(str))


@app.post(PUT)
def put(ctx: Context) -> Response:
    """Keep a message, and answer with it."""
    LAST.of(ctx.tx).put(0, ctx.request.body.decode())
    return reply(ctx.request.body)


@app.post("/notes.Notes/PutAndFail")
def put_and_fail(ctx: Context) -> Response:
    """Keep a message, and answer that it was not kept."""
    LAST.of(ctx.tx).put(0, ctx.request.body.decode())
    return reply(b"", status="9")


@app.post("/notes.Notes/PutAndWait")
def put_and_wait(ctx: Context) -> Response:
    """Keep a message, and answer once it is final."""
    LAST.of(ctx.tx).put(0, ctx.request.body.decode())
    ctx.answer_at_commit = _kept
    return reply(b"")


def _kept(_: Context, tx_id: TxId, status: TxStatus) -> Response:
    assert tx_id.seqno
    return reply(f"{status}".encode())


@app.post("/notes.Notes/Get")
def get(ctx: Context) -> Response:
    """Answer with the last message."""
    return reply((LAST.of(ctx.tx).get(0) or "").encode())


@app.post("/notes.Notes/Own", auth=["user_cert"])
def own(_: Context) -> None:
    """Answer users."""


@app.post("/notes.Notes/Wrong")
def wrong(_: Context) -> Response:
    """Answer with a trailer that cannot be sent."""
    return Response(status=200, trailers={"grpc-status": "0\n"})


@app.post("/notes.Notes/Odd")
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
        app,
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
        app, constitution=CONSTITUTION, members=members, configure=_http2_first
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
        app,
        constitution=CONSTITUTION,
        members=members,
        interfaces=(listener(), http2_listener()),
    )
    assert status_of(call(H2Session(node), PUT)) == "14"
