"""What the enclave asks of the disk, performed: the ledger's files, snapshots', blobs.

The ledger is written at once and in order, because replies depend on it, and its
failure is the node's. Making a snapshot final waits for the disk and depends on nothing
else, so it happens aside.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias, cast

from ccfpy.base.histogram import Histogram
from ccfpy.base.limits import PEER_FRAME_BYTES_MAX
from ccfpy.boundary.effects import (
    AppendLedger,
    BeginLedger,
    CommitLedger,
    CommitSnapshot,
    Effect,
    ForgetBlobs,
    KeepSealedSecret,
    LogLevel,
    OpenLedger,
    ReadBlob,
    ReadLedger,
    ReadSnapshot,
    RecoverLedger,
    StoreBlob,
    TruncateLedger,
    WriteSnapshot,
)
from ccfpy.boundary.events import Event, LedgerRead
from ccfpy.boundary.metrics import DISK_EDGES_NS
from ccfpy.host.blob_store import BlobStore
from ccfpy.host.ledger_store import LedgerStore
from ccfpy.host.log import Journal
from ccfpy.host.sealed_files import SealedFiles
from ccfpy.host.snapshot_store import SnapshotStore
from ccfpy.ledger.snapshot import SnapshotName

VERY_SLOW: Final = 100
"""Times ``slow_io_logging_threshold`` from which a slow write is a failure."""
_SOURCE: Final = "ledger"
_now_ns: Final = time.perf_counter_ns

RunAside: TypeAlias = Callable[[Callable[[], None]], object]
"""Runs a function that waits for the disk in another thread."""
Performers: TypeAlias = Mapping[type, Callable[[Effect], None]]
"""What performs each kind of effect."""


@dataclass(eq=False)
class Storage:
    """A node's files, as the enclave knows them.

    Attributes:
        journal: told of slow writes and of reads that fail.
        slow_us: how long a write may take before it is slow.
        append_ns: how long writes took.
    """

    ledger: LedgerStore
    snapshots: SnapshotStore
    blobs: BlobStore
    sealed: SealedFiles
    journal: Journal
    slow_us: int
    append_ns: Histogram = field(default_factory=lambda: Histogram(DISK_EDGES_NS))

    def performers(self, post: Callable[[Event], None], aside: RunAside) -> Performers:
        """Return the function that performs each effect; ``post`` gets the answers."""
        ledger, snapshots, blobs = self.ledger, self.snapshots, self.blobs

        def commit_snapshot(effect: CommitSnapshot) -> None:
            finish = snapshots.commit(_name(effect), effect.receipt)
            if finish is not None:
                aside(finish)

        performers: dict[type, Callable[..., None]] = {
            AppendLedger: self._append_entries,
            CommitLedger: lambda effect: ledger.commit(effect.seqno),
            TruncateLedger: lambda effect: ledger.truncate(effect.seqno),
            BeginLedger: lambda effect: ledger.begin(
                effect.after, recovered_to=effect.recovered_to
            ),
            RecoverLedger: lambda effect: ledger.recover(effect.after),
            OpenLedger: lambda _: ledger.complete_recovery(),
            ReadLedger: lambda effect: post(self._read_ledger(effect)),
            WriteSnapshot: lambda effect: snapshots.write(
                _name(effect), effect.data, is_first=effect.is_first
            ),
            CommitSnapshot: commit_snapshot,
            ReadSnapshot: lambda effect: post(snapshots.read(effect)),
            StoreBlob: blobs.store,
            ReadBlob: lambda effect: post(blobs.read(effect)),
            ForgetBlobs: blobs.forget,
            KeepSealedSecret: self.sealed.keep,
        }
        return cast("Performers", performers)

    def entries_for_peer(self, first: int, last: int) -> list[bytes] | None:
        """Return all entries of a range for another node; nothing if one is gone."""
        entries = self.ledger.read_all(first, last, bytes_max=PEER_FRAME_BYTES_MAX)
        if entries is None:
            self.journal.fail(
                f"Unable to send AppendEntries ({first - 1}, {last}]: "
                "Ledger read failed",
                file=_SOURCE,
            )
        return entries

    def close(self) -> None:
        """Flush and close all files."""
        self.ledger.close()
        self.snapshots.close()

    def _append_entries(self, effect: AppendLedger) -> None:
        began = _now_ns()
        self.ledger.append(effect)
        elapsed_ns = _now_ns() - began
        self.append_ns.observe(elapsed_ns)
        if elapsed_ns > self.slow_us * 1000:
            elapsed_us = elapsed_ns / 1000
            is_very_slow = elapsed_us > self.slow_us * VERY_SLOW
            self.journal.log(
                LogLevel.FAIL if is_very_slow else LogLevel.INFO,
                f"Operation took too long ({elapsed_us / 1000:.3f}ms): Writing "
                f"{len(effect.entries)} ledger entries from {effect.first_seqno}",
                file=_SOURCE,
            )

    def _read_ledger(self, effect: ReadLedger) -> LedgerRead:
        entries = self.ledger.read(effect.first, effect.last)
        if entries is None and effect.first > self.ledger.last_seqno:
            # A reader at the ledger's end comes here, and has lost nothing.
            self.journal.info(
                f"The ledger ends at {self.ledger.last_seqno}: no {effect.first} is "
                "there",
                file=_SOURCE,
            )
        elif entries is None:
            self.journal.fail(
                f"Cannot find ledger file for seqno {effect.first}", file=_SOURCE
            )
        return LedgerRead(
            request=effect.request,
            first=effect.first,
            last=effect.first + len(entries) - 1 if entries else effect.last,
            entries=None if entries is None else tuple(entries),
        )


def _name(effect: WriteSnapshot | CommitSnapshot) -> SnapshotName:
    return SnapshotName(seqno=effect.seqno, evidence=effect.evidence_seqno)
