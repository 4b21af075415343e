"""Shares go to the active recovery members, and enough of them open the ledger."""

from collections.abc import Callable
from typing import Any

import pytest

from ccfpy.base.errors import VerificationFailed
from ccfpy.base.ports import Entropy
from ccfpy.base.vocabulary import RecoveryRole
from ccfpy.kv.store import Store
from ccfpy.kv.tx import Tx
from ccfpy.ledger.secrets import LedgerSecrets
from ccfpy.service import shares
from ccfpy.service.records import Refused
from ccfpy.service.tables import recovery
from tests.unit.service.conftest import OWNER, PARTICIPANT, hand_in


def test_a_threshold_of_participants_wins_back_the_secret(
    tx: Tx,
    people: tuple[Any, ...],
    consortium: Callable[..., None],
    secrets: LedgerSecrets,
    entropy: Entropy,
) -> None:
    consortium(PARTICIPANT, PARTICIPANT, PARTICIPANT, threshold=2)
    shares.issue(tx, secrets, entropy)
    current = secrets.latest[1]
    assert hand_in(tx, people[0], secrets, entropy) == 1
    with pytest.raises(VerificationFailed):
        shares.combine(tx, current)
    assert hand_in(tx, people[2], secrets, entropy) == 2
    assert shares.combine(tx, current).raw == current.raw
    shares.clear_submitted(tx)
    assert recovery.SUBMITTED_SHARES.of(tx).size() == 0
    assert shares.encrypted_share(tx, people[3].member_id) is None


def test_an_owner_needs_nobody_else(
    tx: Tx,
    people: tuple[Any, ...],
    consortium: Callable[..., None],
    secrets: LedgerSecrets,
    entropy: Entropy,
) -> None:
    consortium(PARTICIPANT, PARTICIPANT, OWNER, threshold=2)
    shares.issue(tx, secrets, entropy)
    hand_in(tx, people[2], secrets, entropy)
    assert shares.combine(tx, secrets.latest[1]).raw == secrets.latest[1].raw


@pytest.mark.parametrize(
    ("roles", "threshold"),
    [
        ((), 1),
        ((PARTICIPANT,), 0),
        ((PARTICIPANT,), 2),
        ((PARTICIPANT, OWNER), 2),
        ((OWNER, OWNER), 2),
    ],
)
def test_members_and_threshold_must_fit(
    tx: Tx,
    consortium: Callable[..., None],
    secrets: LedgerSecrets,
    entropy: Entropy,
    roles: tuple[RecoveryRole, ...],
    threshold: int,
) -> None:
    consortium(*roles, threshold=threshold)
    with pytest.raises(Refused):
        shares.shuffle(tx, secrets, entropy)
    assert not recovery.SHARES.of(tx).has()


def test_owners_alone_recover_with_threshold_one(
    tx: Tx,
    people: tuple[Any, ...],
    consortium: Callable[..., None],
    secrets: LedgerSecrets,
    entropy: Entropy,
) -> None:
    consortium(OWNER, threshold=1)
    shares.issue(tx, secrets, entropy)
    hand_in(tx, people[0], secrets, entropy)
    assert shares.combine(tx, secrets.latest[1]).raw == secrets.latest[1].raw


def test_opening_records_from_where_the_secret_applies(
    tx: Tx,
    consortium: Callable[..., None],
    secrets: LedgerSecrets,
    entropy: Entropy,
) -> None:
    consortium(PARTICIPANT, threshold=1)
    shares.issue(tx, secrets, entropy)
    assert recovery.PAST_SECRETS.of(tx).raw.get(bytes(8)) == b'{"next_version":1}'


def test_shuffling_leaves_the_record_alone(
    tx: Tx,
    consortium: Callable[..., None],
    secrets: LedgerSecrets,
    entropy: Entropy,
) -> None:
    consortium(PARTICIPANT, threshold=1)
    shares.shuffle(tx, secrets, entropy)
    assert recovery.SHARES.of(tx).has()
    assert not recovery.PAST_SECRETS.of(tx).has()


def test_a_rekey_meanwhile_makes_shares_conflict(
    store: Store,
    tx: Tx,
    consortium: Callable[..., None],
    secrets: LedgerSecrets,
    entropy: Entropy,
) -> None:
    consortium(PARTICIPANT, threshold=1)
    store.commit(tx)
    tx = store.begin()
    shares.shuffle(tx, secrets, entropy)
    reads = tx.handles["public:ccf.internal.encrypted_ledger_secrets"].reads
    assert bytes(8) in reads


def test_nothing_is_known_before_shares_are_issued(
    tx: Tx, people: tuple[Any, ...]
) -> None:
    with pytest.raises(Refused, match="current recovery shares info"):
        shares.encrypted_share(tx, people[0].member_id)
    with pytest.raises(Refused, match="No active configuration"):
        shares.recovery_threshold(tx)
