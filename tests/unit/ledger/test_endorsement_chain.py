"""Chains of endorsements from the service of today to an earlier one."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from ccfpy.base.errors import VerificationFailed
from ccfpy.base.ids import Seqno, TxId
from ccfpy.crypto.hashing import sha256
from ccfpy.ledger.identity_endorsement import (
    ENDORSEMENTS_MAX,
    EndorsementChain,
    Epoch,
    IdentityEndorsement,
)
from tests.unit.ledger.made import FIRST, ISSUED_AT, SECOND, Identity

THIRD = Identity(3)
ROOT = sha256(b"root")


def endorse(
    signer: Identity,
    endorsed: Identity,
    begin: tuple[int, int],
    end: tuple[int, int] | None,
    previous: Seqno | None = None,
) -> IdentityEndorsement:
    epoch = Epoch(
        begin=TxId(*begin),
        end=None if end is None else TxId(*end),
        last_root=None if end is None else ROOT,
    )
    return IdentityEndorsement.make(
        signer.key,
        endorsed.key.public_key.der,
        epoch,
        issued_at=ISSUED_AT,
        previous_version=previous,
    )


RECORDS: dict[Seqno, IdentityEndorsement] = {
    3: endorse(FIRST, FIRST, (2, 1), None),
    25: endorse(SECOND, FIRST, (2, 1), (2, 20), 3),
    40: endorse(THIRD, SECOND, (4, 21), (5, 30), 25),
}
"""What a service that was recovered twice, at 21 and 31, wrote and where."""
CREATED = 31
CHAIN = (RECORDS[40].data, RECORDS[25].data)


def chain_for(
    seqno: Seqno,
    records: Mapping[Seqno, IdentityEndorsement] = RECORDS,
    created: Seqno = CREATED,
) -> tuple[bytes, ...] | None:
    """Build a chain as a node does, which reads one record at a time."""
    chain = EndorsementChain(records[max(records)], created=created)
    while (wanted := chain.wanted(seqno)) is not None:
        chain.add(records[wanted])
    return chain.leading_to(seqno)


@pytest.mark.parametrize(
    ("seqno", "count"),
    [(1, 2), (20, 2), (21, 1), (30, 1), (31, None), (40, None)],
)
def test_a_chain_is_as_long_as_the_transaction_is_old(
    seqno: Seqno, count: int | None
) -> None:
    assert chain_for(seqno) == (None if count is None else CHAIN[:count])


def test_records_are_asked_for_only_as_far_as_needed() -> None:
    chain = EndorsementChain(RECORDS[40], created=CREATED)
    assert chain.wanted(25) is None
    assert chain.wanted(20) == 25
    assert chain.leading_to(20) is None
    chain.add(RECORDS[25])
    assert chain.wanted(20) is None
    assert chain.leading_to(20) == CHAIN
    assert chain.leading_to(25) == CHAIN[:1]


def test_the_first_service_needs_no_chain() -> None:
    first = {3: RECORDS[3]}
    assert chain_for(2, first, created=1) is None
    # Written by a service whose endorsements began after one recovery.
    assert chain_for(2, first, created=3) is None


def test_a_service_that_made_no_endorsement_is_not_led_to() -> None:
    late = replace(RECORDS[40], previous_version=None)
    assert chain_for(20, {40: late}) is None


def test_a_service_opened_twice_endorses_itself_in_between() -> None:
    odd = endorse(SECOND, SECOND, (4, 21), (2, 20), 25)
    newest = endorse(THIRD, SECOND, (4, 21), (5, 30), 28)
    records = {3: RECORDS[3], 25: RECORDS[25], 28: odd, 40: newest}
    chain = chain_for(10, records)
    assert chain == (newest.data, odd.data, RECORDS[25].data)
    assert chain_for(22, records) == (newest.data,)


@pytest.mark.parametrize(
    ("older", "reason"),
    [
        (endorse(THIRD, FIRST, (2, 1), (2, 20)), "did not sign"),
        (endorse(SECOND, FIRST, (2, 1), (2, 19)), "the next began at"),
        (endorse(SECOND, FIRST, (2, 1), (3, 20)), "the next began at"),
    ],
    ids=["key", "seqno", "view"],
)
def test_a_record_that_does_not_lead_up_to_the_next_is_refused(
    older: IdentityEndorsement, reason: str
) -> None:
    chain = EndorsementChain(RECORDS[40], created=CREATED)
    with pytest.raises(VerificationFailed, match=reason):
        chain.add(older)


def test_a_chain_ends_at_its_bound() -> None:
    link = endorse(FIRST, FIRST, (2, 1), (0x7FFF_FFFF, 2**40), 7)
    chain = EndorsementChain(
        replace(link, epoch=Epoch(begin=TxId(4, 2), end=link.epoch.end)),
        created=2**41,
    )
    loop = replace(link, epoch=Epoch(begin=TxId(4, 2), end=TxId(2, 1)))
    for _ in range(ENDORSEMENTS_MAX - 1):
        assert chain.wanted(1) == 7
        chain.add(loop)
    assert chain.wanted(1) is None
