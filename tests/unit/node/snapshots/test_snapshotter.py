"""The snapshotter: when a snapshot is due, and how it becomes final."""

from dataclasses import dataclass, field

import pytest

from ccfpy.base import json, limits
from ccfpy.base.ids import Seqno
from ccfpy.boundary.effects import CommitSnapshot, WriteLog, WriteSnapshot
from ccfpy.ledger.snapshot import Snapshot
from ccfpy.ledger.tables import SINGLE_KEY, SNAPSHOT_EVIDENCE
from tests.unit.ledger.made import FIRST
from tests.unit.node.ledger_of_one import LedgerOfOne


@dataclass
class Files:
    """What a host has of snapshots."""

    pending: dict[tuple[Seqno, Seqno], bytes] = field(default_factory=dict)
    final: dict[tuple[Seqno, Seqno], bytes] = field(default_factory=dict)
    logs: list[str] = field(default_factory=list)

    def take(self, ledger: LedgerOfOne) -> None:
        for effect in ledger.outbox.take():
            match effect:
                case WriteSnapshot():
                    name = effect.seqno, effect.evidence_seqno
                    assert effect.is_first is (name not in self.pending)
                    written = self.pending.get(name, b"")
                    self.pending[name] = written + effect.data
                case CommitSnapshot():
                    name = effect.seqno, effect.evidence_seqno
                    self.final[name] = self.pending.pop(name) + effect.receipt
                case WriteLog():
                    self.logs.append(effect.message)
                case _:
                    raise AssertionError(effect)


def settle(ledger: LedgerOfOne, files: Files) -> None:
    """Work until there is nothing more to do without a commit."""
    for _ in range(20):
        ledger.snapshotter.work()
    files.take(ledger)


def ten_more(ledger: LedgerOfOne) -> Seqno:
    for at in range(9):
        ledger.put(**{f"key{at}": "value"})
    return ledger.sign_and_commit()


@pytest.fixture
def files() -> Files:
    return Files()


def test_a_snapshot_is_taken_every_so_many_transactions_and_becomes_final(
    files: Files,
) -> None:
    ledger = LedgerOfOne()
    ledger.create()
    ledger.put(secret="value")
    assert ledger.sign_and_commit() == 3
    settle(ledger, files)
    assert ledger.ended_chunks == []
    ledger.snapshotter.tick(1000)
    seqno = ten_more(ledger)
    assert ledger.ended_chunks == [seqno]
    ledger.snapshotter.tick(1000 + limits.SNAPSHOT_STEP_MS)
    settle(ledger, files)
    took = ledger.snapshotter.serialised_ms
    assert (sum(took.counts), took.total) == (1, limits.SNAPSHOT_STEP_MS)
    ((taken, evidence),) = files.pending
    assert (taken, evidence) == (seqno, seqno + 1)
    written = json.loads_object(
        ledger.store.begin().raw(SNAPSHOT_EVIDENCE).get(SINGLE_KEY) or b""
    )
    assert written == {
        "hash": Snapshot.parse(files.pending[taken, evidence]).digest.hex(),
        "version": seqno,
    }
    ledger.sign_and_commit()
    settle(ledger, files)
    snapshot = Snapshot.parse(files.final[taken, evidence])
    snapshot.verify(FIRST.certificate)
    assert b"value" not in files.final[taken, evidence]
    assert [each.name for each in snapshot.private_maps(ledger.secrets)] == ["notes"]
    assert snapshot.tree().root() == ledger.tree.root(seqno + 1)
    assert ledger.snapshotter.pending == 0
    assert files.logs == []


def test_the_state_is_that_of_the_signature_whatever_happens_while_it_is_written(
    files: Files,
) -> None:
    ledger = LedgerOfOne()
    ledger.put(key="before")
    ledger.snapshotter.trigger()
    seqno = ledger.sign()
    ledger.put(key="after", other="later")
    ledger.commit_to(ledger.sign())
    ledger.put(key="much later")
    ledger.sign_and_commit()
    settle(ledger, files)
    ledger.sign_and_commit()
    files.take(ledger)
    ((name, data),) = files.final.items()
    assert name[0] == seqno
    (notes,) = Snapshot.parse(data).private_maps(ledger.secrets)
    assert notes.entries == [(b"key", 1, b"before")]


def test_one_that_is_asked_for_does_not_put_off_the_regular_one() -> None:
    ledger = LedgerOfOne()
    for _ in range(5):
        ledger.put(key="value")
    ledger.snapshotter.trigger()
    ledger.sign_and_commit()
    assert ledger.ended_chunks == [6]
    for _ in range(3):
        ledger.put(key="value")
    ledger.sign_and_commit()
    assert ledger.ended_chunks == [6, 10]


def test_of_several_that_become_final_at_once_the_last_is_taken(files: Files) -> None:
    ledger = LedgerOfOne()
    for _ in range(9):
        ledger.put(key="value")
    ledger.sign()
    ledger.snapshotter.trigger()
    ledger.commit_to(ledger.sign())
    assert ledger.ended_chunks == [10, 11]
    settle(ledger, files)
    assert list(files.pending) == [(11, 12)]


def test_one_under_way_is_not_taken_twice(files: Files) -> None:
    ledger = LedgerOfOne()
    for _ in range(9):
        ledger.put(key="value")
    seqno = ledger.sign()
    ledger.put(key="before it is final")
    ledger.sign()
    ledger.commit_to(seqno)
    ledger.put(key="before it is recorded")
    ledger.sign()
    settle(ledger, files)
    ledger.put(key="before its evidence is final")
    ledger.sign_and_commit()
    assert ledger.ended_chunks == [10]


def test_a_backup_takes_none(files: Files) -> None:
    ledger = LedgerOfOne()
    ledger.snapshotter.trigger()
    ledger.put(key="value")
    seqno = ledger.sign()
    ledger.is_primary = False
    ledger.commit_to(seqno)
    settle(ledger, files)
    assert ledger.snapshotter.pending == 0


def test_what_is_not_recorded_when_the_lead_is_lost_is_due_again(files: Files) -> None:
    ledger = LedgerOfOne()
    ten_more(ledger)
    assert ledger.snapshotter.pending == 1
    ledger.is_primary = False
    settle(ledger, files)
    assert ledger.snapshotter.pending == 0
    ledger.is_primary = True
    ledger.put(key="value")
    ledger.sign_and_commit()
    assert ledger.ended_chunks == [10, 12]


def test_evidence_that_another_primary_commits_still_completes_the_file(
    files: Files,
) -> None:
    ledger = LedgerOfOne()
    ten_more(ledger)
    settle(ledger, files)
    seqno = ledger.sign()
    ledger.is_primary = False
    ledger.commit_to(seqno)
    settle(ledger, files)
    assert list(files.final) == [(10, 11)]


def test_evidence_that_is_rolled_back_ends_its_snapshot(files: Files) -> None:
    ledger = LedgerOfOne()
    seqno = ten_more(ledger)
    settle(ledger, files)
    ledger.sign()
    ledger.rollback(seqno)
    assert ledger.snapshotter.pending == 0
    ledger.put(key="value")
    ledger.sign_and_commit()
    settle(ledger, files)
    assert files.final == {}
    assert ledger.ended_chunks == [10, 12], "it is due again"


def test_a_signature_that_is_rolled_back_makes_nothing_due() -> None:
    ledger = LedgerOfOne()
    ledger.put(key="value")
    ledger.sign_and_commit()
    ledger.snapshotter.trigger()
    ledger.sign()
    ledger.rollback(2)
    ledger.sign_and_commit()
    assert ledger.ended_chunks == [3]
    assert ledger.snapshotter.pending == 0


def test_backups_learn_from_evidence_when_the_next_is_due(files: Files) -> None:
    primary, backup = LedgerOfOne(), LedgerOfOne()
    ten_more(primary)
    settle(primary, files)
    backup.store.apply(1, {"notes": {b"key": b"value"}})
    evidence = primary.store.begin().raw(SNAPSHOT_EVIDENCE).get(SINGLE_KEY)
    backup.store.apply(2, {SNAPSHOT_EVIDENCE: {SINGLE_KEY: evidence}})
    assert not backup.snapshotter.note_signature(19)
    assert backup.snapshotter.note_signature(20)
    backup.store.rollback(1)
    backup.snapshotter.on_rollback(1)
    assert backup.snapshotter.note_signature(10)


def test_evidence_of_one_that_was_asked_for_puts_nothing_off() -> None:
    backup = LedgerOfOne()
    value = json.dumps({"hash": "00" * 32, "version": 9})
    backup.store.apply(1, {SNAPSHOT_EVIDENCE: {SINGLE_KEY: value}})
    assert backup.snapshotter.note_signature(10)


def test_evidence_that_is_final_is_not_taken_back() -> None:
    backup = LedgerOfOne()
    value = json.dumps({"hash": "00" * 32, "version": 10})
    backup.store.apply(1, {SNAPSHOT_EVIDENCE: {SINGLE_KEY: value}})
    backup.is_primary = False
    backup.snapshotter.on_commit(1)
    backup.snapshotter.on_rollback(0)
    assert not backup.snapshotter.note_signature(19)


def test_a_node_from_a_snapshot_counts_from_there() -> None:
    ledger = LedgerOfOne()
    ledger.snapshotter.start_from(100)
    assert not ledger.snapshotter.note_signature(109)
    assert ledger.snapshotter.note_signature(110)


def test_none_is_taken_while_a_service_is_recovered() -> None:
    ledger = LedgerOfOne()
    ledger.is_sealed = True
    ten_more(ledger)
    assert ledger.ended_chunks == []
    ledger.is_sealed = False
    ledger.sign_and_commit()
    assert ledger.ended_chunks == [11]


def test_no_more_than_a_few_await_their_evidence(files: Files) -> None:
    ledger = LedgerOfOne(tx_count=2)
    for _ in range(limits.SNAPSHOTS_PENDING_MAX):
        ledger.put(key="value")
        ledger.sign_and_commit()
    assert ledger.snapshotter.pending == limits.SNAPSHOTS_PENDING_MAX
    files.take(ledger)
    assert files.logs == []
    ledger.put(key="value")
    last = ledger.sign_and_commit()
    files.take(ledger)
    assert files.logs == [
        "Skipping new snapshot generation as 5 snapshots are already pending"
    ]
    ledger.sign_and_commit()
    assert ledger.ended_chunks[-1] == last
    for _ in range(limits.SNAPSHOTS_PENDING_MAX):
        settle(ledger, files)
    ledger.sign_and_commit()
    settle(ledger, files)
    assert len(files.final) == limits.SNAPSHOTS_PENDING_MAX


def test_however_often_the_time_is_told_work_leaves_time_to_requests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "SNAPSHOT_WRITE_BYTES_MAX", 100)
    ledger = LedgerOfOne()
    ten_more(ledger)
    written = []
    for now_ms in range(1000, 1101):
        ledger.snapshotter.tick(now_ms)
        written += [now_ms] * len(ledger.outbox.take())
    assert written[:3] == [1010, 1020, 1030]
    assert len(written) == len(set(written))
    assert all(now_ms % limits.SNAPSHOT_STEP_MS == 0 for now_ms in written)


def test_without_its_receipt_a_snapshot_is_given_up(files: Files) -> None:
    ledger = LedgerOfOne()
    ten_more(ledger)
    settle(ledger, files)
    ledger.entries.clear()
    ledger.sign_and_commit()
    settle(ledger, files)
    assert ledger.snapshotter.pending == 0
    assert files.logs == [
        "No receipt is left for the snapshot at 10, whose evidence is at 11"
    ]


def test_a_large_snapshot_is_written_over_many_steps_and_in_pieces(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "SNAPSHOT_WRITE_BYTES_MAX", 1000)
    monkeypatch.setattr(limits, "SNAPSHOT_KEYS_PER_STEP", 100)
    ledger = LedgerOfOne()
    ledger.store.apply(
        1, {"many": {str(at).encode(): b"value" * 10 for at in range(3000)}}
    )
    ledger.tree.append(bytes(32))
    ledger.snapshotter.trigger()
    ledger.sign_and_commit()
    steps = writes = 0
    while ledger.snapshotter.pending and steps < 1000:
        ledger.snapshotter.work()
        effects = ledger.outbox.take()
        writes += len(effects)
        assert len(effects) <= 1
        assert all(
            isinstance(effect, WriteSnapshot) and len(effect.data) <= 1000
            for effect in effects
        )
        steps += 1
        if not effects and writes:
            break
    assert steps - writes > 3000 / 256
    assert writes > 100
    ledger.sign_and_commit()
    (final,) = ledger.outbox.take()
    assert isinstance(final, CommitSnapshot)
