"""What answers a request that no endpoint of an application answers."""

import re
from dataclasses import replace
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.app import App, Context, Misdeclared, Mode, Response, json_reply
from ccfpy.base import json
from ccfpy.endpoints.auth import UserCert
from ccfpy.endpoints.declaration import Endpoint
from ccfpy.endpoints.decorators import default_endpoint_of
from ccfpy.endpoints.registry import ANY_PATH, Registry
from ccfpy.endpoints.session import InterfaceRules
from ccfpy.http.messages import Request
from ccfpy.kv.maps import STRING, Map
from ccfpy.service.records import JSON
from tests.attacks import attack
from tests.unit.endpoints.notes import READ, WRITE, code_of, read
from tests.unit.endpoints.world import Front, session

SEEN = Map("public:seen", STRING, JSON)


def _answer(ctx: Context, path: str) -> Response:
    SEEN.of(ctx.tx).put(path, ctx.request.method)
    return json_reply([ctx.request.method, path])


DEFAULT = default_endpoint_of(_answer, {"auth": []}, [])


def _front(default: Endpoint | None = DEFAULT, *others: Endpoint) -> Front:
    front = Front([READ, WRITE, *others])
    front.frontend.registry.default = default
    return front


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/elsewhere"),
        ("GET", "/"),
        ("GET", "/notes/7"),
        ("PATCH", "/notes"),
        ("OPTIONS", "/notes"),
        ("HEAD", "/elsewhere"),
        ("BREW", "/pot"),
    ],
)
def test_every_other_path_and_verb_is_its(method: str, path: str) -> None:
    response = _front().call(method, path)
    assert response.status == 200
    assert json.loads(response.body) == [method, path]


def test_an_endpoint_answers_first() -> None:
    front = _front()
    assert front.call("GET", "/notes").body == Front([READ]).call("GET", "/notes").body


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/elsewhere", 404, "ResourceNotFound"),
        ("PATCH", "/notes", 405, "UnsupportedHttpVerb"),
        ("OPTIONS", "/notes", 204, None),
    ],
)
def test_without_it_the_frameworks_own_answers_are_as_they_were(
    method: str, path: str, status: int, code: str | None
) -> None:
    response = _front(None).call(method, path)
    assert response.status == status
    assert code is None or code_of(response) == code


def test_an_ambiguous_path_stays_the_apps_fault() -> None:
    front = _front(
        DEFAULT,
        Endpoint(method="GET", path="/{a}/x", handler=read),
        Endpoint(method="GET", path="/y/{b}", handler=read),
    )
    assert front.call("GET", "/y/x").status == 500


@pytest.mark.parametrize("whole", ["/gov", "/node"])
def test_the_services_own_paths_are_not_its(whole: str) -> None:
    front = _front()
    there = front.frontend.answer(Request(method="GET", path=whole), session(), whole)
    assert isinstance(there, Response)
    assert (there.status, code_of(there)) == (404, "ResourceNotFound")
    under = Request(method="GET", path=f"/app{whole}")
    own = front.frontend.answer(under, session(), whole)
    assert isinstance(own, Response)
    assert own.status == 200


@pytest.mark.parametrize(
    ("whole", "path", "found"),
    [("/app", "/app", "/"), ("/app/", "/", "/"), ("/app/app", "/app", "/app")],
)
def test_the_prefix_alone_is_its_root(whole: str, path: str, found: str) -> None:
    match = _front().frontend.registry.find_default(whole, path)
    assert match is not None
    assert match.params == {"path": found}


def test_its_writes_are_a_transaction_like_any_other() -> None:
    front = _front()
    assert front.call("POST", "/a").headers["x-ms-ccf-transaction-id"] == "2.1"
    tx = front.node.begin(read_only=True)
    assert SEEN.of(tx).get("/a") == "POST"


def test_a_backup_forwards_what_it_would_write() -> None:
    front = _front()
    front.node.is_primary = False
    request = Request(method="GET", path="/app/a")
    front.frontend.answer(request, session(), "/a")
    assert [sent for sent, _ in front.node.forwarded] == [request]


def test_an_interface_admits_it_by_its_template() -> None:
    def status(pattern: str) -> int:
        rules = InterfaceRules(name="main", accepted_endpoints=(re.compile(pattern),))
        return (
            _front().call("GET", "/notes/7", session_=session(interface=rules)).status
        )

    assert status(r"/app/.*") == 200
    assert status(r"/app/\{path\}") == 200
    assert status(r"/app/notes/\{number\}") == 503


@attack("applications: paths without end that no endpoint has")
def test_a_stranger_who_tries_paths_reaches_no_handler_and_leaves_nothing() -> None:
    guarded = replace(DEFAULT, auth=(UserCert(),), is_counted=True)
    front = _front(guarded)
    for number in range(500):
        response = front.call("GET", f"/{number}")
        assert (response.status, code_of(response)) == (
            401,
            "InvalidAuthenticationInfo",
        )
    assert front.node.store.version == 0
    assert list(front.frontend.counts_apart.by_path) == [ANY_PATH]


@given(st.text(min_size=1, max_size=20))
def test_the_path_is_decoded_once(text: str) -> None:
    registry = Registry("app", title="t", description="d", version="1")
    assert registry.find_default("/app/x", "/x") is None
    registry.default = DEFAULT
    sent = "/" + quote(text)
    match = registry.find_default(f"/app{sent}", sent)
    assert match is not None
    assert match.params == {"path": f"/{text}"}


def test_an_app_declares_one_and_its_document_does_not_say() -> None:
    app = App("notes", auth=["user_cert"], has_common_endpoints=False)

    @app.default_endpoint(auth=["no_auth"], mode=Mode.READ_ONLY)
    def anything(ctx: Context) -> str:
        return ctx.request.path

    registry = app.registry()
    assert registry.default is not None
    assert registry.default.auth == ()
    assert registry.default.mode is Mode.READ_ONLY
    assert list(registry) == []
    assert app.openapi()["paths"] == {}
    with pytest.raises(Misdeclared, match="answers already"):
        app.default_endpoint()(anything)


def test_its_policies_are_the_apps_unless_it_says() -> None:
    app = App("notes", auth=["user_cert"])

    @app.default_endpoint()
    def anything(ctx: Context, path: str, lines: int = 3) -> str:
        return f"{ctx.request.method} {path} {lines}"

    default = app.registry().default
    assert default is not None
    assert [policy.name for policy in default.auth] == ["user_cert"]
    assert App("notes").registry().default is None
    front = _front(replace(default, auth=()))
    assert front.call("GET", "/a", query="lines=4").body == b'"GET /a 4"'
