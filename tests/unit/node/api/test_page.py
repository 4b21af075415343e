"""``/node/api/page``: what a service offers, where its node's configuration says so."""

from dataclasses import replace

import pytest

from apps.js_generic.app import app as js_generic
from ccfpy.base import json
from ccfpy.base.ids import SessionId
from ccfpy.endpoints.application import Application
from ccfpy.endpoints.session import InterfaceRules, Session
from ccfpy.http.messages import Request, Response
from ccfpy.node.api.node import PATH
from ccfpy.testing.configuration import boot_of
from ccfpy.testing.node import INTERFACE, InProcessNode, Person
from ccfpy.testing.surroundings import Alone
from tests.unit.node.conftest import CONSTITUTION, NotesApp

PAGE = f"/node{PATH}"
HTML = "text/html; charset=utf-8"


def _node(app: Application, members: tuple[Person, ...]) -> InProcessNode:
    plain = InProcessNode(NotesApp(), constitution=CONSTITUTION, members=members)
    configured = replace(plain.boot.configuration, serves_api_page=True)
    return InProcessNode.among(
        Alone(), app, boot_of(configured), members=members, seed=1
    )


@pytest.fixture
def served(members: tuple[Person, ...], alice: Person) -> InProcessNode:
    """A node of an open service that serves the page."""
    node = _node(NotesApp(), members)
    node.open_service(alice)
    return node


def _get(node: InProcessNode, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return node.request("GET", PAGE, headers=named)


def _head(node: InProcessNode) -> Response:
    """Ask for the head inside the node; our client would wait for a body."""
    running = node.trusted.running
    assert running is not None
    session = Session(id=SessionId(1), interface=InterfaceRules(name=INTERFACE))
    request = Request(method="HEAD", path=PAGE, query="", headers={})
    answer = running.frontends["node"].answer(request, session, PATH)
    assert isinstance(answer, Response)
    return answer


def test_no_page_is_served_by_default(node: InProcessNode) -> None:
    assert node.request("GET", PAGE).status == 404
    assert b"/api/page" not in node.request("GET", "/node/api").body


def test_the_page_shows_all_three_documents(served: InProcessNode) -> None:
    answer = _get(served)
    assert (answer.status, answer.headers["content-type"]) == (200, HTML)
    text = answer.body.decode()
    for path in ("/app/notes", "/gov/members/proposals", "/node/network", PAGE):
        assert path in text
    (interface, *_) = served.boot.configuration.rpc_interfaces
    assert f"https://{interface.published_address}/app/notes" in text


def test_the_page_says_what_a_browser_may_do_for_it(served: InProcessNode) -> None:
    headers = _get(served).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert policy.endswith("; frame-ancestors 'none'")
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"


def test_who_has_the_page_is_not_sent_the_page_again(served: InProcessNode) -> None:
    first = _get(served)
    again = _get(served, if_none_match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    other = _get(served, if_none_match='"abcd"')
    assert (other.status, other.body) == (200, first.body)
    assert _get(served, if_none_match="neither").status == 400


def test_the_head_alone_tells_the_size(served: InProcessNode) -> None:
    whole, head = _get(served), _head(served)
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == str(len(whole.body))
    assert head.headers["etag"] == whole.headers["etag"]


def test_the_document_describes_the_page(served: InProcessNode) -> None:
    described = json.loads_object(served.request("GET", "/node/api").body)
    paths = described["paths"]
    assert isinstance(paths, dict)
    assert list(paths[PAGE]) == ["get"]  # type: ignore[arg-type]


EVIL = "</script><script>evil=1</script>"


def _bundle(summary: str) -> json.Json:
    endpoint: json.JsonObject = {
        "js_module": "m.js",
        "js_function": "f",
        "forwarding_required": "always",
        "authn_policies": ["user_cert"],
        "mode": "readwrite",
        "openapi": {"summary": summary},
    }
    return {
        "metadata": {"endpoints": {"/hello": {"get": endpoint}}},
        "modules": [{"name": "m.js", "module": "export function f() { return {}; }"}],
    }


def test_the_page_follows_a_javascript_app(
    members: tuple[Person, ...], alice: Person
) -> None:
    node = _node(js_generic, members)
    node.open_service(alice)
    empty = _get(node)
    assert b"/app/hello" not in empty.body

    def install(summary: str) -> Response:
        args: json.JsonObject = {"bundle": _bundle(summary)}
        node.propose({"name": "set_js_app", "args": args})
        return _get(node)

    first = install("Say hello")
    assert b"/app/hello" in first.body
    assert b"Say hello" in first.body
    second = install(EVIL)
    assert second.headers["etag"] != first.headers["etag"]
    assert EVIL.encode() not in second.body
    assert b"&lt;script&gt;evil=1" in second.body


def test_the_page_is_written_once(
    served: InProcessNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = _get(served)

    def refuse(*_: object) -> str:
        raise AssertionError("written again")

    monkeypatch.setattr("ccfpy.node.api.node.page", refuse)
    assert _get(served).body == first.body
