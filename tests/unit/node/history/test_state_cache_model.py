"""Whatever callers ask and the host does, what is told is true, and nothing is left."""

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

from ccfpy.base.ids import Seqno
from ccfpy.ledger.entry import Transaction
from ccfpy.ledger.secrets import LedgerSecrets
from tests.unit.ledger.made import SECOND
from tests.unit.node.history.world import Story, World

if TYPE_CHECKING:
    from ccfpy.boundary.effects import ReadLedger
    from ccfpy.endpoints.history import HistoricalState


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
