"""Whatever happens to a node, its final snapshots are true, and none is left out."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ccfpy.base import limits
from ccfpy.base.ids import Seqno
from ccfpy.kv.snapshot import MapSnapshot
from ccfpy.kv.store import Store
from ccfpy.node.snapshots.starting_point import StartingPoint
from tests.unit.kv.plain_snapshot import snapshot_of
from tests.unit.ledger.made import FIRST
from tests.unit.node.ledger_of_one import LedgerOfOne
from tests.unit.node.snapshots.test_snapshotter import Files, settle

TX_COUNT = 4


def state_of(store: Store, seqno: Seqno) -> list[tuple[str, Seqno, object]]:
    def sorted_(each: MapSnapshot) -> tuple[str, Seqno, object]:
        return each.name, each.version, sorted(each.entries)

    return [
        sorted_(each)
        for public in (True, False)
        for each in snapshot_of(store, seqno, public=public)
    ]


class Life(RuleBasedStateMachine):
    """A node that leads and follows, commits and rolls back."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = LedgerOfOne(tx_count=TX_COUNT)
        self.ledger.create()
        self.files = Files()
        self.states: dict[Seqno, object] = {}
        self.checked = 0

    @rule(value=st.integers())
    def write(self, value: int) -> None:
        if self.ledger.is_primary:
            self.ledger.put(key=str(value))

    @rule()
    def sign(self) -> None:
        if self.ledger.is_primary:
            seqno = self.ledger.sign()
            self.states[seqno] = state_of(self.ledger.store, seqno)

    @rule(data=st.data())
    def commit(self, data: st.DataObject) -> None:
        later = [s for s in self.ledger.signatures if s > self.ledger.committed]
        if later:
            self.ledger.commit_to(data.draw(st.sampled_from(later)))

    @rule()
    def work(self) -> None:
        self.ledger.snapshotter.work()

    @rule()
    def trigger(self) -> None:
        self.ledger.snapshotter.trigger()

    @precondition(lambda self: self.ledger.is_primary)
    @rule(data=st.data())
    def follow(self, data: st.DataObject) -> None:
        ledger = self.ledger
        ledger.is_primary = False
        to = data.draw(st.integers(max(ledger.committed, 1), ledger.store.version))
        if to < ledger.store.version:
            ledger.rollback(to)

    @precondition(lambda self: not self.ledger.is_primary)
    @rule()
    def lead(self) -> None:
        self.ledger.is_primary = True

    @invariant()
    def few_are_pending(self) -> None:
        assert self.ledger.snapshotter.pending <= limits.SNAPSHOTS_PENDING_MAX

    @invariant()
    def what_is_final_is_true(self) -> None:
        self.files.take(self.ledger)
        for (seqno, evidence), data in list(self.files.final.items())[self.checked :]:
            self.checked += 1
            assert evidence < self.ledger.committed
            assert seqno in self.ledger.ended_chunks
            start = StartingPoint.read(data, [FIRST.certificate])
            assert start.seqno == seqno
            store = Store()
            start.install(store, self.ledger.secrets)
            assert state_of(store, seqno) == self.states[seqno]

    def teardown(self) -> None:
        """In the end, left in peace, the node has a snapshot that is recent enough."""
        ledger = self.ledger
        ledger.is_primary = True
        for _ in range(3 * TX_COUNT):
            ledger.put(key="end")
            ledger.sign()
            self.states[ledger.store.version] = state_of(
                ledger.store, ledger.store.version
            )
            ledger.commit_to(ledger.store.version)
            settle(ledger, self.files)
        self.what_is_final_is_true()
        newest = max(seqno for seqno, _ in self.files.final)
        assert ledger.committed - newest <= 2 * TX_COUNT
        assert self.files.logs == [] or "Skipping" in self.files.logs[0]


TestLife = pytest.mark.slow(Life.TestCase)
TestLife.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
