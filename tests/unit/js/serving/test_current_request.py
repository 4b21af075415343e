"""The current request, and the questions that extensions ask it."""

import pytest

from ccfpy.js.serving.current_request import CurrentRequest
from tests.unit.endpoints.world import StoreNode, context_of


def test_it_speaks_of_the_request_that_was_put_in() -> None:
    current_request, node = CurrentRequest(), StoreNode()
    context = context_of(node, body=b"b", headers={"host": "h"}, params={"x": "1"})
    current_request.enter(context)
    assert (current_request.body, current_request.signed_content) == (b"b", b"")
    assert current_request.raw("t") is context.tx.raw("t")
    assert current_request.context is context
    assert current_request.described().hostname == "h"


def test_nothing_is_left_of_a_request_that_was_taken_out() -> None:
    current_request = CurrentRequest()
    current_request.enter(context_of(StoreNode()))
    current_request.leave()
    with pytest.raises(AssertionError):
        _ = current_request.body
