"""Past states are shared, forgotten in time, and bounded; a model agrees."""

from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from ccfpy.base import limits
from ccfpy.base.ids import Seqno
from ccfpy.endpoints.history import HistoryFailed, RequestHandle
from ccfpy.endpoints.pending import Awaited
from ccfpy.http.messages import Request
from ccfpy.ledger.entry import Transaction
from ccfpy.ledger.secrets import LedgerSecret, LedgerSecrets
from tests.unit.endpoints.world import session
from tests.unit.ledger.made import SECOND
from tests.unit.node.history.world import Story, World, recovered

if TYPE_CHECKING:
    from ccfpy.boundary.effects import ReadLedger
    from ccfpy.endpoints.history import HistoricalState


def _world(count: int = 300, *, bytes_max: int = 10**7) -> World:
    story = Story()
    story.say(*[f"text {at}" for at in range(count)])
    story.sign()
    return World(story, bytes_max=bytes_max)


def _seqnos(world: World, handle: RequestHandle, *wanted: Seqno) -> list[Seqno] | None:
    states = world.cache.states_for(handle, wanted)
    return None if states is None else [state.txid.seqno for state in states]


def test_one_asks_again_until_all_is_there() -> None:
    world = _world()
    assert world.cache.states_range("a", 2, 250) is None
    assert not world.cache.is_settled("a")
    world.turn()
    assert world.cache.states_range("a", 2, 250) is None
    world.work()
    assert world.cache.is_settled("a")

    states = world.cache.states_range("a", 2, 250)

    assert states is not None
    assert [state.txid.seqno for state in states] == list(range(2, 251))


def test_it_is_read_once_however_often_one_asks() -> None:
    world = _world()
    for _ in range(3):
        _seqnos(world, "a", 5, 9)
        world.work()

    assert _seqnos(world, "a", 9, 5, 9) == [5, 9]
    assert len(world.read) == len(set(world.read))


def test_clients_share_what_they_both_want() -> None:
    world = _world()
    _seqnos(world, "a", 5, 6)
    _seqnos(world, "b", 6, 7)
    world.work()
    world.read.clear()

    assert _seqnos(world, "a", 5, 6) == [5, 6]
    assert _seqnos(world, "b", 6, 7) == [6, 7]
    a, b = world.cache.states_for("a", [5, 6]), world.cache.states_for("b", [6, 7])
    assert a is not None
    assert b is not None
    assert a[1] is b[0]
    assert not world.read


def test_many_clients_are_served_at_once() -> None:
    world = _world()
    for client in range(200):
        assert _seqnos(world, client, client + 1, 250) is None
    world.work()

    for client in range(200):
        assert _seqnos(world, client, client + 1, 250) == [client + 1, 250]


def test_a_request_that_is_extended_keeps_what_it_has() -> None:
    world = _world()
    world.cache.states_range("a", 5, 10)
    world.work()
    world.read.clear()

    assert world.cache.states_range("a", 5, 12) is None
    world.work()

    assert world.cache.states_range("a", 5, 12) is not None
    assert world.read == [(11, 12)]


def test_a_request_that_is_extended_while_it_is_read_reads_nothing_twice() -> None:
    world = _world()
    world.cache.states_range("a", 5, 10)
    world.cache.work()
    (first,) = world.take_reads()
    world.cache.states_range("a", 8, 14)
    world.cache.work()
    (second,) = world.take_reads()
    assert (second.first, second.last) == (11, 14)
    world.answer(second)
    world.answer(first)
    world.work()

    states = world.cache.states_range("a", 8, 14)
    assert states is not None
    assert [state.txid.seqno for state in states] == list(range(8, 15))


def test_what_a_handle_does_not_stand_for_any_more_is_forgotten() -> None:
    world = _world()
    _seqnos(world, "a", 5)
    world.work()
    _seqnos(world, "a", 6)
    world.work()
    world.read.clear()

    assert _seqnos(world, "a", 5) is None
    world.work()
    assert (5, 5) in world.read


def test_a_dropped_request_is_forgotten() -> None:
    world = _world()
    _seqnos(world, "a", 5)
    assert world.cache.drop_request("a")
    assert not world.cache.drop_request("a")
    assert world.cache.is_settled("a")

    world.work()

    assert not world.read


def test_it_is_forgotten_when_nobody_asks_for_long_enough() -> None:
    world = _world()
    for handle, expiry_s in (("short", 10), ("long", None)):
        world.cache.state_at(handle, 5, expiry_s=expiry_s)
    world.work()
    world.cache.tick(9_999)
    assert world.cache.state_at("short", 5, expiry_s=10) is not None
    world.cache.tick(19_998)
    assert world.cache.drop_request("short")

    world.cache.state_at("short", 5, expiry_s=10)
    world.cache.tick(29_998)
    assert not world.cache.drop_request("short")
    world.cache.tick(1000 * limits.HISTORY_EXPIRY_S - 1)
    assert world.cache.state_at("long", 5) is not None
    world.cache.tick(2 * 1000 * limits.HISTORY_EXPIRY_S)
    assert not world.cache.drop_request("long")


def test_when_memory_is_short_those_not_asked_about_for_longest_go() -> None:
    size = len(_world().entries[5])
    world = _world(bytes_max=2 * size * limits.HISTORY_BYTES_PER_ENTRY_BYTE)
    for handle, seqno in enumerate((5, 6, 7)):
        _seqnos(world, handle, seqno)
        world.work()
    # The bound is soft: it is looked to as time passes.
    assert _seqnos(world, 0, 5) == [5]

    world.cache.tick(1)

    assert world.cache.drop_request(0)
    assert not world.cache.drop_request(1)
    assert world.cache.drop_request(2)


def test_one_request_alone_may_take_more_than_the_bound() -> None:
    """Else it could never be answered."""
    world = _world(bytes_max=1)
    world.cache.states_range("a", 5, 100)
    world.work()
    world.cache.tick(1)

    assert world.cache.states_range("a", 5, 100) is not None


def test_what_is_shared_is_counted_once_and_kept_for_the_other() -> None:
    size = len(_world().entries[5])
    world = _world(bytes_max=size * limits.HISTORY_BYTES_PER_ENTRY_BYTE)
    for handle in range(3):
        _seqnos(world, handle, 5)
    world.work()
    world.cache.tick(1)

    assert all(world.cache.drop_request(handle) for handle in range(3))


def test_only_so_many_handles_are_in_use() -> None:
    world = _world()
    for handle in range(limits.HISTORY_REQUESTS_MAX):
        _seqnos(world, handle, 1)
    world.work()
    assert _seqnos(world, 0, 1) == [1]

    _seqnos(world, "one more", 1)

    assert world.cache.drop_request(0)
    assert not world.cache.drop_request(1)


@pytest.mark.parametrize("wanted", [[], [0], [1, 304]])
def test_only_committed_seqnos_can_be_asked_for(wanted: list[Seqno]) -> None:
    with pytest.raises(ValueError, match=r"seqnos|committed"):
        _world().cache.states_for("a", wanted)


def test_what_is_written_and_not_committed_cannot_be_asked_for() -> None:
    world = _world()
    world.log.commit_seqno = last = world.log.last_seqno - 1
    for ask in (
        lambda: world.cache.state_at("a", last + 1),
        lambda: world.cache.states_range("a", last, last + 1),
        lambda: world.cache.states_for("a", [last + 1, 1]),
    ):
        with pytest.raises(ValueError, match="only committed"):
            ask()
    world.work()
    assert not world.read
    assert _seqnos(world, "a", last) is None


@pytest.mark.slow
def test_only_so_many_seqnos_can_be_asked_for() -> None:
    world = _world(10)
    world.log.last_seqno = world.log.commit_seqno = 10**9
    most = limits.HISTORY_SEQNOS_MAX
    assert world.cache.states_range("a", 1, most) is None
    with pytest.raises(ValueError, match=f"from 1 to {most} seqnos"):
        world.cache.states_range("a", 1, most + 1)


def _remember(world: World) -> None:
    """Make the node take every entry itself, from the second on."""
    recent = world.tail.settled_recent()
    recent.rollback(1)
    for seqno in range(2, world.story.last + 1):
        recent.append(world.entries[seqno])
    recent.signed(2)
    recent.signed(world.story.last)


def test_what_was_just_committed_is_there_at_once() -> None:
    world = _world()
    _remember(world)

    states = world.cache.states_range("a", 200, 250)

    assert states is not None
    assert len(states) == 51
    world.work()
    assert not world.read


def test_a_long_range_is_read_step_by_step_even_then() -> None:
    world = _world()
    _remember(world)

    assert world.cache.states_range("a", 2, 299) is None
    world.work()
    assert world.cache.states_range("a", 2, 299) is not None
    assert len(world.read) == 3


def test_a_caller_that_waits_is_run_again_when_all_is_there() -> None:
    world = _world()
    world.cache.state_at("a", 5)
    awaited = world.cache.wait(
        Request(method="GET", path="/app/old"),
        session(),
        lambda: world.cache.is_settled("a"),
        500,
    )
    assert isinstance(awaited, Awaited)
    world.work()
    world.cache.work()

    assert awaited.response is not None
    assert awaited.response.status == 200


def test_a_caller_that_waits_for_what_does_not_come_is_answered_in_time() -> None:
    world = _world()
    world.cache.state_at("a", 5)
    awaited = world.cache.wait(
        Request(method="GET", path="/app/old"), session(), lambda: False, 500
    )
    assert awaited is not None
    world.cache.work()
    world.cache.tick(500)
    assert awaited.response is None

    world.cache.work()

    assert awaited.response is not None


def test_a_host_that_lacks_entries_is_asked_again_at_the_next_tick_alone() -> None:
    """At once, caller and host would ask and answer each other without end."""
    world = _world()
    world.lies[5] = None
    world.cache.state_at("a", 5)
    world.cache.wait(
        Request(method="GET", path="/app/old"),
        session(),
        lambda: world.cache.is_settled("a"),
        500,
    )

    world.work()
    assert world.read == [(5, 5)]
    assert not world.served

    world.cache.tick(10)
    world.work()
    assert len(world.served) == 1


def _without_the_first_secret() -> World:
    story = recovered()
    return World(story, secrets={8: LedgerSecret(raw=bytes(32))})


def test_what_can_never_be_had_is_said_once_asked_about() -> None:
    world = _without_the_first_secret()
    for _ in range(2):
        with pytest.raises(HistoryFailed, match="ledger secret"):
            world.cache.states_range("a", 5, 9)
    assert not world.cache.drop_request("a")


def test_nobody_who_shares_it_waits_for_it_either() -> None:
    world = _without_the_first_secret()
    with pytest.raises(HistoryFailed):
        world.cache.state_at("a", 5)
    with pytest.raises(HistoryFailed):
        world.cache.states_range("b", 5, 5 + limits.HISTORY_ENTRIES_PER_READ - 97)
    assert world.cache.states_range("c", 8, 9) is None


def _story() -> Story:
    """Build the story of a service that was rekeyed, recovered and rekeyed again."""
    story = Story()
    story.open()
    story.say("one", "two")
    story.rekey()
    story.sign()
    story.say("three", "four", "five")
    story.sign()
    story.renew_secret()
    story.create(SECOND)
    story.record_secret()
    story.open()
    story.say("six")
    story.rekey()
    story.say("seven")
    story.sign()
    return story


STORY = _story()
TRUTH = {
    seqno: Transaction.parse(entry.data).writes(LedgerSecrets(STORY.secrets.items()))
    for seqno, entry in enumerate(STORY.ledger.entries, 1)
}
HANDLES = st.integers(0, 3)
SEQNOS = st.integers(1, STORY.last)


class Asking(RuleBasedStateMachine):
    """Callers ask, time passes, and the host answers in any order, or lies."""

    @initialize(knows_all=st.booleans(), is_tight=st.booleans(), few=st.integers(1, 5))
    def begin(self, *, knows_all: bool, is_tight: bool, few: int) -> None:
        version = max(STORY.secrets)
        latest = {version: STORY.secrets[version]}
        self.world = World(
            STORY,
            secrets=None if knows_all else latest,
            bytes_max=5000 if is_tight else 10**7,
        )
        self.world.per_answer = few
        self.asked: list[ReadLedger] = []
        self.now_ms = 0

    @rule(handle=HANDLES, wanted=st.sets(SEQNOS, min_size=1))
    def ask_for_some(self, handle: int, wanted: set[Seqno]) -> None:
        states = self.world.cache.states_for(handle, wanted)
        if states is not None:
            self.check(states, sorted(wanted))

    @rule(handle=HANDLES, one=SEQNOS, other=SEQNOS)
    def ask_for_a_range(self, handle: int, one: Seqno, other: Seqno) -> None:
        first, last = sorted((one, other))
        states = self.world.cache.states_range(handle, first, last)
        if states is not None:
            self.check(states, list(range(first, last + 1)))

    @rule(handle=HANDLES)
    def drop(self, handle: int) -> None:
        self.world.cache.drop_request(handle)

    @rule(ms=st.sampled_from((10, 1000, 3_000_000)))
    def pass_time(self, ms: int) -> None:
        self.now_ms += ms
        self.world.cache.tick(self.now_ms)

    @rule()
    def end_a_step(self) -> None:
        self.world.cache.work()
        self.asked += self.world.take_reads()

    @precondition(lambda self: self.asked)
    @rule(at=st.integers(0, 9))
    def answer(self, at: int) -> None:
        self.world.answer(self.asked.pop(at % len(self.asked)))

    @rule(seqno=SEQNOS, by=st.none() | SEQNOS)
    def lie(self, seqno: Seqno, by: Seqno | None) -> None:
        self.world.lies[seqno] = None if by is None else self.world.entries[by]

    @rule()
    def be_honest(self) -> None:
        self.world.lies.clear()

    @invariant()
    def memory_is_what_is_there(self) -> None:
        if not hasattr(self, "world"):
            return
        cache = self.world.cache
        held = [state for state in cache._states.values() if state.entry_bytes]
        assert cache._entry_bytes == sum(state.entry_bytes for state in held)
        for state in cache._states.values():
            assert state.requests, "somebody wants it"

    def teardown(self) -> None:
        """In the end an honest host lets all be told, and then nothing is kept."""
        if not hasattr(self, "world"):
            return
        world, cache = self.world, self.world.cache
        world.lies.clear()
        for effect in self.asked:
            world.answer(effect)
        # What a lie made be forgotten is asked for anew.
        for _ in range(2):
            cache.states_range("all", 1, STORY.last)
            world.work()
        states = cache.states_range("all", 1, STORY.last)
        assert states is not None
        self.check(states, list(range(1, STORY.last + 1)))
        for handle in (0, 1, 2, 3, "all"):
            cache.drop_request(handle)
        world.work()
        assert not cache._states
        assert not cache._entry_bytes
        assert not cache.pool._needs
        assert not cache.pool._asked
        assert not cache.pool._place

    def check(
        self, states: "list[HistoricalState] | object", wanted: list[Seqno]
    ) -> None:
        """Check what was told, and prove it to who knows today's service alone."""
        assert isinstance(states, list)
        assert [state.txid.seqno for state in states] == wanted
        for state in states:
            assert state.writes == TRUTH[state.txid.seqno]
        states[0].receipt.json_receipt.verify(SECOND.certificate)


Asking.TestCase.settings = settings(max_examples=60, stateful_step_count=30)
TestAsking = pytest.mark.slow(Asking.TestCase)
