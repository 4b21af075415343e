"""The members who must submit shares, as a ledger and its snapshots name them."""

import json
from pathlib import Path

import pytest

from ccfpy.audit.chains import ChainSearch
from ccfpy.audit.repair import all_chunks
from ccfpy.audit.shareholders import (
    CONFIGURATION,
    ENCRYPTION_KEYS,
    MEMBERS,
    RECOVERY_TYPE,
    SUBMITTED,
    UNSEALED,
    Shareholders,
    read_shareholders,
    submitted_shares,
    was_unsealed,
)
from ccfpy.base.errors import Malformed
from ccfpy.base.ids import MemberId
from ccfpy.ledger.encrypted_shares import RecoveryShares
from ccfpy.ledger.tables import RECOVERY_SHARES, SINGLE_KEY
from ccfpy.service.tables import recovery
from tests.unit.audit.made import written
from tests.unit.ledger.made import MadeLedger, small_ledger


def read(ledger: MadeLedger, folder: Path) -> Shareholders:
    (chain,) = ChainSearch(chunks=all_chunks([written(ledger, folder)])).chains()
    return read_shareholders(chain.segments)


def with_members() -> MadeLedger:
    ledger = small_ledger()
    issued = RecoveryShares(
        wrapped_secret=b"w",
        encrypted_shares={MemberId("aa"): b"s", MemberId("cc"): b"k"},
    )
    info = {"status": "Active", "member_data": {"name": "A"}}
    ledger.put(
        {
            MEMBERS: {
                b"aa": json.dumps(info).encode(),
                b"bb": b'{"status": "Accepted", "member_data": null}',
                b"cc": b'{"status": "Active", "recovery_role": "Owner"}',
                b"dd": b'{"status": "Active"}',
            },
            ENCRYPTION_KEYS: {b"aa": b"PEM"},
            CONFIGURATION: {SINGLE_KEY: b'{"recovery_threshold": 2}'},
            RECOVERY_SHARES: {SINGLE_KEY: recovery.SHARES.codec.encode(issued)},
        }
    )
    ledger.put({MEMBERS: {b"dd": None}})
    ledger.sign()
    return ledger


def test_members_roles_and_shares_are_told(tmp_path: Path) -> None:
    holders = read(with_members(), tmp_path / "a")
    assert holders.threshold == 2
    assert [(m.id, m.status, m.role, m.has_share) for m in holders.members] == [
        ("aa", "Active", "Participant", True),
        ("bb", "Accepted", "NonParticipant", False),
        ("cc", "Active", "Owner", True),
    ]
    assert [member.id for member in holders.holding] == ["aa", "cc"]
    assert holders.members[0].data == {"name": "A"}


def test_what_is_not_signed_does_not_count(tmp_path: Path) -> None:
    ledger = with_members()
    ledger.put({MEMBERS: {b"aa": None}})
    assert len(read(ledger, tmp_path / "a").members) == 3


def test_a_ledger_without_members_has_none(tmp_path: Path) -> None:
    holders = read(small_ledger(), tmp_path / "a")
    assert (holders.threshold, holders.members, holders.holding) == (0, [], [])


def test_a_configuration_without_a_threshold_is_refused(tmp_path: Path) -> None:
    ledger = small_ledger()
    ledger.put({CONFIGURATION: {SINGLE_KEY: b"{}"}})
    ledger.sign()
    with pytest.raises(Malformed, match="without a recovery threshold"):
        read(ledger, tmp_path / "a")


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
