"""A host with committed snapshots, answering reads as a real one does."""

from ccfpy.base import limits
from ccfpy.boundary.effects import (
    CommitSnapshot,
    Effect,
    Log,
    ReadSnapshot,
    WriteSnapshot,
)
from ccfpy.boundary.events import SnapshotRead
from ccfpy.ledger.snapshot import SnapshotName
from ccfpy.node.outbox import Outbox
from ccfpy.node.snapshot_reads import SnapshotReads


class HostSnapshots:
    """Files by name, and the trusted side's questions about them.

    Attributes:
        logs: what the trusted side said.
        others: effects that are not about snapshots.
    """

    def __init__(self, *files: tuple[str, bytes]) -> None:
        self.files = dict(files)
        self.outbox = Outbox()
        self.reads = SnapshotReads(self.outbox)
        self.logs: list[str] = []
        self.others: list[Effect] = []

    def perform(self) -> None:
        """Perform what is asked, and what follows from that, to the end."""
        while effects := self.outbox.take():
            for effect in effects:
                self._perform(effect)

    def read(self, effect: ReadSnapshot) -> SnapshotRead:
        """Answer a read."""
        name = effect.name
        if name is None:
            names = sorted(map(SnapshotName.parse, self.files))
            latest = [each for each in names if each.seqno >= effect.since]
            name = str(latest[-1]) if latest else None
        data = self.files.get(name or "")
        if data is None:
            return SnapshotRead(
                request=effect.request, name=None, size=0, start=effect.start, data=b""
            )
        stop = min(effect.stop, effect.start + limits.SNAPSHOT_READ_BYTES_MAX)
        return SnapshotRead(
            request=effect.request,
            name=name,
            size=len(data),
            start=effect.start,
            data=data[effect.start : stop],
        )

    def _perform(self, effect: Effect) -> None:
        match effect:
            case ReadSnapshot():
                self.reads.answered(self.read(effect))
            case WriteSnapshot():
                name = str(
                    SnapshotName(seqno=effect.seqno, evidence=effect.evidence_seqno)
                )
                before = b"" if effect.is_first else self.files[name]
                self.files[name] = before + effect.data
            case CommitSnapshot():
                parsed = SnapshotName(
                    seqno=effect.seqno, evidence=effect.evidence_seqno
                )
                data = self.files.pop(str(parsed)) + effect.receipt
                self.files[str(parsed.committed())] = data
            case Log():
                self.logs.append(effect.message)
            case _:
                self.others.append(effect)
