"""The files for a recovering node: exactly what verifies, in folders of its own.

Files that are whole and committed are linked where possible. No file that was found is
changed.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from ccfpy.audit.chains import Chain
from ccfpy.audit.discovery import SnapshotFound
from ccfpy.audit.salvage import Salvaged
from ccfpy.audit.tail import Segment
from ccfpy.ledger.chunk import PRIVATE_MODE
from ccfpy.local.configuration import Remains


@dataclass(frozen=True, slots=True, kw_only=True)
class Folders:
    """The folders for the files.

    Attributes:
        ledger: files that are not committed, of which the node makes a copy.
        committed: committed files.
        snapshots: one snapshot, or none.
    """

    ledger: Path
    committed: Path
    snapshots: Path

    @classmethod
    def below(cls, folder: Path) -> "Folders":
        """Make the folders."""
        made = cls(
            ledger=folder / "ledger",
            committed=folder / "committed",
            snapshots=folder / "snapshots",
        )
        for path in (made.ledger, made.committed, made.snapshots):
            path.mkdir(mode=PRIVATE_MODE, parents=True)
        return made


def gather(chain: Chain, snapshot: SnapshotFound | None, folder: Path) -> Remains:
    """Gather the files that a service is restored from.

    Raises:
        OSError: a file cannot be read or written.
    """
    folders = Folders.below(folder)
    for segment in chain.segments:
        _put(segment, folders, is_last=segment is chain.segments[-1])
    if snapshot is not None:
        _link(snapshot.path, folders.snapshots / snapshot.path.name)
    identity = folder / "lost_cert.pem"
    identity.write_text(chain.service.pem)
    return Remains(
        identity=identity,
        ledger=folders.ledger,
        read_only=[folders.committed],
        snapshots=None if snapshot is None else folders.snapshots,
    )


def _put(segment: Segment, folders: Folders, *, is_last: bool) -> None:
    name, path = segment.chunk.name, segment.chunk.path
    target = folders.committed if name.is_committed else folders.ledger
    if segment.is_whole and (is_last or not name.is_open):
        put = _link if name.is_committed else shutil.copyfile
        put(path, target / str(name))
        return
    salvaged = Salvaged.of(name, path.read_bytes())
    part, data = salvaged.complete(segment.first, segment.last)
    if name.is_committed:
        part = part.committed()
    (target / str(part)).write_bytes(data)


def _link(path: Path, target: Path) -> None:
    try:
        os.link(path, target)
    except OSError:  # another disk, or somebody else's file
        shutil.copyfile(path, target)
