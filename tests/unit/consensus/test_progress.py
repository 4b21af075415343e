"""How much is sent at once."""

from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.limits import APPEND_ENTRIES_BYTES
from ccfpy.consensus.progress import BatchSize, Peer


def test_a_message_has_some_entries_until_sizes_are_known() -> None:
    batch = BatchSize(20)
    batch.count(APPEND_ENTRIES_BYTES - 1)
    assert batch.entries == 20


def test_a_message_s_worth_of_entries_is_told_once() -> None:
    batch = BatchSize(20)
    assert not batch.count(APPEND_ENTRIES_BYTES - 1)
    assert batch.count(1)
    assert not batch.count(1)


def test_the_batch_comes_to_what_fits() -> None:
    batch = BatchSize(20)
    fitting = APPEND_ENTRIES_BYTES // 256
    for _ in range(100 * fitting):
        batch.count(256)
    assert fitting - 1 <= batch.entries <= fitting
    for _ in range(20):
        batch.count(APPEND_ENTRIES_BYTES)
    assert batch.entries == 1


@given(st.lists(st.integers(0, 10**6), max_size=50))
def test_a_message_has_an_entry_at_least_and_is_bounded(sizes: list[int]) -> None:
    batch = BatchSize(20)
    for size in sizes:
        batch.count(size)
        assert 1 <= batch.entries <= APPEND_ENTRIES_BYTES


def test_what_is_refused_again_is_sent_in_halves() -> None:
    peer = Peer(sent=9)
    for halvings in range(3):
        peer.sent = 9
        peer.refused = None  # a heartbeat was sent
        peer.go_back(4)
        assert (peer.sent, peer.answered, peer.halvings) == (4, 4, halvings)


def test_until_the_next_heartbeat_only_more_that_is_missing_is_sent_again() -> None:
    peer = Peer(sent=9)
    for asked, sent in [(4, 4), (4, 9), (6, 9), (3, 3), (4, 9)]:
        peer.sent = 9
        peer.go_back(asked)
        assert peer.sent == sent
    peer.sent, peer.matched = 9, 6
    peer.go_back(6)
    assert peer.sent == 6, "some was acknowledged"
