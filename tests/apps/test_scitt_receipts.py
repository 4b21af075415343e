"""What is answered while a registration cannot be proved, or never can be."""

import pytest

from apps.scitt import entries
from apps.scitt.problems import Problem
from apps.scitt.receipts import NotYet, registration
from ccfpy.app import TxId, TxStatus
from tests.unit.endpoints.world import StoreNode, context_of

TX_ID = TxId(2, 5)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (TxStatus.INVALID, "InternalError"),
        (TxStatus.PENDING, "TransactionPendingOrUnknown"),
    ],
)
def test_who_waited_in_vain_may_register_or_ask_again(
    status: TxStatus, code: str
) -> None:
    with pytest.raises(Problem) as refused:
        entries._at_commit(context_of(StoreNode()), TX_ID, status)
    assert (refused.value.status, refused.value.code) == (503, code)


def test_a_transaction_that_is_read_back_is_not_there_yet() -> None:
    node = StoreNode(statuses={TX_ID: TxStatus.COMMITTED})
    with pytest.raises(NotYet) as refused:
        registration(context_of(node), TX_ID)
    assert (refused.value.status, refused.value.code) == (503, "TransactionNotCached")


def test_a_transaction_that_cannot_be_read_back_is_the_services_fault() -> None:
    node = StoreNode(statuses={TX_ID: TxStatus.COMMITTED})
    node.history.failing.add(TX_ID.seqno)
    with pytest.raises(Problem) as refused:
        registration(context_of(node), TX_ID)
    assert (refused.value.status, refused.value.code) == (500, "InternalError")
