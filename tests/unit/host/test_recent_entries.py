"""The window of the newest entries against a plain list."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.host.recent_entries import RecentEntries

STEPS = st.lists(
    st.one_of(
        st.binary(min_size=1, max_size=12),
        st.lists(st.binary(min_size=1, max_size=12), max_size=3),
        st.integers(0, 40),
    ),
    max_size=40,
)


@given(STEPS, st.integers(0, 60), st.integers(0, 9), st.data())
def test_a_window_gives_what_a_list_would_or_nothing(
    steps: list[bytes | list[bytes] | int],
    bytes_max: int,
    after: int,
    data: st.DataObject,
) -> None:
    window = RecentEntries(bytes_max=bytes_max)
    window.begin(after)
    model: dict[int, bytes] = {}
    last = after
    for step in steps:
        if isinstance(step, bytes):
            last += 1
            model[last] = step
            window.append(step)
        elif isinstance(step, list):
            model |= dict(enumerate(step, last + 1))
            last += len(step)
            window.extend(step)
        else:
            last = max(0, min(last, step))
            window.truncate(last)
            model = {seqno: entry for seqno, entry in model.items() if seqno <= last}
    kept: list[bytes] = []
    for seqno in range(last, 0, -1):
        found = window.read(seqno, seqno, 0)
        if found is None:
            break
        assert found == [model[seqno]]
        kept.append(found[0])
    assert sum(map(len, kept)) <= bytes_max
    first = data.draw(st.integers(0, last + 1))
    wanted = data.draw(st.integers(0, last + 2))
    found = window.read(first, wanted, 10)
    if found is not None:
        assert found
        assert len(found) == 1 or sum(map(len, found)) <= 10
        assert found == [model[first + i] for i in range(len(found))]


@pytest.mark.parametrize(("size", "is_kept"), [(10, True), (11, False)])
def test_the_bound_is_exact(size: int, *, is_kept: bool) -> None:
    window = RecentEntries(bytes_max=10)
    window.append(bytes(size))
    assert (window.read(1, 1, 0) is not None) is is_kept
