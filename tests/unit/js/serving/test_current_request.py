"""The request at hand, for whoever asks."""

import pytest

from ccfpy.base.ids import TxId
from ccfpy.consensus.status import TxStatus
from ccfpy.js.serving.current_request import CurrentRequest
from tests.unit.endpoints.world import StoreNode, context_of


def test_it_speaks_of_the_request_that_was_put_in() -> None:
    current_request, node = CurrentRequest(), StoreNode()
    context = context_of(node, body=b"b", headers={"host": "h"}, params={"x": "1"})
    current_request.enter(context)
    current_request.claims_digest, current_request.apply_writes = b"\1" * 32, True
    assert (context.claims_digest, context.apply_writes) == (b"\1" * 32, True)
    assert (current_request.claims_digest, current_request.apply_writes) == (
        b"\1" * 32,
        True,
    )
    assert (current_request.body, current_request.signed_content) == (b"b", b"")
    assert current_request.raw("t") is context.tx.raw("t")
    node.committed = TxId(2, 3)
    node.statuses[TxId(2, 3)] = TxStatus.COMMITTED
    assert current_request.committed_tx_id() == TxId(2, 3)
    assert current_request.tx_status(TxId(2, 3)) == "Committed"
    assert current_request.view_of(99) is None
    assert current_request.history is node.history
    assert current_request.historical_state is None
    assert current_request.described().hostname == "h"


def test_nothing_is_left_of_a_request_that_was_taken_out() -> None:
    current_request = CurrentRequest()
    current_request.enter(context_of(StoreNode()))
    current_request.leave()
    with pytest.raises(AssertionError):
        _ = current_request.body
