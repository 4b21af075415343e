"""The ledger is read back a stretch at a time, the next one on its way already."""

import pytest

from ccfpy.base import limits
from ccfpy.base.ids import Seqno
from ccfpy.endpoints.history import HistoryFailed
from ccfpy.node.indexing.indexer import STRETCHES, PastReader
from tests.unit.node.history.world import World
from tests.unit.node.indexing.reading import long_story

STRETCH = 7


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "INDEX_ENTRIES_PER_READ", STRETCH)


@pytest.fixture
def world() -> World:
    return World(long_story(40))


def read_all(world: World, reader: PastReader, first: Seqno) -> list[Seqno]:
    seqnos: list[Seqno] = []
    while first <= world.story.last:
        states = reader.read(first, world.story.last)
        if states is None:
            assert world.turn(), "nothing is on its way"
            continue
        assert len(states) <= STRETCH
        seqnos += [state.txid.seqno for state in states]
        first = seqnos[-1] + 1
    return seqnos


def test_all_is_read_in_order(world: World) -> None:
    reader = PastReader(world.cache)
    assert read_all(world, reader, 1) == list(range(1, world.story.last + 1))
    assert not world.cache.drop_request((reader, 1))


def test_the_next_stretch_is_asked_for_with_the_first(world: World) -> None:
    reader = PastReader(world.cache)
    assert reader.read(1, world.story.last) is None
    world.work()
    asked = {seqno for first, last in world.read for seqno in range(first, last + 1)}
    assert asked >= set(range(1, STRETCHES * STRETCH + 1))
    assert reader.read(1, world.story.last) is not None


def test_it_ends_where_the_ledger_is_committed(world: World) -> None:
    reader = PastReader(world.cache)
    assert reader.read(1, 3) is None
    world.work()
    states = reader.read(1, 3)
    assert states is not None
    assert [state.txid.seqno for state in states] == [1, 2, 3]


def test_who_wants_another_part_begins_there(world: World) -> None:
    reader = PastReader(world.cache)
    assert reader.read(1, world.story.last) is None
    world.work()
    assert read_all(world, reader, 20)[0] == 20
    assert not world.cache.drop_request((reader, 1))


def test_what_cannot_be_had_is_said(world: World) -> None:
    world.lies[3] = None
    reader = PastReader(world.cache)
    assert reader.read(1, world.story.last) is None
    world.work()
    with pytest.raises(HistoryFailed, match="did not give entries from 1 on"):
        reader.read(1, world.story.last)


def test_who_stops_leaves_nothing_behind(world: World) -> None:
    reader = PastReader(world.cache)
    assert reader.read(1, world.story.last) is None
    reader.stop()
    for first in (1, 1 + STRETCH):
        assert not world.cache.drop_request((reader, first))
    reader.stop()
