"""How much is sent at once."""

from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.limits import APPEND_ENTRIES_BYTES
from ccfpy.consensus.progress import FIRST_BATCH_ENTRIES, BatchSize


def test_a_message_has_twenty_entries_until_sizes_are_known() -> None:
    assert BatchSize().entries == FIRST_BATCH_ENTRIES


def test_a_message_s_worth_of_entries_is_told_once() -> None:
    batch = BatchSize()
    assert not batch.count(APPEND_ENTRIES_BYTES - 1)
    assert batch.count(1)
    assert not batch.count(1)


def test_the_batch_grows_towards_what_fits() -> None:
    batch = BatchSize()
    batch.count(200)
    for _ in range(2000):
        batch.sample()
    assert 90 <= batch.entries <= APPEND_ENTRIES_BYTES // 200


@given(st.lists(st.integers(0, 10**6), max_size=50))
def test_a_message_has_an_entry_at_least_and_is_bounded(sizes: list[int]) -> None:
    batch = BatchSize()
    for size in sizes:
        batch.count(size)
        batch.sample()
        assert 1 <= batch.entries <= APPEND_ENTRIES_BYTES
