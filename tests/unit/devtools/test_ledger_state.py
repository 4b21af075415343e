from pathlib import Path

import pytest

from ccfpy.base.errors import VerificationFailed
from ccfpy.base.ids import TxId
from ccfpy.devtools.ledger_state import NoState, read_state
from ccfpy.endpoints.history import HistoryFailed
from tests.unit.audit.made import written
from tests.unit.audit.test_ledger_secrets import KEYS, STRANGER, rekeyed_ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """Private messages in transactions 2 and 5, each under a secret of its own."""
    return written(rekeyed_ledger(), tmp_path / "ledger")


@pytest.mark.parametrize(
    ("at", "messages"), [(1, []), (2, [b"before"]), (4, [b"before"]), (6, [b"after"])]
)
def test_the_state_is_what_it_was_at_that_seqno(
    ledger: Path, at: int, messages: list[bytes]
) -> None:
    state = read_state(ledger, KEYS, at)
    tx = state.store.begin(read_only=True)
    assert [value for _, value in tx.raw("messages").items()] == messages
    assert state.last == state.past.txid_of(at) == TxId(2, at)
    assert state.past.txid_of(at + 1) is None


def test_what_any_transaction_wrote_is_known(ledger: Path) -> None:
    state = read_state(ledger, KEYS, 2)
    later = state.writes_of(TxId(2, 5))
    assert later is not None
    assert list(later["messages"].values()) == [b"after"]
    assert state.writes_of(TxId(3, 5)) is None


def test_what_a_signature_follows_has_its_receipt(ledger: Path) -> None:
    past = read_state(ledger, KEYS, 6).past
    for seqno in (2, 3, 5):
        receipt = past.state_at("handle", seqno).receipt
        assert receipt.txid == TxId(2, seqno)
        signed = receipt.signed
        assert receipt.json_receipt.root() == signed.by_node.root


def test_before_a_signature_there_is_no_receipt(tmp_path: Path) -> None:
    made = rekeyed_ledger()
    made.say("last")
    past = read_state(written(made, tmp_path / "ledger"), KEYS, 7).past
    with pytest.raises(HistoryFailed, match="no signature follows transaction 7"):
        _ = past.state_at("handle", 7).receipt


@pytest.mark.parametrize("at", [0, 7])
def test_a_state_that_is_not_there_is_refused(ledger: Path, at: int) -> None:
    with pytest.raises(NoState, match="transactions 1 to 6"):
        read_state(ledger, KEYS, at)


def test_a_stranger_opens_nothing(ledger: Path) -> None:
    with pytest.raises(VerificationFailed):
        read_state(ledger, [STRANGER], 2)
