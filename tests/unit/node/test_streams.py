"""Streams that follow maps receive each committed transaction once, in order."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base import limits
from ccfpy.base.ids import Seqno, TxId
from ccfpy.endpoints.index_strategies import Impatient, Strategy
from ccfpy.endpoints.streams import StreamOwner
from ccfpy.kv.changes import WriteSet
from ccfpy.node.streams import CommitFeed, Follower, NodeStreams
from tests.unit.endpoints.world import Indexes


@dataclass
class Ledger:
    """Transactions, and strategies that are told of those that are committed."""

    entries: list[WriteSet] = field(default_factory=list)
    committed: Seqno = 0
    indexes: Indexes = field(default_factory=Indexes)
    wakes: int = 0

    def __post_init__(self) -> None:
        self.feed = CommitFeed(
            self.indexes, committed=lambda: self.committed, wake=self._wake
        )

    def _wake(self) -> None:
        self.wakes += 1

    @property
    def strategies(self) -> list[Strategy]:
        return list(self.indexes.installed.values())

    def commit(self, *maps: str, value: bytes = b"v") -> None:
        self.entries.append({name: {b"k": value} for name in maps})
        self.committed += 1

    def work(self, passes: int = 1_000) -> None:
        """Pass each strategy what it wants, as an indexer does."""
        for _ in range(passes):
            wanted = [s.next_requested for s in self.strategies]
            due = [seqno for seqno in wanted if seqno and seqno <= self.committed]
            if not due:
                return
            for seqno in sorted(set(due)):
                for strategy in self.strategies:
                    if strategy.next_requested == seqno:
                        strategy.take(TxId(2, seqno), self.entries[seqno - 1])

    def follow(self, *maps: str, after: Seqno | None = None) -> Follower:
        return self.feed.follow(frozenset(maps), after, lambda: None)

    def told(self, follower: Follower) -> list[Seqno]:
        return [tx_id.seqno for tx_id, _ in self.feed.take(follower)]


def test_nothing_is_asked_for_where_nobody_follows() -> None:
    ledger = Ledger()
    assert ledger.strategies == []
    follower = ledger.follow("a")
    ledger.feed.leave(follower)
    ledger.commit("a")
    assert [s.next_requested for s in ledger.strategies] == [None, None]


def test_a_follower_is_told_of_its_maps_from_now_on() -> None:
    ledger = Ledger()
    ledger.commit("a")
    follower, other = ledger.follow("a", "b"), ledger.follow("c")
    for maps in (("a",), ("c",), ("a", "b", "c"), ("d",)):
        ledger.commit(*maps)
    ledger.work()
    news = ledger.feed.take(follower)
    assert [tx_id.seqno for tx_id, _ in news] == [2, 4]
    assert [set(writes) for _, writes in news] == [{"a"}, {"a", "b"}]
    assert ledger.told(other) == [3, 4]


def test_a_follower_may_know_little_and_catches_up() -> None:
    ledger = Ledger()
    for _ in range(5):
        ledger.commit("a")
    now, late = ledger.follow("a"), ledger.follow("a", after=2)
    ahead, all_ = ledger.follow("a", after=7), ledger.follow("a", after=-1)
    for _ in range(4):
        ledger.commit("a")
        ledger.work()
    assert ledger.told(now) == [6, 7, 8, 9]
    assert ledger.told(late) == [3, 4, 5, 6, 7, 8, 9]
    assert ledger.told(ahead) == [8, 9]
    assert ledger.told(all_) == list(range(1, 10))
    assert ledger.strategies[1].next_requested is None, "nobody is behind any more"


@pytest.mark.parametrize("excess", [0, 1])
def test_so_much_waits_for_a_follower_and_the_rest_comes_when_it_has_room(
    excess: int,
) -> None:
    ledger = Ledger()
    slow, quick = ledger.follow("a"), ledger.follow("a")
    most = limits.STREAM_NEWS_MAX
    heard = []
    for _ in range(most + excess):
        ledger.commit("a")
        ledger.work()
        heard += ledger.told(quick)
    assert heard == list(range(1, most + excess + 1)), "others are not held up"
    assert ledger.told(slow) == list(range(1, most + 1))
    assert ledger.wakes > 2
    ledger.work()
    assert ledger.told(slow) == list(range(most + 1, most + excess + 1))
    ledger.commit("a")
    ledger.work()
    assert ledger.told(slow) == [most + excess + 1]


def test_who_needs_what_the_node_does_not_have_holds_up_nobody() -> None:
    ledger = Ledger()
    for _ in range(5):
        ledger.commit("a")
    told: list[str] = []
    lost = ledger.feed.follow(frozenset("a"), 0, lambda: told.append("lost"))
    late = ledger.follow("a", after=3)
    _, behind = ledger.strategies
    assert isinstance(behind, Impatient)
    assert behind.next_requested == 1
    assert behind.give_up(1) is True
    assert (lost.is_lost, late.is_lost, told) == (True, False, ["lost"])
    assert behind.next_requested == 4
    assert behind.give_up(2) is False
    ledger.work()
    assert (ledger.told(lost), ledger.told(late)) == ([], [4, 5])


@pytest.mark.parametrize("excess", [0, 1])
def test_what_waits_for_a_follower_is_bounded_in_bytes(excess: int) -> None:
    ledger = Ledger()
    slow, quick = ledger.follow("a"), ledger.follow("a")
    fits = bytes(limits.STREAM_NEWS_BYTES_MAX - 1 + excess)  # beside its key
    heard = []
    for value in (fits, b"", b""):
        ledger.commit("a", "b", value=value)
        ledger.work()
        heard += ledger.told(quick)
    assert heard == [1, 2, 3], "others are not held up"
    told = [1] if excess else [1, 2]
    assert ledger.told(slow) == told
    ledger.work()
    assert told + ledger.told(slow) == [1, 2, 3]


@pytest.mark.parametrize("excess", [0, 1])
def test_who_is_far_behind_does_not_hold_up_who_is_a_little_behind(
    monkeypatch: pytest.MonkeyPatch, excess: int
) -> None:
    turn = 10
    monkeypatch.setattr(limits, "STREAM_TURN_ENTRIES", turn)
    ledger, length = Ledger(), 500
    for _ in range(length):
        ledger.commit("a")
    far = [ledger.follow("a", after=0), ledger.follow("a", after=100)]
    near = ledger.follow("a", after=length - turn - excess)
    # Each pass tells of one transaction. Who misses more than a turn has two of them.
    passes = 3 * turn if not excess else 5 * turn + excess
    ledger.work(passes - 1)
    heard = ledger.told(near)
    assert len(heard) == turn + excess - 1
    ledger.work(1)
    heard += ledger.told(near)
    assert heard == list(range(length - turn - excess + 1, length + 1))
    for each in far:
        assert len(ledger.told(each)) == turn * (1 + excess)


def test_a_stream_that_was_full_waits_for_its_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "STREAM_NEWS_MAX", 3)
    ledger = Ledger()
    for _ in range(20):
        ledger.commit("a")
    slow, other = ledger.follow("a", after=0), ledger.follow("a", after=5)
    ledger.work(3)
    assert ledger.told(slow) == [1, 2, 3]
    ledger.work(2)
    assert (ledger.told(slow), ledger.told(other)) == ([], [6, 7])
    ledger.work(3)
    assert ledger.told(other) == [8, 9, 10]
    ledger.work(3)
    assert ledger.told(slow) == [4, 5, 6]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["commit", "follow", "take", "work", "leave"]),
            st.integers(0, 9),
        ),
        max_size=60,
    )
)
def test_whatever_happens_each_transaction_is_told_once_and_in_order(
    steps: list[tuple[str, int]],
) -> None:
    ledger, followers = Ledger(), list[tuple[Follower, Seqno, list[Seqno]]]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "STREAM_NEWS_MAX", 2)
        patch.setattr(limits, "STREAM_TURN_ENTRIES", 3)
        for what, number in steps:
            if what == "commit":
                ledger.commit(*("ab" if number % 2 else "a"))
            elif what == "work":
                ledger.work(passes=number)
            elif what == "follow":
                after = number if number < ledger.committed else None
                first = ledger.committed if after is None else after
                followers.append((ledger.follow("a", after=after), first, []))
            elif followers:
                follower, _, heard = followers[number % len(followers)]
                heard += ledger.told(follower)
                if what == "leave":
                    ledger.feed.leave(follower)
                    del followers[number % len(followers)]
        for _ in range(ledger.committed + 1):
            ledger.work()
            for follower, _, heard in followers:
                heard.extend(ledger.told(follower))
    for _, first, heard in followers:
        assert heard == list(range(first + 1, ledger.committed + 1))


ALICE = StreamOwner(("user_cert", "alice"))


@pytest.mark.parametrize("excess", [0, 1])
def test_a_node_has_so_many_streams_and_so_many_bytes(excess: int) -> None:
    streams = NodeStreams(
        CommitFeed(Indexes(), committed=lambda: 0, wake=lambda: None),
        on_turn=lambda _: None,
        on_kept=lambda _, __: None,
        open=limits.STREAMS_MAX - 1 + excess,
        sessions=4,
        unsent_bytes=limits.STREAMS_UNSENT_BYTES_MAX + excess,
    )
    part = limits.STREAMS_UNSENT_BYTES_MAX // 4
    assert streams.has_room is not bool(excess)
    assert streams.holds_too_much(part + 1) is bool(excess)
    assert streams.holds_too_much(part) is False


@pytest.mark.parametrize("excess", [0, 1])
def test_nobody_has_more_than_half_of_the_streams(excess: int) -> None:
    assert limits.STREAMS_PER_CALLER_MAX == limits.STREAMS_MAX // 2
    streams = NodeStreams(
        CommitFeed(Indexes(), committed=lambda: 0, wake=lambda: None),
        on_turn=lambda _: None,
        on_kept=lambda _, __: None,
    )
    for _ in range(limits.STREAMS_PER_CALLER_MAX - 1 + excess):
        streams.opened(ALICE)
    assert streams.has_room_for(ALICE) is not bool(excess)
    assert streams.has_room_for(StreamOwner(place="10.0.0.1")), "others have room"
    streams.closed(ALICE)
    assert streams.has_room_for(ALICE)
