"""The request at hand, for whoever asks."""

import pytest

from ccfpy.base.ids import TxId
from ccfpy.consensus.status import TxStatus
from ccfpy.js.serving.present import Present
from tests.unit.endpoints.world import StoreNode, context_of


def test_it_speaks_of_the_request_that_was_put_in() -> None:
    present, node = Present(), StoreNode()
    context = context_of(node, body=b"b", headers={"host": "h"}, params={"x": "1"})
    present.enter(context)
    present.claims_digest, present.apply_writes = b"\1" * 32, True
    assert (context.claims_digest, context.apply_writes) == (b"\1" * 32, True)
    assert (present.claims_digest, present.apply_writes) == (b"\1" * 32, True)
    assert (present.body, present.signed_content) == (b"b", b"")
    assert present.raw("t") is context.tx.raw("t")
    node.committed = TxId(2, 3)
    node.statuses[TxId(2, 3)] = TxStatus.COMMITTED
    assert present.committed_tx_id() == TxId(2, 3)
    assert present.tx_status(TxId(2, 3)) == "Committed"
    assert present.view_of(99) is None
    assert present.history is node.history
    assert present.historical_state is None
    assert present.described().hostname == "h"


def test_nothing_is_left_of_a_request_that_was_taken_out() -> None:
    present = Present()
    present.enter(context_of(StoreNode()))
    present.leave()
    with pytest.raises(AssertionError):
        _ = present.body
