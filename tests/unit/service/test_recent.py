"""The window of signed requests that were taken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.limits import RECENT_PER_SECOND_MAX
from ccfpy.service.recent import RecentRequests, key_of, moment_of

TIMES = st.lists(st.integers(0, 8), max_size=20)


def keys(times: list[int]) -> list[str]:
    return [key_of(time, bytes([number])) for number, time in enumerate(times)]


def test_a_key_is_ten_digits_and_a_digest() -> None:
    assert key_of(17, b"\xab") == "0000000017:ab"
    assert moment_of("0000000017:ab") == "0000000017"


def test_an_empty_window_allows_everything() -> None:
    window = RecentRequests.of((), former=(), latest_s=10)
    assert (window.oldest_allowed, window.is_displaced) == (None, False)
    assert window.surplus(key_of(1, b""), 1) == ()


@given(TIMES, st.integers(0, 8))
def test_a_former_key_ahead_of_the_clock_does_not_count(
    times: list[int], latest_s: int
) -> None:
    window = RecentRequests.of((), former=keys(times), latest_s=latest_s)
    counted = sorted(time for time in times if time <= latest_s)
    assert [int(moment_of(key)) for key in window.former] == counted
    assert window.is_displaced is (len(counted) < len(times))
    if counted:
        middle = counted[len(counted) // 2]
        assert window.oldest_allowed == f"{middle:010d}"


@pytest.mark.slow
@given(TIMES, TIMES)
def test_a_request_may_be_older_than_neither_middle(
    own: list[int], former: list[int]
) -> None:
    window = RecentRequests.of(keys(own), former=keys(former), latest_s=8)
    middles = [sorted(times)[len(times) // 2] for times in (own, former) if times]
    expected = f"{max(middles):010d}" if middles else None
    assert window.oldest_allowed == expected


@given(TIMES, st.integers(0, 8), st.integers(0, 10))
def test_what_is_forgotten_is_older_than_all_that_is_kept(
    times: list[int], time: int, size: int
) -> None:
    known, key = keys(times), key_of(time, b"\xff")
    window = RecentRequests.of(known, latest_s=8)
    forgotten = window.surplus(key, size)
    kept = {*known, key} - {*forgotten}
    assert len(kept) >= min(max(size, 1), len(known) + 1)
    assert {*map(moment_of, forgotten)}.isdisjoint(map(moment_of, kept))
    first = min(map(moment_of, kept))
    assert all(moment_of(old) < first for old in forgotten)
    # No more is kept than is asked for, but for the rest of one second.
    rest = sum(moment_of(each) == first for each in kept) - 1
    assert len(kept) <= max(size, 1) + rest


def test_a_second_is_full_with_so_many() -> None:
    known = [key_of(5, b"%d" % number) for number in range(RECENT_PER_SECOND_MAX)]
    full, nearly = (RecentRequests.of(each, latest_s=9) for each in (known, known[1:]))
    assert full.is_full_at("0000000005")
    assert not nearly.is_full_at("0000000005")
    assert not full.is_full_at("0000000006")
