import pytest

from ccfpy.base.ids import TxId
from ccfpy.devtools.ledger_state import PastStates
from ccfpy.endpoints.history import HistoryFailed


def _past() -> PastStates:
    past = PastStates()
    for seqno in (3, 4):
        past.add(TxId(2, seqno), {"t": {b"k": b"%d" % seqno}})
    return past


def test_what_was_added_can_be_had_at_once_and_in_order() -> None:
    past = _past()
    states = past.states_for("handle", [4, 3, 4])
    assert [state.txid for state in states] == [TxId(2, 3), TxId(2, 4)]
    assert past.state_at("handle", 4).tx.raw("t").get(b"k") == b"4"
    assert len(past.states_range("handle", 3, 4)) == 2
    assert past.txid_of(3) == TxId(2, 3)
    assert past.is_settled("handle")
    assert not past.drop_request("handle")


def test_what_is_not_there_never_will_be() -> None:
    past = _past()
    with pytest.raises(HistoryFailed, match="no transaction 5"):
        past.states_range("handle", 4, 5)
    assert past.txid_of(5) is None


def test_there_is_no_receipt_where_nobody_can_make_one() -> None:
    with pytest.raises(HistoryFailed, match="no receipt"):
        _ = _past().state_at("handle", 3).receipt
