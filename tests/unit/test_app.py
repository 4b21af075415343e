from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated
from uuid import UUID

import pytest
from msgspec import Meta, Struct
from pydantic import BaseModel, Field

import ccfpy.app
from ccfpy.app import (
    U64,
    App,
    Codec,
    Context,
    CustomAuth,
    Forwarding,
    HistoricalState,
    Map,
    Misdeclared,
    Mode,
    Nobody,
    Options,
    Redirection,
    Response,
    TxId,
    TxStatus,
    all_of,
    json_codec,
    sha256,
)
from ccfpy.base import json
from ccfpy.base.errors import Malformed
from ccfpy.base.limits import FORWARDED_BYTES_MAX, HTTP_BODY_BYTES_MAX
from ccfpy.endpoints.declaration import Endpoint
from ccfpy.endpoints.frontend import Frontend
from ccfpy.http.messages import Request
from ccfpy.testing.node import StoppedClock
from tests.unit.endpoints.test_openapi import check
from tests.unit.endpoints.world import StoreNode, session


@dataclass(frozen=True)
class Note:
    text: str
    blob: bytes = b""


NOTES = Map("notes", json_codec(int), json_codec(Note))


def _endpoint(app: App, method: str, path: str) -> Endpoint:
    match = app.registry().find(method, path)
    assert match is not None
    return match.endpoint


def _nothing(_: Context) -> None:
    return None


def test_an_app_answers_on_a_node() -> None:
    app = App("notes")

    @app.put("/notes/{note}")
    def write(ctx: Context, note: U64, body: Note) -> None:
        NOTES.of(ctx.tx).put(note, body)

    @app.get("/notes/{note}")
    def read(ctx: Context, note: U64) -> Note | None:
        return NOTES.of(ctx.tx).get(note)

    node = StoreNode()
    frontend = Frontend(
        app.registry(),
        node,
        clock=StoppedClock(),
        has_backpressure=True,
        on_unhandled=lambda *_: "0",
    )
    frontend.is_open = True

    def call(method: str, body: bytes = b"") -> Response:
        request = Request(method=method, path="/app/notes/3", body=body)
        response = frontend.answer(request, session(), "/notes/3")
        assert isinstance(response, Response)
        return response

    assert call("GET").status == 204
    assert call("PUT", b'{"text":"t","blob":"AA=="}').status == 204
    assert call("GET").body == b'{"blob":"AA==","text":"t"}'
    stored = node.store.begin(read_only=True).raw("notes")
    assert list(stored.items()) == [(b"3", b'{"blob":"AA==","text":"t"}')]
    assert callable(write)
    assert callable(read)


@pytest.mark.parametrize(
    ("method", "mode", "forwarding", "redirection"),
    [
        ("get", Mode.READ_ONLY, Forwarding.SOMETIMES, Redirection.NONE),
        ("head", Mode.READ_ONLY, Forwarding.SOMETIMES, Redirection.NONE),
        ("post", Mode.READ_WRITE, Forwarding.ALWAYS, Redirection.TO_PRIMARY),
        ("put", Mode.READ_WRITE, Forwarding.ALWAYS, Redirection.TO_PRIMARY),
        ("patch", Mode.READ_WRITE, Forwarding.ALWAYS, Redirection.TO_PRIMARY),
        ("delete", Mode.READ_WRITE, Forwarding.ALWAYS, Redirection.TO_PRIMARY),
    ],
)
def test_an_endpoint_runs_as_its_verb_suggests(
    method: str, mode: Mode, forwarding: Forwarding, redirection: Redirection
) -> None:
    app = App("notes")
    assert getattr(app, method)("/x")(_nothing) is _nothing
    endpoint = _endpoint(app, method.upper(), "/x")
    assert (endpoint.mode, endpoint.forwarding, endpoint.redirection) == (
        mode,
        forwarding,
        redirection,
    )


def test_an_endpoint_runs_as_it_says() -> None:
    def on_local_commit(_: Context, __: Response, ___: TxId) -> None:
        raise AssertionError

    options: Options = {
        "mode": Mode.COMMAND,
        "forwarding": Forwarding.NEVER,
        "redirection": Redirection.TO_BACKUP,
        "on_local_commit": on_local_commit,
        "hidden": True,
        "deprecated": True,
        "status": 201,
    }
    app = App("notes")

    @app.post("/x", **options)
    def one(_: Context) -> int:
        return 1

    endpoint = _endpoint(app, "POST", "/x")
    assert endpoint.mode is Mode.COMMAND
    assert endpoint.forwarding is Forwarding.NEVER
    assert endpoint.redirection is Redirection.TO_BACKUP
    assert endpoint.on_local_commit is on_local_commit
    assert endpoint.operation.hidden
    assert endpoint.operation.deprecated
    assert endpoint.operation.success_status == 201
    assert callable(one)


def test_historical_and_command_endpoints_stay_where_they_are() -> None:
    app = App("notes")
    app.get("/h", mode=Mode.HISTORICAL)(_nothing)
    app.get("/c", mode=Mode.COMMAND)(_nothing)
    assert _endpoint(app, "GET", "/h").forwarding is Forwarding.NEVER
    assert _endpoint(app, "GET", "/c").forwarding is Forwarding.SOMETIMES


def test_a_historical_endpoint_is_given_the_state_its_caller_names() -> None:
    app = App("notes")

    @app.get("/old", mode=Mode.HISTORICAL)
    def read(_: Context, state: HistoricalState, note: U64) -> Note | None:
        return NOTES.of(state.tx).get(note)

    node = StoreNode(statuses={TxId(2, 7): TxStatus.COMMITTED})
    encoded = {NOTES.key_codec.encode(3): NOTES.value_codec.encode(Note("then"))}
    node.history.states[7] = HistoricalState(
        TxId(2, 7), {NOTES.name: encoded}, pytest.fail
    )
    frontend = Frontend(
        app.registry(),
        node,
        clock=StoppedClock(),
        has_backpressure=True,
        on_unhandled=lambda *_: "0",
    )
    frontend.is_open = True
    request = Request(
        method="GET",
        path="/app/old",
        query="note=3",
        headers={"x-ms-ccf-transaction-id": "2.7"},
    )
    response = frontend.answer(request, session(), "/old")
    assert isinstance(response, Response)
    assert json.loads(response.body) == {"text": "then"}


def test_policies_are_the_apps_unless_the_endpoint_says() -> None:
    mine = CustomAuth("mine", lambda _: Nobody())
    app = App("notes", auth=["jwt", mine])
    app.get("/a")(_nothing)
    app.get("/b", auth=[])(_nothing)
    app.get("/c", auth=["no_auth"])(_nothing)
    app.get("/d", auth=[all_of("jwt", "user_cert"), "no_auth"])(_nothing)
    names = {
        path: [policy.name for policy in _endpoint(app, "GET", path).auth]
        for path in ("/a", "/b", "/c", "/d")
    }
    assert names == {
        "/a": ["jwt", "mine"],
        "/b": [],
        "/c": [],
        "/d": ["jwt+user_cert", "no_auth"],
    }


def test_what_is_declared_twice_is_refused() -> None:
    app = App("notes")
    app.get("/x")(_nothing)
    with pytest.raises(Misdeclared, match=r"answers GET /x, which _nothing at .*\.py:"):
        app.get("/x")(_nothing)
    app.post("/x")(_nothing)


def test_common_endpoints_come_unless_declined() -> None:
    paths = {endpoint.path for endpoint in App("notes").registry()}
    assert paths == {"/commit", "/tx", "/local_tx", "/api", "/receipt"}
    assert list(App("bare", has_common_endpoints=False).registry()) == []


def test_an_apps_own_endpoint_replaces_a_common_one() -> None:
    app = App("notes")
    app.get("/commit", hidden=True)(_nothing)
    assert _endpoint(app, "GET", "/commit").operation.hidden


def test_an_app_describes_itself() -> None:
    app = App("notes", title="Notes", version="1.0.0", description="Texts.")
    app.get("/x", auth=["jwt"])(_nothing)
    described = app.openapi()
    check(described)
    assert described["info"] == {
        "title": "Notes",
        "version": "1.0.0",
        "description": "Texts.",
    }
    assert App("notes").title == "notes"


class Line(BaseModel):
    name: Annotated[str, Field(min_length=1)]
    price: Annotated[Decimal, Field(gt=0)]
    before: "Line | None" = None


class Order(Struct):
    at: Annotated[int, Meta(gt=0)]
    next: "Order | None" = None


def test_models_of_other_libraries_are_described_too() -> None:
    app = App("shop")

    @app.put("/lines/{id}")
    def line(_: Context, id: UUID, body: Line) -> list[Line]:  # noqa: A002 - a name as applications have it
        raise AssertionError(id, body)

    @app.put("/orders")
    def order(_: Context, order: Order) -> Order:
        raise AssertionError(order)

    described = app.openapi()
    check(described)
    components = described["components"]
    assert isinstance(components, dict)
    schemas = components["schemas"]
    assert isinstance(schemas, dict)
    assert {"Line", "Line_array", "Order", "uuid"} <= schemas.keys()
    assert callable(line)
    assert callable(order)


def test_an_app_may_claim_the_constitution() -> None:
    app = App("notes")

    @app.creation_claims
    def claim(constitution: str) -> bytes:
        return sha256(constitution.encode())

    assert app.create_claims("x") == claim("x") == sha256(b"x")


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (int, 42, b"42"),
        (str, "abc", b'"abc"'),
        (bytes, b"\0", b'"AA=="'),
        (bool, True, b"true"),
        (Note, Note("t"), b'{"text":"t"}'),
    ],
)
def test_maps_hold_what_ccfs_serialiser_would(
    kind: type, value: object, text: bytes
) -> None:
    codec: Codec[object] = json_codec(kind)
    assert codec.encode(value) == text
    assert codec.decode(text) == value
    for wrong in (b"null", b"{"):
        with pytest.raises(Malformed):
            codec.decode(wrong)


def test_the_face_shows_what_it_lists_and_no_more() -> None:
    listed = set(ccfpy.app.__all__)
    assert sorted(listed) == sorted(ccfpy.app.__all__)
    for name in listed:
        assert getattr(ccfpy.app, name) is not None


def test_the_example_in_the_docstring_is_an_app() -> None:
    text = (ccfpy.app.__doc__ or "").partition("::\n\n")[2]
    example = "\n".join(
        line[4:] for line in text.splitlines() if line.startswith("    ") or not line
    )
    names = {name: getattr(ccfpy.app, name) for name in ccfpy.app.__all__}
    exec(example, names)
    document = json.dumps(names["app"].openapi()).decode()
    assert "/app/notes/{note}" in document
    assert "Read a note." in document


@pytest.mark.parametrize("metrics", [True, False])
def test_an_app_says_whether_metrics_tell_what_its_callers_do(metrics: bool) -> None:
    assert App("notes", metrics=metrics).registry().has_metrics is metrics
    assert App("notes").registry().has_metrics


@pytest.mark.parametrize("size", [1, HTTP_BODY_BYTES_MAX, FORWARDED_BYTES_MAX])
def test_an_app_says_how_long_a_body_may_be(size: int) -> None:
    assert App("a", body_bytes_max=size).body_bytes_max == size
    assert App("a").body_bytes_max == HTTP_BODY_BYTES_MAX


@pytest.mark.parametrize("size", [0, -1, FORWARDED_BYTES_MAX + 1])
def test_a_body_that_could_not_be_forwarded_is_not_declared(size: int) -> None:
    with pytest.raises(ValueError, match=r"^body_bytes_max is .* forwards to another$"):
        App("a", body_bytes_max=size)
