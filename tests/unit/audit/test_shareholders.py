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
    Shareholders,
    read_shareholders,
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
