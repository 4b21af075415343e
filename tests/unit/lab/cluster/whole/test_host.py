"""A host keeps what its node gives it, and refuses what no ledger does."""

import pytest

from ccfpy.boundary.effects import AppendLedger, CommitLedger, TruncateLedger
from tests.lab.cluster.whole.stage import Stage
from tests.lab.invariants.violated import Violated


def test_a_ledger_is_followed_entry_by_entry(stage: Stage) -> None:
    node = stage.world.nodes[1]
    assert node.last_seqno == node.running.tail.last_seqno
    assert node.entry(1) == stage.world.nodes[0].entry(1)
    assert node.signed[-1] <= node.last_seqno
    assert node.has_joined


def test_what_is_committed_is_not_truncated(stage: Stage) -> None:
    node = stage.world.nodes[0]
    with pytest.raises(Violated, match="CommittedLogAppendOnlyProp"):
        node.keep(TruncateLedger(seqno=node.commit - 1))


def test_entries_follow_each_other(stage: Stage) -> None:
    node = stage.world.nodes[0]
    with pytest.raises(Violated, match="LedgerOrder"):
        node.keep(AppendLedger(first_seqno=node.last_seqno + 2, entries=()))


def test_nothing_is_committed_that_is_not_written(stage: Stage) -> None:
    node = stage.world.nodes[0]
    with pytest.raises(Violated, match="LedgerFits"):
        node.keep(CommitLedger(seqno=node.last_seqno + 1))
