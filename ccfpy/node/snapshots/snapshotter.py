"""When the primary takes a snapshot, and how other nodes come to trust it.

1. *Due.* A signature is where a snapshot is taken when ``snapshots.tx_count`` seqnos
   have passed since the last, or when one was asked for. Its ledger chunk ends there.
2. *Taken.* When that signature is final, the primary sets the state of that seqno aside
   and writes it a little at a time, which leaves most of the time to requests.
3. *Recorded.* The digest is written to ``public:ccf.internal.snapshot_evidence``, and
   claimed by the same transaction; the host writes the file, which is not final yet.
4. *Final.* Once a signature that covers the evidence is final, so is its receipt, which
   completes the file.

If the primary stops leading, or if the evidence is rolled back, the snapshot is
dropped. The next primary takes a snapshot when one is due by the evidence that it has
seen. A requested snapshot does not delay the next regular snapshot. The rules follow
``src/node/snapshotter.h``, whose backups do not count evidence and so take a snapshot
as soon as they lead.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from ccfpy.base import limits
from ccfpy.base.histogram import Histogram
from ccfpy.base.ids import Seqno
from ccfpy.boundary.effects import CommitSnapshot, WriteSnapshot
from ccfpy.boundary.metrics import TIME_EDGES_MS
from ccfpy.kv.changes import Writes
from ccfpy.kv.store import Store
from ccfpy.ledger.merkle import MerkleTree
from ccfpy.ledger.receipt import Receipt
from ccfpy.ledger.secrets import LedgerSecrets
from ccfpy.ledger.snapshot import SnapshotWriting, cut, receipt_bytes
from ccfpy.node.outbox import Outbox
from ccfpy.node.ports import Primary
from ccfpy.service.tables.service import SNAPSHOT_EVIDENCE, SnapshotEvidence


class LedgerEnd(Protocol):
    """What a snapshot is made of (`ccfpy.node.replication.ledger_tail.LedgerTail`).

    Attributes:
        store: the state.
        secrets: the ledger secrets that encrypt private maps.
        is_sealed: the private state is not known, so that no snapshot can be taken.
    """

    store: Store
    secrets: LedgerSecrets
    is_sealed: bool

    def settled_tree(self) -> MerkleTree:
        """Seal all ordered transactions, and return the tree over all entries."""
        ...

    def receipt(self, seqno: Seqno, *, committed: Seqno) -> Receipt | None:
        """Prove a committed transaction that is still in memory."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Due:
    """A signature at which a snapshot is to be taken once it is final."""

    seqno: Seqno
    is_regular: bool


@dataclass(slots=True, kw_only=True)
class _Taken:
    """A snapshot on its way.

    Attributes:
        taken_ms: when the state was set aside.
        evidence: the transaction that records the snapshot's digest, once it exists.
        unwritten: the bytes that the host has not received yet, from then on.
        is_written: the host has received the whole snapshot.
    """

    seqno: Seqno
    is_regular: bool
    writing: SnapshotWriting
    taken_ms: int
    evidence: Seqno | None = None
    unwritten: Iterator[WriteSnapshot] | None = None
    is_written: bool = False


@dataclass(eq=False, kw_only=True)
class Snapshotter:
    """A node's snapshots: due, under way, and what it saw recorded.

    Attributes:
        tx_count: seqnos between regular snapshots (``snapshots.tx_count``).
        view_starts: returns the first seqno of every view, from view 1.
    """

    tx_count: int
    ledger: LedgerEnd
    primary: Primary
    view_starts: Callable[[], tuple[Seqno, ...]]
    outbox: Outbox

    def __post_init__(self) -> None:
        self._last: Seqno = 0
        """The last regular snapshot that was recorded, by whichever primary."""
        self._seen: deque[tuple[Seqno, Seqno]] = deque()
        """Evidence that may be rolled back: its seqno, and ``_last`` before it."""
        self._committed: Seqno = 0
        self._is_wanted = False
        self._due: list[_Due] = []
        self._taken: list[_Taken] = []
        self._worked_ms = 0
        self._now_ms = 0
        self.serialised_ms = Histogram(TIME_EDGES_MS)
        """How long it took to make snapshots' bytes."""

    @property
    def pending(self) -> int:
        """How many snapshots are taken and not final."""
        return len(self._taken)

    def watch(self, store: Store) -> None:
        """Watch the snapshots that any primary records."""
        store.on_local(SNAPSHOT_EVIDENCE.name, self._on_evidence)

    def start_from(self, seqno: Seqno) -> None:
        """Count from here: the snapshot that this node's own state came from."""
        self._last = self._committed = seqno
        self._seen.clear()

    def trigger(self) -> None:
        """Take a snapshot at the next signature, whether it is due or not."""
        self._is_wanted = True

    def note_signature(self, seqno: Seqno) -> bool:
        """Note that this node, as primary, is about to sign at ``seqno``.

        Tells whether a snapshot is to be taken there, so that the chunk must end.
        """
        if self.ledger.is_sealed:
            return False
        is_regular = seqno - self._last_regular() >= self.tx_count
        if not (is_regular or self._is_wanted):
            return False
        self._is_wanted = False
        self._due.append(_Due(seqno=seqno, is_regular=is_regular))
        return True

    def on_commit(self, seqno: Seqno) -> None:
        """Everything up to ``seqno``, a signature, is final, and not yet compacted."""
        self._committed = seqno
        while self._seen and self._seen[0][0] <= seqno:
            self._seen.popleft()
        self._complete()
        reached = [due for due in self._due if due.seqno <= seqno]
        if not reached:
            return
        del self._due[: len(reached)]
        if self.primary.is_primary and not self.ledger.is_sealed:
            is_regular = any(due.is_regular for due in reached)
            self._take(reached[-1].seqno, is_regular=is_regular)

    def on_rollback(self, to: Seqno) -> None:
        """Every entry after ``to`` is forgotten."""
        self._is_wanted = False
        self._due = [due for due in self._due if due.seqno <= to]
        self._taken = [t for t in self._taken if t.evidence is None or t.evidence <= to]
        while self._seen and self._seen[-1][0] > to:
            _, self._last = self._seen.pop()

    def tick(self, now_ms: int) -> None:
        """Advance the clock, and work if time has passed since the last step."""
        self._now_ms = now_ms
        if now_ms - self._worked_ms >= limits.SNAPSHOT_STEP_MS:
            self._worked_ms = now_ms
            self.work()

    def work(self) -> None:
        """Do a bounded part of the waiting work."""
        if not self.primary.is_primary:
            # Nobody would record the digest; the next primary takes its own.
            self._taken = [taken for taken in self._taken if taken.evidence is not None]
        taken = next((taken for taken in self._taken if not taken.is_written), None)
        if taken is None:
            return
        if taken.unwritten is not None:
            self._write(taken)
        elif taken.writing.advance(limits.SNAPSHOT_KEYS_PER_STEP):
            self._record(taken)

    # Inside

    def _last_regular(self) -> Seqno:
        taken = [each.seqno for each in self._taken if each.is_regular]
        due = [each.seqno for each in self._due if each.is_regular]
        return max([self._last, *taken, *due])

    def _take(self, seqno: Seqno, *, is_regular: bool) -> None:
        if len(self._taken) >= limits.SNAPSHOTS_PENDING_MAX:
            self.outbox.fail(
                f"Skipping new snapshot generation as {len(self._taken)} snapshots "
                "are already pending"
            )
            if is_regular:
                self._last = seqno
            return
        ledger = self.ledger
        writing = SnapshotWriting(
            ledger.secrets.at(seqno),
            seqno=seqno,
            leaf=ledger.settled_tree().leaf(seqno),
            view_history=[at for at in self.view_starts() if at <= seqno],
            public=ledger.store.freeze(seqno, public=True),
            private=ledger.store.freeze(seqno, public=False),
        )
        self._taken.append(
            _Taken(
                seqno=seqno,
                is_regular=is_regular,
                writing=writing,
                taken_ms=self._now_ms,
            )
        )

    def _record(self, taken: _Taken) -> None:
        """Write the evidence; from then on a rollback can end it."""
        self.serialised_ms.observe(self._now_ms - taken.taken_ms)
        digest = taken.writing.digest
        tx = self.primary.begin(read_only=False)
        SNAPSHOT_EVIDENCE.of(tx).put(
            SnapshotEvidence(hash=digest.hex(), version=taken.seqno)
        )
        recorded = self.primary.commit(tx, digest)
        assert recorded is not None, "evidence is always written"
        taken.evidence = recorded.seqno
        taken.unwritten = _pieces(taken.writing.pieces, taken.seqno, recorded.seqno)

    def _write(self, taken: _Taken) -> None:
        assert taken.unwritten is not None
        piece = next(taken.unwritten, None)
        if piece is not None:
            self.outbox.put(piece)
            return
        taken.is_written = True
        taken.writing.pieces.clear()
        self._complete()

    def _complete(self) -> None:
        """Hand the host the receipts of evidence that became final."""
        for taken in list(self._taken):
            if not taken.is_written or taken.evidence is None:
                continue
            if taken.evidence >= self._committed:
                continue
            self._taken.remove(taken)
            receipt = self.ledger.receipt(taken.evidence, committed=self._committed)
            if receipt is None:
                self.outbox.fail(
                    f"No receipt is left for the snapshot at {taken.seqno}, whose "
                    f"evidence is at {taken.evidence}"
                )
                continue
            self.outbox.put(
                CommitSnapshot(
                    seqno=taken.seqno,
                    evidence_seqno=taken.evidence,
                    receipt=receipt_bytes(receipt),
                )
            )

    def _on_evidence(self, seqno: Seqno, writes: Writes) -> None:
        evidence = SNAPSHOT_EVIDENCE.decode_writes(writes)
        # One that comes earlier than it is due was asked for, and does not count.
        if evidence is not None and evidence.version - self._last >= self.tx_count:
            self._seen.append((seqno, self._last))
            self._last = evidence.version


def _pieces(
    pieces: list[bytes], seqno: Seqno, evidence: Seqno
) -> Iterator[WriteSnapshot]:
    for at, data in enumerate(cut(pieces, limits.SNAPSHOT_WRITE_BYTES_MAX)):
        yield WriteSnapshot(
            seqno=seqno, evidence_seqno=evidence, data=data, is_first=at == 0
        )
