"""A simulated node's untrusted half: its files, its faults, and its peers.

The stores are the ones that ship, on a disk in memory. What the host does beside its
event loop (making a snapshot final) is done when time next advances, so that a crash
can prevent it.
"""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ccfpy.base import limits
from ccfpy.base.ids import NodeId, Seqno, SessionId
from ccfpy.boundary.effects import (
    AppendLedger,
    BeginLedger,
    CommitLedger,
    Effect,
    ForgetPeer,
    IdentityMade,
    KeepSession,
    ReadMore,
    SendData,
    SetPeer,
    Stop,
    TruncateLedger,
    Wake,
    WriteLog,
)
from ccfpy.boundary.events import Boot, Event, SessionWritten, Woken
from ccfpy.host.blob_store import BlobStore
from ccfpy.host.ledger_store import LedgerStore, LedgerStoreFailed
from ccfpy.host.log import Journal
from ccfpy.host.sealed_files import SealedFiles
from ccfpy.host.snapshot_store import SnapshotStore
from ccfpy.host.storage import Storage
from ccfpy.ledger.chunk import ChunkName
from ccfpy.ledger.entry import Transaction
from ccfpy.ledger.signature import is_signature
from ccfpy.node.node import Node
from ccfpy.node.running import RunningNode
from ccfpy.testing.disk import MemoryDisk
from tests.lab.cluster.whole.lies import kind_of, lied
from tests.lab.invariants.violated import Violated
from tests.lab.slow_calls import SlowCalls

LEDGER = Path("/ledger")
SNAPSHOTS = Path("/snapshots")
NEVER_SLOW_US = 1 << 60
_COMMITTED = ".committed"
_NAMING = frozenset({AppendLedger, BeginLedger, CommitLedger, TruncateLedger})
"""After these a file of the ledger may have another name."""


@dataclass(slots=True, kw_only=True)
class Files:
    """One node's stores on one disk."""

    disk: MemoryDisk
    journal: io.BytesIO
    ledger: LedgerStore
    snapshots: SnapshotStore
    storage: Storage

    @classmethod
    def on(cls, disk: MemoryDisk, *, must_sync: bool = False) -> "Files":
        """Return a disk's stores; ``must_sync`` as ``LedgerStore`` has it."""
        stream = io.BytesIO()
        journal = Journal(stream, unix_us=lambda: 0)
        ledger = LedgerStore(
            LEDGER, report=journal, sync_committable=must_sync, disk=disk
        )
        snapshots = SnapshotStore(SNAPSHOTS, report=journal, disk=disk)
        blobs = BlobStore(report=journal, disk=disk)
        blobs.clear()
        storage = Storage(
            ledger,
            snapshots,
            blobs,
            SealedFiles(None, report=journal, disk=disk),
            journal=journal,
            slow_us=NEVER_SLOW_US,
        )
        return cls(
            disk=disk,
            journal=stream,
            ledger=ledger,
            snapshots=snapshots,
            storage=storage,
        )


@dataclass(slots=True, kw_only=True)
class SimulatedNode:
    """A node, its host, and what they did.

    Attributes:
        name: what acts call it: its number.
        is_alive: neither killed nor stopped.
        is_doomed: its disk may end it at any time.
        target: the node it asks to join; None for the first.
        address_book: where other nodes are, as the enclave said.
        heard: where other nodes connected from.
        rate: how fast its clock goes.
        clock_us: its clock, since time began.
        aside: work that waits for the disk.
        after: where its ledger begins.
        entries: its ledger from there, as it was handed over.
        signed: the seqnos of signatures in it.
        commit: up to where its host was told that it is final.
        end: why it is not alive.
        untold: bytes of each session's answers that left since the last report.
        slow: its application's calls that are slow.
        lies: what its host will lie about, once, and how.
        lost: entries that were taken back.
        is_lied_to: it is handed what somebody changed on the way.
        named: the chunk files that were named committed.
    """

    name: str
    trusted: Node
    boot: Boot
    files: Files
    target: str | None = None
    is_alive: bool = True
    is_doomed: bool = False
    identity: IdentityMade | None = None
    address_book: dict[NodeId, str] = field(default_factory=dict)
    heard: dict[NodeId, str] = field(default_factory=dict)
    rate: float = 1.0
    clock_us: int = 0
    aside: list[Callable[[], None]] = field(default_factory=list)
    answers: list[Event] = field(default_factory=list)
    performers: Mapping[type, Callable[[Effect], None]] = field(default_factory=dict)
    after: Seqno = 0
    entries: list[bytes] = field(default_factory=list)
    signed: list[Seqno] = field(default_factory=list)
    commit: Seqno = 0
    logs: list[WriteLog] = field(default_factory=list)
    stop: Stop | None = None
    end: str = ""
    sessions: int = 0
    untold: dict[SessionId, int] = field(default_factory=dict)
    slow: SlowCalls = field(default_factory=SlowCalls)
    lies: dict[str, int] = field(default_factory=dict)
    lost: dict[Seqno, bytes] = field(default_factory=dict)
    is_lied_to: bool = False
    named: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.performers = self.files.storage.performers(self._answer, self.aside.append)

    def _answer(self, answer: Event) -> None:
        """Pass on to the node what its host found, or a lie."""
        how = self.lies.pop(kind_of(answer), None)
        if how is not None:
            answer = lied(answer, how, lost=self.lost)
        self.answers.append(answer)

    def took(self, effect: SendData) -> None:
        """Report to the node, as its host would, that an answer has left."""
        size = self.untold.get(effect.session, 0) + len(effect.data)
        if size >= limits.SESSION_WRITTEN_BYTES:
            self.answers.append(SessionWritten(session=effect.session, size=size))
            size = 0
        self.untold[effect.session] = size

    @property
    def id(self) -> NodeId:
        """Its id, once it has booted."""
        assert self.identity is not None, "it has not booted"
        return self.identity.node_id

    @property
    def running(self) -> RunningNode:
        """The inside of the node, which invariants read."""
        running = self.trusted.running
        assert running is not None, "it has not booted"
        return running

    @property
    def view(self) -> int:
        """The newest view it knows."""
        return self.running.view

    @property
    def last_seqno(self) -> Seqno:
        """Where its ledger ends."""
        return self.after + len(self.entries)

    @property
    def has_joined(self) -> bool:
        """Whether it holds the service's secrets."""
        return self.running.is_trusted

    def entry(self, seqno: Seqno) -> bytes:
        """Return an entry of its ledger."""
        assert self.after < seqno <= self.last_seqno, (self.name, seqno)
        return self.entries[seqno - self.after - 1]

    def next_session(self) -> SessionId:
        """Number a connection."""
        self.sessions += 1
        return SessionId(self.sessions)

    def keep(self, effect: Effect) -> None:
        """Carry out an effect that concerns the host alone.

        Raises:
            LedgerStoreFailed: the disk fails, and so does the node.
            Violated: the effect makes no sense for a ledger.
        """
        match effect:
            case SetPeer():
                self.address_book[effect.node] = effect.address
            case ForgetPeer():
                self.address_book.pop(effect.node, None)
            case WriteLog():
                self.logs.append(effect)
            case IdentityMade():
                self.identity = effect
            case Wake():
                self.answers.append(Woken())
            case ReadMore() | KeepSession():
                pass  # no client of a simulation sends too much, or is idle too long
            case _:
                self._note(effect)
                self._store(effect)

    def _store(self, effect: Effect) -> None:
        try:
            self.performers[type(effect)](effect)
        except LedgerStoreFailed as failure:
            if not isinstance(failure.__cause__, OSError):
                raise Violated("LedgerFits", f"node {self.name}: {failure}") from None
            raise
        if type(effect) in _NAMING:
            self._check_names()

    def _check_names(self) -> None:
        """Check that files called committed are, and stay so.

        Raises:
            Violated: one holds more, or is not called so any more.
        """
        if self.files.disk.fault is not None:
            return
        names = self.files.disk.names(LEDGER)
        committed = {name for name in names if name.endswith(_COMMITTED)}
        for name in committed - self.named:
            last = ChunkName.parse(name).last or 0
            if last > self.commit:
                raise Violated(
                    "CommittedNames", f"{name} on node {self.name} at {self.commit}"
                )
        if gone := self.named - committed:
            raise Violated("CommittedNames", f"{gone} are gone from node {self.name}")
        self.named = committed

    def _note(self, effect: Effect) -> None:
        """Follow the ledger."""
        match effect:
            case AppendLedger():
                self._append(effect)
            case TruncateLedger():
                if effect.seqno < self.commit:
                    raise Violated(
                        "CommittedLogAppendOnlyProp",
                        f"node {self.name} committed {self.commit} and went back to "
                        f"{effect.seqno}",
                    )
                kept = max(effect.seqno - self.after, 0)
                for seqno, entry in enumerate(self.entries[kept:], effect.seqno + 1):
                    self.lost[seqno] = entry
                del self.entries[kept:]
                while self.signed and self.signed[-1] > effect.seqno:
                    self.signed.pop()
            case BeginLedger():
                self.after = self.commit = effect.after
            case CommitLedger():
                self.commit = effect.seqno
            case _:
                pass

    def _append(self, effect: AppendLedger) -> None:
        if effect.first_seqno != self.last_seqno + 1:
            raise Violated("LedgerOrder", f"{self.name} wrote {effect.first_seqno}")
        for entry in effect.entries:
            self.entries.append(entry)
            if effect.has_signature and _is_signature(entry):
                self.signed.append(self.last_seqno)


def _is_signature(entry: bytes) -> bool:
    return is_signature(Transaction.parse(entry).domain.write_set)
