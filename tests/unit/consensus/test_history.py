"""Views and where they began."""

from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.ids import TxId
from ccfpy.consensus.history import ViewHistory


def test_a_first_view_of_two_leaves_view_one_with_the_same_start() -> None:
    history = ViewHistory()
    history.begin(2, 1)
    assert history.starts == (1, 1)
    assert history.view_of(0) == 0
    assert history.view_of(1) == 2
    assert history.view_of(100) == 2


def test_a_view_that_has_not_begun_has_no_history() -> None:
    history = ViewHistory((1, 1, 5))
    assert history.first_of_each(1) == [TxId(1, 1), TxId(2, 1), TxId(3, 5)]
    assert history.first_of_each(3) == [TxId(3, 5)]
    assert history.first_of_each(4) is None


@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=8),
    st.integers(0, 60),
)
def test_the_view_of_a_seqno_is_the_last_that_began_by_it(
    gaps: list[int], seqno: int
) -> None:
    history = ViewHistory()
    starts: dict[int, int] = {}
    at = 1
    for view, gap in enumerate(gaps, start=1):
        history.begin(view, at)
        starts[view] = at
        at += gap
    expected = max((v for v, start in starts.items() if start <= seqno), default=0)
    assert history.view_of(seqno) == expected


@given(st.integers(0, 20))
def test_rollback_forgets_the_views_that_began_later(to: int) -> None:
    history = ViewHistory((1, 1, 4, 9, 15))
    history.rollback(to)
    assert all(start <= to for start in history.starts)
    assert history.starts == tuple(s for s in (1, 1, 4, 9, 15) if s <= to)


def test_a_view_is_noted_once() -> None:
    history = ViewHistory()
    history.note(2, 1)
    history.note(2, 5)
    history.note(4, 7)
    assert history.starts == (1, 1, 7, 7)
    assert history.start_of(2) == 1
    assert history.end_of(2) == 6
    assert history.end_of(4) is None
    assert history.end_of(0) is None
