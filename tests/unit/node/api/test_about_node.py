"""Endpoints about one node: health, evidence, indexes, the page, their declarations."""

import base64
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from inspect import unwrap
from typing import Any

import pytest
from openapi_schema_validator import OAS30Validator, oas30_format_checker
from openapi_spec_validator import validate

from apps.js_generic.app import app as js_generic
from ccfpy.attestation.virtual import VirtualEvidence
from ccfpy.base import json
from ccfpy.base.ids import SessionId, TxId
from ccfpy.base.json import Json, JsonObject
from ccfpy.base.schema import schema_of
from ccfpy.base.vocabulary import NodeStatus
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.hashing import sha256
from ccfpy.endpoints.application import Application
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.declaration import Endpoint, Forwarding, Mode, Redirection
from ccfpy.endpoints.index_strategies import Index
from ccfpy.endpoints.session import InterfaceRules, Session
from ccfpy.http.messages import Request, Response
from ccfpy.node.api.answers import QuotesAnswer, StateAnswer
from ccfpy.node.api.declare import NodeEndpoints, hidden, local, shared, write
from ccfpy.node.api.node import PATH
from ccfpy.node.indexing import Lazy, SeqnosByKey, SeqnosByKeyBucketed
from ccfpy.node.running import RunningNode
from ccfpy.testing.configuration import boot_of
from ccfpy.testing.node import INTERFACE, InProcessNode, Person
from ccfpy.testing.surroundings import Alone
from tests.unit.node.api.test_network import ask, node_id
from tests.unit.node.conftest import CONSTITUTION, NOTES, PUBLIC_NOTES, NotesApp


def test_state_tells_how_far_the_node_has_come(node: InProcessNode) -> None:
    node.advance(1000)
    state = ask(node, "/node/state")
    assert state == {
        "node_id": node_id(node),
        "state": "PartOfNetwork",
        "last_signed_seqno": node.host.commit,
        "startup_seqno": 0,
        "stop_notice": False,
    }


def test_an_open_service_is_ready(node: InProcessNode) -> None:
    assert node.request("GET", "/node/ready/app").status == 204
    assert node.request("GET", "/node/ready/gov").status == 204


def test_there_is_nothing_to_count_yet(node: InProcessNode) -> None:
    answer = node.request("GET", "/node/jwt_keys/refresh/metrics")
    assert json.loads(answer.body) == {"attempts": 0, "failures": 0, "successes": 0}


@pytest.mark.parametrize("frontend", ["app", "gov"])
def test_what_is_not_ready_says_so_as_errors_do(
    node: InProcessNode, frontend: str
) -> None:
    running = node.trusted.running
    assert running is not None
    running.frontends[frontend].is_open = False
    answer = node.request("GET", f"/node/ready/{frontend}")
    assert answer.status == 503
    assert answer.headers["content-type"] == "application/json"
    error = json.loads_object(answer.body)["error"]
    assert isinstance(error, dict)
    assert error["code"] == "NodeCannotHandleRequest"


def _at(value: Json, *path: str) -> Json:
    for name in path:
        assert isinstance(value, dict)
        value = value[name]
    return value


def _answers(described: JsonObject) -> Iterator[tuple[str, int, Json]]:
    """Return each path that can be read, the status of its answer and its schema."""
    paths = described["paths"]
    assert isinstance(paths, dict)
    for path, item in paths.items():
        assert isinstance(item, dict)
        if "get" in item:
            responses = _at(item, "get", "responses")
            assert isinstance(responses, dict)
            (status,) = responses.keys() - {"default", "202"}
            response = responses[status]
            assert isinstance(response, dict)
            content = response.get("content")
            kind = None if content is None else _at(content, "application/json")
            yield path, int(status), None if kind is None else _at(kind, "schema")


def _check(value: Json, schema: Json, described: JsonObject) -> None:
    rooted = {"allOf": [schema], "components": described["components"]}
    OAS30Validator(rooted, format_checker=oas30_format_checker).validate(value)


@pytest.mark.slow
def test_a_public_validator_finds_nothing_in_the_document(node: InProcessNode) -> None:
    validate(ask(node, "/node/api"))


@pytest.mark.newest
def test_every_answer_fits_its_schema(node: InProcessNode) -> None:
    node.advance(1000)
    described = ask(node, "/node/api")
    nothing_there = {"/node/service/previous_identity", "/node/backup"}
    last = f"2.{node.host.commit}"
    queries = {"/node/tx": f"transaction_id={last}"}
    queries["/node/receipt"] = queries["/node/tx"]
    error = _at(described, "components", "schemas", "CCFError")
    asked = 0
    for path, status, schema in _answers(described):
        url = path.replace("{node_id}", node_id(node))
        reply = node.request("GET", f"{url}?{queries.get(path, '')}")
        if path in nothing_there:
            assert reply.status == 404, path
            _check(json.loads(reply.body), error, described)
            continue
        assert reply.status == status, (path, reply)
        if schema is None:
            assert reply.body == b"", path
        else:
            _check(json.loads(reply.body), schema, described)
            asked += 1
    assert asked > 20


def test_a_schema_refuses_what_is_no_such_answer(node: InProcessNode) -> None:
    described = ask(node, "/node/api")
    state = ask(node, "/node/state")
    schema = schema_of(StateAnswer).schema
    _check(state, schema, described)
    for wrong in ({**state, "startup_seqno": -1}, {**state, "state": "Gone"}, {}):
        with pytest.raises(Exception, match=r"not one of|minimum|required"):
            _check(wrong, schema, described)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["quotes", "attestations"])
def test_evidence_binds_the_nodes_key(node: InProcessNode, name: str) -> None:
    own = ask(node, f"/node/{name}/self")
    listed = ask(node, f"/node/{name}")
    assert listed == {name: [own]}
    assert own["format"] == "Insecure_Virtual"
    assert own["node_id"] == node_id(node)
    evidence = VirtualEvidence.parse(base64.b64decode(str(own["raw"])))
    assert own["measurement"] == evidence.measurement.encode().hex()
    pem = str(ask(node, "/node/self_signed_certificate")["self_signed_certificate"])
    assert evidence.report_data == sha256(Certificate.from_pem(pem).public_key.der)


def test_a_node_without_indexes_lists_none(node: InProcessNode) -> None:
    assert node.request("GET", "/node/index/strategies").body == b"[]"


def test_each_strategy_is_described_in_ccfs_words(node: InProcessNode) -> None:
    running = node.trusted.running
    assert running is not None
    indexing = running.indexing
    indexing.install(Index(), SeqnosByKey(NOTES))
    bucketed = SeqnosByKeyBucketed(PUBLIC_NOTES, indexing.blobs)
    indexing.install(Index(), Lazy(bucketed))
    node.advance(1000)

    answer = node.request("GET", "/node/index/strategies")

    last = TxId(running.view, node.host.commit)
    assert json.loads(answer.body) == [
        {
            "name": "SeqnosByKey notes",
            "target_map": "notes",
            "indexed_watermark": str(last),
            "next_requested_seqno": last.seqno + 1,
        },
        {
            "name": "SeqnosByKey public:notes",
            "target_map": "public:notes",
            "indexed_watermark": "0.0",
            "seqnos_per_bucket": 1000,
            "old_results_max_size": 10,
            "old_results_current_size": 0,
            "current_results_size": 0,
        },
    ]


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


def _handler(_: Context) -> Response:
    """Say what
    this is.

    And more,
    at length.
    """
    raise AssertionError("declared, never called")


def _silent(_: Context) -> Response:
    raise AssertionError("declared, never called")


def _route(endpoint: Endpoint) -> tuple[Mode, Forwarding, Redirection]:
    return endpoint.mode, endpoint.forwarding, endpoint.redirection


def test_what_only_this_node_knows_goes_to_no_other() -> None:
    endpoint = local("/state", handler=_handler)
    assert (endpoint.method, endpoint.path) == ("GET", "/state")
    assert _route(endpoint) == (Mode.READ_ONLY, Forwarding.NEVER, Redirection.NONE)
    head = local("/state", handler=_handler, method="HEAD", mode=Mode.COMMAND)
    assert (head.method, head.mode) == ("HEAD", Mode.COMMAND)


def test_what_is_in_the_tables_any_node_answers() -> None:
    endpoint = shared("/network", Any, handler=_handler)
    assert endpoint.method == "GET"
    assert _route(endpoint) == (Mode.READ_ONLY, Forwarding.SOMETIMES, Redirection.NONE)


@pytest.mark.slow
def test_json_is_not_given_to_who_takes_none(node: InProcessNode) -> None:
    headers = {"accept": "text/plain"}
    for path in ("/node/network", "/node/state", "/node/quotes"):
        refused = node.request("GET", path, headers=headers)
        assert refused.status == 406
        assert b"UnsupportedContentType" in refused.body
        assert b"Only application/json is currently supported" in refused.body
    assert node.request("GET", "/node/primary", headers=headers).status == 200


@pytest.mark.parametrize("declare", [hidden, partial(write, answers=Any)])
def test_writes_go_to_the_primary(
    declare: Callable[..., Endpoint],
) -> None:
    endpoint = declare("POST", "/join", handler=_handler)
    assert (endpoint.method, endpoint.path) == ("POST", "/join")
    assert _route(endpoint) == (
        Mode.READ_WRITE,
        Forwarding.ALWAYS,
        Redirection.TO_PRIMARY,
    )
    assert unwrap(endpoint.handler) is _handler
    assert not endpoint.auth


def test_what_is_meant_for_nodes_is_left_out_of_the_document() -> None:
    assert hidden("POST", "/join", handler=_handler).operation.hidden
    assert not write("POST", "/ack", Any, handler=_handler).operation.hidden


def test_a_docstring_becomes_summary_and_description() -> None:
    for endpoint in (
        local("/a", handler=_handler),
        shared("/a", Any, handler=_handler),
        write("PUT", "/a", Any, handler=_handler),
    ):
        assert endpoint.operation.summary == "Say what this is"
        assert endpoint.operation.description == "And more, at length."


def test_a_handler_may_say_nothing() -> None:
    operation = local("/a", handler=_silent).operation
    assert (operation.summary, operation.description) == ("", "")


def test_an_answer_is_described_with_all_that_its_schema_refers_to() -> None:
    operation = shared("/quotes", QuotesAnswer, handler=_handler).operation
    assert operation.response_schema == {"$ref": "#/components/schemas/GetQuotes__Out"}
    assert set(operation.components) == {
        "GetQuotes__Out",
        "Quote_array",
        "Quote",
        "NodeId",
        "QuoteFormat",
        "base64string",
        "string",
    }


def test_an_answer_may_be_nothing_but_a_status() -> None:
    operation = local("/ready", handler=_handler, status=204).operation
    assert operation.success_status == 204
    assert operation.response_schema is None
    assert operation.components == {}


def test_optional_parameters_are_named() -> None:
    operation = shared(
        "/nodes", bool, handler=_handler, query={"host": str, "port": str}
    ).operation
    assert [each["name"] for each in operation.parameters] == ["host", "port"]
    assert not any(each["required"] for each in operation.parameters)
    assert set(operation.components) == {"boolean", "string"}


def test_an_optional_parameter_may_be_one_of_few() -> None:
    operation = shared(
        "/nodes", bool, handler=_handler, query={"s": NodeStatus}
    ).operation
    (parameter,) = operation.parameters
    assert parameter["name"] == "s"
    schema = parameter["schema"]
    assert isinstance(schema, dict)
    assert schema["allOf"] == [{"$ref": "#/components/schemas/string"}]
    assert schema["enum"] == ["Pending", "Trusted", "Retired"]


def test_an_endpoint_is_declared_above_its_handler(node: InProcessNode) -> None:
    endpoints = NodeEndpoints()

    @endpoints.add(local, "/here", bool)
    def here(running: RunningNode, _: Context) -> Response:
        """Say where."""
        return Response(status=200, headers={}, body=running.node_id.encode())

    (declared,) = endpoints
    running = node.trusted.running
    assert running is not None
    endpoint = declared(running)
    assert (endpoint.path, endpoint.operation.summary) == ("/here", "Say where")
    assert unwrap(endpoint.handler) is here
