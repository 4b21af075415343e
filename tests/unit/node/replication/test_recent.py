"""The newest entries and this run's signatures."""

from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base import limits
from ccfpy.node.replication.ledger_tail import RecentLedger


def test_entries_are_given_by_seqno() -> None:
    recent = RecentLedger()
    recent.begin_after(7)
    recent.append(b"eight")
    recent.append(b"nine")

    assert [recent.get(seqno) for seqno in range(7, 11)] == [
        None,
        b"eight",
        b"nine",
        None,
    ]


def test_what_is_taken_back_is_forgotten() -> None:
    recent = RecentLedger()
    for data in (b"one", b"two", b"three"):
        recent.append(data)
    recent.signed(2)
    recent.signed(3)
    recent.rollback(2)
    recent.append(b"another")

    assert recent.get(2) == b"two"
    assert recent.get(3) == b"another"
    assert recent.signature_from(1) == 2
    assert recent.signature_from(3) is None


def test_the_oldest_entries_go_when_there_is_too_much() -> None:
    recent = RecentLedger()
    piece = bytes(limits.RECENT_ENTRIES_BYTES_MAX // 4)
    for _ in range(4):
        recent.append(piece)
    assert recent.get(1) is not None

    recent.append(b"x")

    assert [recent.get(seqno) is not None for seqno in range(1, 6)] == [
        False,
        False,
        True,
        True,
        True,
    ]


def test_a_rollback_beyond_what_is_kept_leaves_nothing_wrong_behind() -> None:
    recent = RecentLedger()
    for _ in range(5):
        recent.append(bytes(limits.RECENT_ENTRIES_BYTES_MAX // 4))
    recent.rollback(1)
    recent.append(b"two")

    assert recent.get(1) is None
    assert recent.get(2) == b"two"


def test_the_oldest_signatures_are_forgotten_when_there_are_too_many() -> None:
    recent = RecentLedger()
    for seqno in range(1, limits.SIGNATURES_KNOWN_MAX + 1):
        recent.signed(seqno)
    assert recent.signature_from(1) == 1

    recent.signed(limits.SIGNATURES_KNOWN_MAX + 1)

    half = limits.SIGNATURES_KNOWN_MAX // 2
    assert recent.signatures_since == half + 1
    assert recent.signature_from(half) is None
    assert recent.signature_from(half + 1) == half + 1


@given(st.lists(st.booleans(), max_size=30), st.integers(0, 35), st.integers(1, 35))
def test_the_first_signature_from_a_seqno_is_found(
    signs: list[bool], to: int, seqno: int
) -> None:
    recent = RecentLedger()
    for at, is_signature in enumerate(signs, 1):
        recent.append(b"x")
        if is_signature:
            recent.signed(at)
    recent.rollback(to)

    expected = next(
        (at for at, signed in enumerate(signs, 1) if signed and seqno <= at <= to), None
    )
    assert recent.signature_from(seqno) == expected
