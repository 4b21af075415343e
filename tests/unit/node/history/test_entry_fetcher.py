"""Entries are read together where that is cheaper, and few at a time."""

from dataclasses import dataclass, field

import pytest

from ccfpy.base import limits
from ccfpy.base.ids import Seqno
from ccfpy.node.history.fetch import EntryFetcher
from tests.unit.node.history.world import Story, World


@dataclass(eq=False)
class Reader:
    """Needs one entry after another.

    Attributes:
        found: what it has got.
        reasons: why it did not get others.
    """

    pool: EntryFetcher
    wants: list[Seqno]
    found: list[Seqno] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    def need(self, *, searches: bool = False) -> None:
        self.pool.block(self, self.wants[0], searches=searches)

    def advance(self) -> None:
        entry = self.pool.take(self.wants.pop(0))
        assert entry is not None
        self.found.append(entry.transaction.txid.seqno)
        if self.wants:
            self.need()

    def lost(self, reason: str) -> None:
        self.reasons.append(reason)


def _world(count: int = 400) -> World:
    story = Story()
    story.say(*["text"] * count)
    story.sign()
    return World(story)


def _needing(world: World, *wants: Seqno) -> list[Reader]:
    readers = [Reader(world.cache.pool, [want]) for want in wants]
    for reader in readers:
        reader.need()
    return readers


def test_a_stretch_is_read_a_bounded_number_of_entries_at_a_time() -> None:
    world = _world()
    size = limits.HISTORY_ENTRIES_PER_READ
    readers = _needing(world, *range(1, 2 * size + 2))

    world.work()

    assert world.read == [(1, size), (size + 1, 2 * size), (2 * size + 1,) * 2]
    assert all(reader.found == [at] for at, reader in enumerate(readers, 1))


def test_only_so_many_reads_are_under_way() -> None:
    world = _world()
    step = limits.HISTORY_GAP_ENTRIES_MAX + 1
    wants = range(1, 20 * step, step)
    readers = _needing(world, *wants)

    world.cache.work()
    assert len(world.take_reads()) == limits.HISTORY_READS_MAX
    # Until they are answered no more are asked for.
    world.cache.work()
    assert not world.take_reads()
    assert not any(reader.found for reader in readers)


def test_a_small_gap_is_read_over_and_a_large_one_is_not() -> None:
    world = _world()
    near = 1 + limits.HISTORY_GAP_ENTRIES_MAX
    far = near + limits.HISTORY_GAP_ENTRIES_MAX + 1
    _needing(world, 1, near, far)

    world.work()

    assert world.read == [(1, near), (far, far)]


def test_a_search_reads_on() -> None:
    world = _world(10)
    reader = Reader(world.cache.pool, [3])
    reader.need(searches=True)

    world.work()

    assert world.read == [(3, world.story.last)]
    assert reader.found == [3]


def test_what_a_search_passes_is_not_opened() -> None:
    """It is looked at alone, and so whatever is there does not keep it."""
    world = _world(10)
    world.lies[5] = b"?"
    reader = Reader(world.cache.pool, [3])
    reader.need(searches=True)

    world.work()

    assert reader.found == [3]
    assert not world.complaints()


def test_a_search_reads_more_at_once_but_not_without_end() -> None:
    story = Story()
    story.say(*["text"] * (limits.HISTORY_ENTRIES_PER_SEARCH + 10))
    story.sign()
    world = World(story)
    world.cache.state_at("far", 3)

    world.work()

    assert world.read == [
        (3, 3),
        (4, 3 + limits.HISTORY_ENTRIES_PER_SEARCH),
        (4 + limits.HISTORY_ENTRIES_PER_SEARCH, story.last),
    ]
    assert world.cache.state_at("far", 3) is not None


def test_several_may_need_the_same_entry() -> None:
    world = _world()
    readers = _needing(world, 3, 3, 3)

    world.work()

    assert world.read == [(3, 3)]
    assert [reader.found for reader in readers] == [[3]] * 3


def test_one_need_may_lead_to_the_next() -> None:
    world = _world()
    reader = Reader(world.cache.pool, [5, 300, 7])
    reader.need()

    world.work()

    assert reader.found == [5, 300, 7]


def test_what_nobody_needs_any_more_is_not_read() -> None:
    world = _world()
    kept, dropped = _needing(world, 5, 300)
    world.cache.pool.release(dropped)
    world.cache.pool.release(dropped)

    world.work()

    assert world.read == [(5, 5)]
    assert (kept.found, dropped.found) == ([5], [])


def test_others_still_get_what_one_does_not_need_any_more() -> None:
    world = _world()
    kept, dropped = _needing(world, 5, 5)
    world.cache.pool.release(dropped)

    world.work()

    assert (kept.found, dropped.found) == ([5], [])


def test_what_is_dropped_while_it_is_read_is_of_no_use() -> None:
    world = _world()
    (reader,) = _needing(world, 5)
    world.cache.work()
    (asked,) = world.take_reads()
    world.cache.pool.release(reader)
    world.answer(asked)

    assert not reader.found
    assert not reader.reasons


def test_a_host_that_gives_fewer_is_asked_for_the_rest() -> None:
    world = _world()
    world.per_answer = 3
    readers = _needing(world, *range(1, 9))

    world.work()

    assert world.read == [(1, 8), (4, 8), (7, 8)]
    assert all(reader.found for reader in readers)


def test_an_entry_that_the_host_has_not_is_lost_and_no_other() -> None:
    world = _world()
    world.lies[2] = None
    readers = _needing(world, 1, 2, 3)

    world.work()

    assert [reader.found for reader in readers] == [[1], [], [3]]
    assert readers[1].reasons == ["the host has no entry 2"]


def test_a_corrupt_entry_is_lost_and_no_other() -> None:
    world = _world()
    world.lies[2] = world.entries[1]
    readers = _needing(world, 1, 2, 3)

    world.work()

    assert [reader.found for reader in readers] == [[1], [], [3]]
    assert readers[1].reasons == ["the host gave a corrupt entry 2"]
    assert world.complaints() == [
        (
            "Corrupt ledger entry received for seqno 2: it claims to be 2 but is "
            "actually 2.1"
        )
    ]


def test_what_was_just_committed_is_in_memory() -> None:
    world = _world(10)
    pool = world.cache.pool
    assert pool.take(3) is None
    world.tail.settled_recent().rollback(2)
    for seqno in range(3, world.story.last + 1):
        world.tail.settled_recent().append(world.entries[seqno])

    entry = pool.take(3)

    assert entry is not None
    assert entry.transaction.txid.seqno == 3


def test_when_others_read_too_much_it_waits_its_turn() -> None:
    world = _world()
    taken: list[object] = []
    for _ in range(limits.LEDGER_READS_MAX):
        world.reads.read(1, 1, then=taken.append)
    (reader,) = _needing(world, 5)
    world.cache.work()
    asked = world.take_reads()
    assert len(asked) == limits.LEDGER_READS_MAX

    for effect in asked:
        world.answer(effect)
    world.work()

    assert reader.found == [5]
    assert len(taken) == limits.LEDGER_READS_MAX


def test_somebody_needs_one_entry_at_a_time() -> None:
    world = _world()
    (reader,) = _needing(world, 5)
    with pytest.raises(AssertionError):
        world.cache.pool.block(reader, 6)
