"""The short forms for declaring the node's endpoints."""

from collections.abc import Callable

import pytest

from ccfpy.endpoints.context import Context
from ccfpy.endpoints.declaration import (
    Endpoint,
    Forwarding,
    Handler,
    Mode,
    Redirection,
)
from ccfpy.http.messages import Response
from ccfpy.node.api.declare import hidden, local, shared, write


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
    endpoint = local("/state", _handler)
    assert (endpoint.method, endpoint.path) == ("GET", "/state")
    assert _route(endpoint) == (Mode.READ_ONLY, Forwarding.NEVER, Redirection.NONE)
    head = local("/state", _handler, method="HEAD", mode=Mode.COMMAND)
    assert (head.method, head.mode) == ("HEAD", Mode.COMMAND)


def test_what_is_in_the_tables_any_node_answers() -> None:
    endpoint = shared("/network", _handler)
    assert endpoint.method == "GET"
    assert _route(endpoint) == (Mode.READ_ONLY, Forwarding.SOMETIMES, Redirection.NONE)


@pytest.mark.parametrize("declare", [hidden, write])
def test_writes_go_to_the_primary(
    declare: Callable[[str, str, Handler], Endpoint],
) -> None:
    endpoint = declare("POST", "/join", _handler)
    assert (endpoint.method, endpoint.path) == ("POST", "/join")
    assert _route(endpoint) == (
        Mode.READ_WRITE,
        Forwarding.ALWAYS,
        Redirection.TO_PRIMARY,
    )
    assert endpoint.handler is _handler
    assert not endpoint.auth


def test_what_is_meant_for_nodes_is_left_out_of_the_document() -> None:
    assert hidden("POST", "/join", _handler).operation.hidden
    assert not write("POST", "/ack", _handler).operation.hidden


def test_a_docstring_becomes_summary_and_description() -> None:
    for endpoint in (
        local("/a", _handler),
        shared("/a", _handler),
        write("PUT", "/a", _handler),
    ):
        assert endpoint.operation.summary == "Say what this is"
        assert endpoint.operation.description == "And more, at length."


def test_a_handler_may_say_nothing() -> None:
    operation = local("/a", _silent).operation
    assert (operation.summary, operation.description) == ("", "")
