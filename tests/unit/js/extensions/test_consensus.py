"""``ccf.consensus``."""

import pytest

from ccfpy.base.ids import TxId
from ccfpy.js.engine import JsException
from ccfpy.js.extensions.consensus import consensus_extension
from tests.unit.js.conftest import Evaluate

LAST = TxId(2, 7)


class Ledger:
    """All of it in view 2."""

    def __init__(self, committed: TxId | None) -> None:
        self.committed = committed

    def committed_tx_id(self) -> TxId | None:
        return self.committed

    def tx_status(self, tx_id: TxId) -> str:
        return f"Status of {tx_id}"

    def view_of(self, seqno: int) -> int | None:
        return 2 if seqno <= 7 else None


def test_the_three_questions_are_passed_on(evaluate: Evaluate) -> None:
    body = """
        const c = ccf.consensus;
        return [c.getLastCommittedTxId(), c.getStatusForTxId(2, "3"),
                c.getViewForSeqno(7), c.getViewForSeqno(8)];
    """
    assert evaluate(body, [consensus_extension(lambda: Ledger(LAST))]) == [
        {"view": 2, "seqno": 7},
        "Status of 2.3",
        2,
        None,
    ]


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        ("getLastCommittedTxId(1)", "TypeError: Passed 1 arguments, but expected 0"),
        ("getStatusForTxId(1)", "TypeError: Passed 1 arguments, but expected 2"),
        (
            "getStatusForTxId(2, -1)",
            "RangeError: Invalid view or seqno: cannot be negative",
        ),
        ("getViewForSeqno()", "TypeError: Passed 0 arguments, but expected 1"),
        ("getViewForSeqno(-3)", "RangeError: Invalid seqno: cannot be negative"),
        (
            "getLastCommittedTxId()",
            "InternalError: Failed to get last committed txid: NotFound",
        ),
    ],
)
def test_questions_that_have_no_answer_throw(
    evaluate: Evaluate, call: str, reason: str
) -> None:
    with pytest.raises(JsException) as caught:
        evaluate(f"ccf.consensus.{call}", [consensus_extension(lambda: Ledger(None))])
    assert caught.value.reason == reason
