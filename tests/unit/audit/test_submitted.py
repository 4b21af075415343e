"""The members who have submitted a share, while the ledger is written."""

from pathlib import Path

from ccfpy.audit.submitted import (
    RECOVERY_TYPE,
    SUBMITTED,
    UNSEALED,
    submitted_shares,
    was_unsealed,
)
from ccfpy.ledger.tables import SINGLE_KEY
from tests.unit.audit.made import written
from tests.unit.ledger.made import small_ledger


def test_members_are_told_until_their_shares_are_removed(tmp_path: Path) -> None:
    ledger = small_ledger()
    ledger.put({SUBMITTED: {b"aa": b"1"}})
    folder = written(ledger, tmp_path / "ledger")
    (folder / "ledger_9").rename(folder / "ledger_9.recovery")
    assert submitted_shares([folder], after=10) == {"aa"}
    assert submitted_shares([folder], after=11) == frozenset()
    (folder / "ledger_9.recovery").unlink()
    ledger.put({SUBMITTED: {b"bb": b"2"}})
    written(ledger, folder)
    assert submitted_shares([folder], after=10) == {"aa", "bb"}
    ledger.put({SUBMITTED: {b"aa": None, b"bb": None}})
    written(ledger, folder)
    assert submitted_shares([folder], after=10) == frozenset()


def test_an_entry_that_is_half_written_is_left_for_later(tmp_path: Path) -> None:
    ledger = small_ledger()
    ledger.put({SUBMITTED: {b"aa": b"1"}})
    ledger.put({SUBMITTED: {b"bb": b"2"}})
    folder = written(ledger, tmp_path / "ledger")
    path = folder / "ledger_9"
    path.write_bytes(path.read_bytes()[:-1])
    assert submitted_shares([folder], after=10) == {"aa"}


def test_the_last_recovery_of_this_service_counts(tmp_path: Path) -> None:
    ledger = small_ledger()
    folder = written(ledger, tmp_path / "ledger")
    assert not was_unsealed([folder], after=10)
    ledger.put({RECOVERY_TYPE: {SINGLE_KEY: b'"RECOVERY_SHARES"'}})
    written(ledger, folder)
    assert not was_unsealed([folder], after=10)
    ledger.put({RECOVERY_TYPE: {SINGLE_KEY: UNSEALED}})
    written(ledger, folder)
    assert was_unsealed([folder], after=10)
    assert not was_unsealed([folder], after=12)
