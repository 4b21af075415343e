"""States of the past."""

import pytest

from ccfpy.base.ids import TxId
from ccfpy.endpoints.history import HistoricalState
from ccfpy.kv.maps import STRING, Map
from ccfpy.ledger.tx_receipt import TxReceipt

TX = TxId(2, 7)
NOTES = Map("notes", STRING, STRING)


def _state(*, at: TxId = TX, **notes: str | None) -> HistoricalState:
    writes = {
        key.encode(): None if value is None else value.encode()
        for key, value in notes.items()
    }
    return HistoricalState(at, {NOTES.name: writes}, pytest.fail)


def test_a_state_holds_what_its_transaction_wrote_and_nothing_else() -> None:
    state = _state(kept="yes", gone=None)
    notes = NOTES.of(state.tx)

    assert dict(notes.items()) == {"kept": "yes"}
    assert notes.version_of_previous_write("kept") == TX.seqno
    assert notes.get_globally_committed("kept") == "yes"
    assert not Map("others", STRING, STRING).of(state.tx).size()
    assert NOTES.decode_writes(state.writes[NOTES.name]) == {
        "kept": "yes",
        "gone": None,
    }


def test_a_state_is_read_only_and_each_reader_has_its_own_transaction() -> None:
    state = _state(kept="yes")

    assert state.tx.is_read_only
    assert state.tx is not state.tx


def test_a_receipt_is_worked_out_once_and_only_when_asked_for() -> None:
    made: list[TxReceipt] = []

    def prove() -> TxReceipt:
        made.append(object.__new__(TxReceipt))
        return made[-1]

    state = HistoricalState(TX, {}, prove)
    assert not made
    assert state.receipt is state.receipt
    assert len(made) == 1
