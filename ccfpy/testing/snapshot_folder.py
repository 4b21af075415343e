"""The committed snapshots of a simulated host: what a real one keeps in a folder."""

from ccfpy.base import limits
from ccfpy.boundary.effects import CommitSnapshot, ReadSnapshot, WriteSnapshot
from ccfpy.boundary.events import SnapshotRead
from ccfpy.ledger.snapshot_name import SnapshotName


class SnapshotFolder:
    """Files by name, final or not.

    Attributes:
        files: a test may add, damage and remove files.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def write(self, effect: WriteSnapshot) -> None:
        """Write a part of a file that is not final."""
        name = str(SnapshotName(seqno=effect.seqno, evidence=effect.evidence_seqno))
        assert effect.is_first is (name not in self.files), name
        self.files[name] = self.files.get(name, b"") + effect.data

    def commit(self, effect: CommitSnapshot) -> None:
        """Complete a file with its receipt, and give it its final name."""
        name = SnapshotName(seqno=effect.seqno, evidence=effect.evidence_seqno)
        data = self.files.pop(str(name)) + effect.receipt
        self.files[str(name.committed())] = data

    def committed(self) -> dict[str, bytes]:
        """Return the final files, oldest first."""
        named = sorted((SnapshotName.parse(name), name) for name in self.files)
        return {name: self.files[name] for parsed, name in named if parsed.is_committed}

    def read(self, effect: ReadSnapshot) -> SnapshotRead:
        """Answer a read as a host does."""
        final = self.committed()
        name = effect.name
        if name is None:
            name = next(reversed(final), None)
            if name is not None and SnapshotName.parse(name).seqno < effect.since:
                name = None
        data = None if name is None else final.get(name)
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
