"""The signature that proves an entry."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base import limits
from ccfpy.node.history.fetch import SignatureIndex
from ccfpy.node.replication.ledger_tail import RecentLedger

OWN_SINCE = 20


def _index(*own: int) -> SignatureIndex:
    recent = RecentLedger()
    recent.begin_after(OWN_SINCE - 1)
    for seqno in own:
        recent.signed(seqno)
    return SignatureIndex(lambda: recent)


def test_of_this_run_all_signatures_are_known() -> None:
    index = _index(22, 25)

    assert index.covering(20) == (22, True)
    assert index.covering(22) == (22, True)
    assert index.covering(23) == (25, True)
    assert index.knows(20)
    assert not index.knows(19)


def test_before_it_one_looks_on_from_where_nothing_is_known() -> None:
    index = _index(22)
    assert index.covering(5) == (5, False)

    index.examined(5, is_signature=False)
    index.examined(6, is_signature=False)
    assert index.covering(5) == (7, False)
    assert index.covering(7) == (7, False)

    index.examined(7, is_signature=True)
    assert index.covering(5) == (7, True)


def test_a_search_ends_at_this_runs_first_signature() -> None:
    index = _index(22)
    index.examined(19, is_signature=False)

    assert index.covering(19) == (22, True)


def test_a_signature_beyond_a_gap_does_not_count() -> None:
    index = _index(22)
    index.examined(5, is_signature=False)
    index.examined(7, is_signature=True)
    assert index.covering(5) == (6, False)

    index.examined(6, is_signature=True)
    assert index.covering(5) == (6, True)


def test_a_doubted_stretch_is_forgotten_and_no_other() -> None:
    index = _index(22)
    for seqno in (3, 4, 6, 7, 8):
        index.examined(seqno, is_signature=seqno in (4, 8))
    index.forget(7)
    index.forget(12)
    index.forget(21)

    assert index.covering(3) == (4, True)
    assert index.covering(6) == (6, False)
    assert index.covering(21) == (22, True)
    index.examined(6, is_signature=False)
    assert index.covering(6) == (7, False)


def test_all_is_forgotten_when_it_is_too_much() -> None:
    recent = RecentLedger()
    recent.begin_after(10**9)
    index = SignatureIndex(lambda: recent)
    for seqno in range(limits.SIGNATURES_FOUND_MAX):
        index.examined(seqno + 1, is_signature=True)
    assert index.covering(1) == (1, True)

    index.examined(limits.SIGNATURES_FOUND_MAX + 1, is_signature=True)

    assert index.covering(1) == (1, False)
    last = limits.SIGNATURES_FOUND_MAX + 1
    assert index.covering(last) == (last, True)


@pytest.mark.parametrize("signatures", [(), (1,), (3,), (2, 4), (5,)])
def test_in_whatever_order_entries_are_looked_at_no_gap_is_jumped(
    signatures: tuple[int, ...],
) -> None:
    """All orders of all choices among five entries, and what is known after each."""
    for count in range(1, 6):
        for looked_at in permutations(range(1, 6), count):
            index = _index(OWN_SINCE)
            for at in looked_at:
                index.examined(at, is_signature=at in signatures)
            for seqno in range(1, 7):
                at = seqno
                while at in looked_at and at not in signatures:
                    at += 1
                assert index.covering(seqno) == (at, at in looked_at), looked_at


@given(
    st.sets(st.integers(1, OWN_SINCE - 1)),
    st.lists(st.integers(1, OWN_SINCE - 1), max_size=40),
    st.integers(1, OWN_SINCE + 5),
)
def test_what_it_says_is_what_looking_at_each_entry_would_say(
    signatures: set[int], looked_at: list[int], seqno: int
) -> None:
    index = _index(OWN_SINCE + 2, OWN_SINCE + 6)
    for at in looked_at:
        index.examined(at, is_signature=at in signatures)

    known = {*looked_at, *range(OWN_SINCE, OWN_SINCE + 7)}
    found = {*signatures, OWN_SINCE + 2, OWN_SINCE + 6}
    at = seqno
    while at in known and at not in found:
        at += 1
    assert index.covering(seqno) == (at, at in known)
