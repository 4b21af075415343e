"""Chains of endorsements, followed from the service of today to an earlier one."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import CcfpyError, Malformed, VerificationFailed
from ccfpy.base.ids import TxId
from ccfpy.client.endorsements import covers, links
from ccfpy.ledger.endorsement_chain import ENDORSEMENTS_MAX
from ccfpy.ledger.identity_endorsement import IdentityEndorsement
from tests.unit.ledger.made import FIRST, SECOND
from tests.unit.ledger.test_endorsement_chain import (
    CHAIN,
    RECORDS,
    THIRD,
    chain_for,
    endorse,
)

FIRST_KEY, SECOND_KEY, THIRD_KEY = (
    each.key.public_key for each in (FIRST, SECOND, THIRD)
)


def test_following_a_chain_gives_each_key_and_when_it_ruled() -> None:
    second, first = links(CHAIN, THIRD_KEY)
    assert (second.endorsed.der, first.endorsed.der) == (SECOND_KEY.der, FIRST_KEY.der)
    assert covers(second.epoch, TxId(4, 21))
    assert covers(second.epoch, TxId(5, 30))
    assert covers(first.epoch, TxId(2, 20))
    assert list(links((), THIRD_KEY)) == []


@pytest.mark.parametrize(
    "txid", [TxId(4, 20), TxId(5, 31), TxId(3, 25), TxId(6, 25)], ids=str
)
def test_a_key_rules_nothing_outside_its_epoch(txid: TxId) -> None:
    assert not covers(RECORDS[40].epoch, txid)
    assert not covers(RECORDS[3].epoch, txid), "an epoch without end was not left"


BROKEN = {
    "the newest link is missing": CHAIN[1:],
    "links out of order": CHAIN[::-1],
    "an epoch that ends before it began": (
        endorse(THIRD, SECOND, (4, 21), (4, 20)).data,
    ),
    "an epoch that ends in an earlier view": (
        endorse(THIRD, SECOND, (4, 21), (3, 30)).data,
    ),
    "another's key without an end": (endorse(THIRD, SECOND, (4, 21), None).data,),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_chain_that_does_not_hold_is_refused(what: str) -> None:
    with pytest.raises(VerificationFailed, match="endorsement 1, of the epoch"):
        list(links(BROKEN[what], THIRD_KEY))


def test_the_link_that_fails_is_named() -> None:
    held = links((CHAIN[0], RECORDS[3].data), THIRD_KEY)
    next(held)
    with pytest.raises(
        VerificationFailed, match=r"endorsement 2, of the epoch from 2\.1"
    ):
        next(held)


@given(st.data())
def test_a_flipped_bit_never_leads_elsewhere(data: st.DataObject) -> None:
    chain = [bytearray(each) for each in CHAIN]
    link = chain[data.draw(st.integers(0, 1))]
    link[data.draw(st.integers(0, len(link) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with suppress(CcfpyError):
        *_, last = links([bytes(each) for each in chain], THIRD_KEY)
        assert last.endorsed.der == FIRST_KEY.der
        assert last.epoch == RECORDS[25].epoch


def test_a_service_opened_twice_endorses_itself_in_between() -> None:
    odd = endorse(SECOND, SECOND, (4, 21), (2, 20), 25)
    newest = endorse(THIRD, SECOND, (4, 21), (5, 30), 28)
    records = {3: RECORDS[3], 25: RECORDS[25], 28: odd, 40: newest}
    *_, last = links(chain_for(10, records) or (), THIRD_KEY)
    assert last.endorsed.der == FIRST_KEY.der


@pytest.mark.parametrize(
    "older",
    [
        endorse(THIRD, FIRST, (2, 1), (2, 20)),
        endorse(SECOND, FIRST, (2, 1), (2, 19)),
        endorse(SECOND, FIRST, (2, 1), (3, 20)),
    ],
    ids=["key", "seqno", "view"],
)
def test_a_link_that_does_not_lead_up_to_the_next_is_refused(
    older: IdentityEndorsement,
) -> None:
    with pytest.raises(VerificationFailed):
        list(links((RECORDS[40].data, older.data), THIRD_KEY))


def test_a_chain_has_a_bound() -> None:
    link = endorse(FIRST, FIRST, (2, 1), (0x7FFF_FFFF, 2**40), 7)
    with pytest.raises(Malformed, match="chain of 1001"):
        list(links((link.data,) * (ENDORSEMENTS_MAX + 1), FIRST_KEY))
