"""Facts that several wait for are read once."""

from dataclasses import dataclass, field

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import Seqno
from ccfpy.node.history.fetch import PastEntry
from ccfpy.node.history.trust import ChainWalk
from tests.unit.node.history.world import Story, World


@dataclass(eq=False)
class Waiting:
    advanced: int = 0
    reasons: list[str] = field(default_factory=list)

    def advance(self) -> None:
        self.advanced += 1

    def lost(self, reason: str) -> None:
        self.reasons.append(reason)


@dataclass
class Learner:
    learnt: list[Seqno] = field(default_factory=list)
    refuses: bool = False

    def learn(self, entry: PastEntry) -> None:
        if self.refuses:
            raise Malformed("not what was looked for")
        self.learnt.append(entry.transaction.txid.seqno)


def _world() -> tuple[World, Learner, ChainWalk]:
    story = Story()
    story.say("text")
    story.sign()
    world = World(story)
    learner = Learner()
    return world, learner, ChainWalk(world.cache.pool, learner.learn)


def test_all_who_wait_go_on_when_it_is_learnt() -> None:
    world, learner, lookup = _world()
    first, second = Waiting(), Waiting()
    lookup.need(3, first)
    lookup.need(3, second)

    world.work()

    assert (learner.learnt, world.read) == ([3], [(3, 3)])
    assert (first.advanced, second.advanced) == (1, 1)


def test_one_is_read_at_a_time_and_whoever_needs_another_asks_again() -> None:
    world, learner, lookup = _world()
    other = Waiting()
    lookup.need(3, Waiting())
    lookup.need(1, other)

    world.work()
    assert (learner.learnt, other.advanced) == ([3], 1)
    lookup.need(1, other)
    world.work()

    assert (learner.learnt, other.advanced) == ([3, 1], 2)


def test_who_gave_up_is_not_told() -> None:
    world, learner, lookup = _world()
    waiting = Waiting()
    lookup.need(3, waiting)
    lookup.release(waiting)

    world.work()

    assert (learner.learnt, waiting.advanced) == ([3], 0)


def test_what_the_host_has_not_is_lost_for_all() -> None:
    world, _, lookup = _world()
    world.lies[3] = None
    waiting = Waiting()
    lookup.need(3, waiting)

    world.work()

    assert waiting.reasons == ["the host has no entry 3"]
    assert not waiting.advanced


def test_what_is_not_what_was_looked_for_is_lost_too() -> None:
    world, learner, lookup = _world()
    learner.refuses = True
    waiting = Waiting()
    lookup.need(3, waiting)

    world.work()

    assert waiting.reasons == ["not what was looked for"]
    assert world.complaints() == [
        "Corrupt ledger entry received for seqno 3: not what was looked for"
    ]
