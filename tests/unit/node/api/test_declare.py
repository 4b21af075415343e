"""The short forms for declaring the node's endpoints."""

from collections.abc import Callable
from functools import partial
from inspect import unwrap
from typing import Any

import pytest

from ccfpy.base.vocabulary import NodeStatus
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.declaration import (
    Endpoint,
    Forwarding,
    Mode,
    Redirection,
)
from ccfpy.http.messages import Response
from ccfpy.node.api.answers import QuotesAnswer
from ccfpy.node.api.declare import NodeEndpoints, hidden, local, shared, write
from ccfpy.node.running import RunningNode
from ccfpy.testing.node import InProcessNode


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
