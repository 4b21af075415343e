"""A host with committed snapshots, and the trusted side's questions about them."""

from ccfpy.boundary.effects import (
    CommitSnapshot,
    Effect,
    ReadSnapshot,
    WriteLog,
    WriteSnapshot,
)
from ccfpy.boundary.events import SnapshotRead
from ccfpy.node.host_reads import SnapshotReads
from ccfpy.node.outbox import Outbox
from ccfpy.testing.surroundings import SnapshotFolder


class HostSnapshots:
    """Answers reads at once.

    Attributes:
        logs: what the trusted side said.
    """

    def __init__(self, *files: tuple[str, bytes]) -> None:
        self.folder = SnapshotFolder()
        self.folder.files.update(files)
        self.outbox = Outbox()
        self.reads = SnapshotReads(self.outbox)
        self.logs: list[str] = []

    @property
    def files(self) -> dict[str, bytes]:
        return self.folder.files

    def perform(self) -> None:
        """Perform what is asked, and what follows from that, to the end."""
        while effects := self.outbox.take():
            for effect in effects:
                self._perform(effect)

    def read(self, effect: ReadSnapshot) -> SnapshotRead:
        return self.folder.read(effect)

    def _perform(self, effect: Effect) -> None:
        match effect:
            case ReadSnapshot():
                self.reads.answered(self.folder.read(effect))
            case WriteSnapshot():
                self.folder.write(effect)
            case CommitSnapshot():
                self.folder.commit(effect)
            case WriteLog():
                self.logs.append(effect.message)
            case _:
                raise AssertionError(effect)
