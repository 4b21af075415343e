"""Requests to a node whose app is recorded, and the lines that tell of them."""

from collections.abc import Mapping

import pytest

from ccfpy.base.json import Json
from ccfpy.devtools.recording_app import app
from ccfpy.devtools.served import ServedRequest, read_line
from ccfpy.devtools.stage import install
from ccfpy.endpoints.frontend import Frontend
from ccfpy.http.messages import Request, Response
from ccfpy.js.serving import ScriptedRegistry
from ccfpy.js.serving.scripts import ScriptLog
from ccfpy.testing.node import StoppedClock
from tests.unit.endpoints.world import StoreNode, session
from tests.unit.js.serving.installed import TestScriptNode

SOURCE = """
const table = ccf.kv["t"];
export function put(request) {
  console.log("put", request.body.text());
  table.set(ccf.strToBuf("k"), request.body.arrayBuffer());
  return { statusCode: 201, headers: { "x-mine": "1" }, body: "done" };
}
export const bad = () => null.x;
export const refuse = () => { table.size; return { statusCode: 409 }; };
export const nothing = () => ({ body: "nothing" });
"""


class Recorded:
    """A node that serves ``SOURCE``."""

    def __init__(self) -> None:
        self.node = StoreNode()
        self.script_node = TestScriptNode(self.node)
        registry = app.registry()
        assert isinstance(registry, ScriptedRegistry)
        registry.attach(self.script_node.seen_by_scripts)
        self._frontend = Frontend(
            registry,
            self.node,
            clock=StoppedClock(),
            has_backpressure=True,
            on_unhandled=lambda *_: "0",
        )
        self._frontend.is_open = True
        self.registry = registry

    def serve(self, function: str, **properties: Json) -> None:
        """Serve ``PUT /x/{id}`` by a function."""
        endpoint: dict[str, Json] = {
            "js_module": "/m.js",
            "js_function": function,
            "forwarding_required": "always",
            "authn_policies": [],
            **properties,
        }
        install(self.node.store, {"/m.js": SOURCE}, {"PUT /x/{id}": endpoint})

    def put(
        self,
        path: str = "/x/1",
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        *,
        method: str = "PUT",
    ) -> Response:
        request = Request(
            method=method,
            path=f"/app{path}",
            query="q=1",
            headers=dict(headers or {}),
            body=body,
        )
        response = self._frontend.answer(request, session(), path)
        assert isinstance(response, Response)
        return response

    @property
    def told(self) -> list[ServedRequest]:
        found = (
            read_line(text)
            for tag, _, text in self.script_node.lines
            if tag is ScriptLog.JS
        )
        return [served for served in found if served is not None]


@pytest.fixture
def recorded() -> Recorded:
    """A node with an empty store."""
    return Recorded()


def test_a_request_is_told_with_all_it_takes_to_run_it_again(
    recorded: Recorded,
) -> None:
    recorded.serve("put")
    response = recorded.put(body=b"v", headers={"x-yours": "2"})
    (served,) = recorded.told
    assert served.request() == Request(
        method="PUT",
        path="/app/x/1",
        query="q=1",
        headers={"x-yours": "2"},
        body=b"v",
    )
    assert (served.endpoint, served.caller) == ("/x/{id}", None)
    assert (served.read_version, served.txid) == (1, "2.2")
    assert response.headers["x-ms-ccf-transaction-id"] == "2.2"
    assert (served.status, served.answer) == (201, b"done")
    assert served.answer_headers["x-mine"] == "1"
    assert served.lines == (("info", "put v"),)
    assert served.unix_time_us == recorded.node.unix_time_us
    assert served.elapsed_ms is not None
    assert (ScriptLog.APP, "info", "put v") in recorded.script_node.lines


def test_what_a_script_threw_is_told_with_its_columns(recorded: Recorded) -> None:
    recorded.serve("bad")
    assert recorded.put().status == 500
    (served,) = recorded.told
    assert (served.status, served.txid) == (500, None)
    assert served.thrown == "TypeError: cannot read property 'x' of null"
    assert "m.js:8:30" in (served.trace or "")


def test_what_came_of_one_request_is_not_told_of_the_next(recorded: Recorded) -> None:
    recorded.serve("bad")
    recorded.put()
    recorded.serve("nothing")
    recorded.put()
    last = recorded.told[-1]
    assert (last.thrown, last.lines, last.answer) == (None, (), b"nothing")


def test_one_that_becomes_no_transaction_is_told_too(recorded: Recorded) -> None:
    recorded.serve("refuse")
    recorded.put()
    (served,) = recorded.told
    assert (served.status, served.txid) == (409, None)


def test_one_that_wrote_nothing_is_told_with_what_it_read(recorded: Recorded) -> None:
    recorded.serve("nothing")
    recorded.put()
    (served,) = recorded.told
    assert (served.read_version, served.txid) == (1, "2.1")


def test_a_caller_who_is_refused_is_told_of(recorded: Recorded) -> None:
    recorded.serve("put", authn_policies=["user_cert", "jwt"])
    response = recorded.put()
    assert response.status == 401
    assert response.body.count(b"auth_policy") == 2
    (served,) = recorded.told
    assert (served.status, served.answer) == (401, None)
    assert "authorization" in (served.thrown or "")


def test_a_policy_that_accepts_is_what_it_was(recorded: Recorded) -> None:
    recorded.serve("put", authn_policies=["jwt", "no_auth"])
    assert recorded.put().status == 201
    found = recorded.registry.find("PUT", "/x/1")
    assert found is not None
    assert [policy.name for policy in found.endpoint.auth] == ["jwt", "no_auth"]


def test_the_nodes_own_endpoints_are_not_told_of(recorded: Recorded) -> None:
    recorded.serve("put")
    assert recorded.put("/commit", method="GET").status == 200
    assert recorded.put("/nowhere").status == 404
    assert recorded.told == []


def test_an_endpoint_that_cannot_be_served_says_why(recorded: Recorded) -> None:
    recorded.serve("put", authn_policies=["nobody"])
    response = recorded.put()
    assert response.status == 500
    assert b"nobody" in response.body


def test_nothing_is_told_before_there_is_a_node() -> None:
    assert app.registry().find("PUT", "/x/1") is None
