"""Whatever may be left of services, found in folders and the folders in them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ccfpy.audit.chunks import ChunkPath
from ccfpy.audit.snapshots import service_of, state_of
from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.base.limits import PILE_FILES_MAX
from ccfpy.crypto.certs import Certificate
from ccfpy.ledger.audit import AuditState
from ccfpy.ledger.chunk import ChunkName
from ccfpy.ledger.snapshot import Snapshot
from ccfpy.ledger.snapshot_name import SnapshotName


class TooMany(CcfpyError):
    """More files than can be looked through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotFound:
    """A snapshot's file.

    Attributes:
        path: where it lies.
        name: what its name says.
        service: by whom it is vouched for, if it verifies.
        state: where an audit goes on after it, likewise.
        trouble: why it does not.
    """

    path: Path
    name: SnapshotName
    service: Certificate | None = None
    state: AuditState | None = None
    trouble: str | None = None

    @classmethod
    def read(cls, path: Path, name: SnapshotName) -> "SnapshotFound":
        """Read and verify it.

        Raises:
            OSError: it cannot be read.
        """
        data = path.read_bytes()
        try:
            snapshot = Snapshot.parse(data)
            service = service_of(snapshot)
            snapshot.verify(service)
            if snapshot.seqno != name.seqno:
                raise Malformed(f"it is of seqno {snapshot.seqno}")
            state = state_of(snapshot)
        except CcfpyError as error:
            return cls(path=path, name=name, trouble=str(error))
        return cls(path=path, name=name, service=service, state=state)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftovers:
    """What was found.

    Attributes:
        chunks: ledger files, but those of an unfinished recovery.
        snapshots: snapshots that are complete, the latest first.
        provisional: ledger files of an unfinished recovery, which its service never
            opened with.
    """

    chunks: Sequence[ChunkPath]
    snapshots: Sequence[SnapshotFound]
    provisional: Sequence[Path]


def find(folders: Iterable[Path]) -> Leftovers:
    """Look through folders.

    Raises:
        TooMany: there are more files than ``PILE_FILES_MAX``.
        OSError: a folder or a snapshot cannot be read.
    """
    chunks: list[ChunkPath] = []
    snapshots: list[SnapshotFound] = []
    provisional: list[Path] = []
    for path in _files(folders):
        chunk, snapshot = _names(path)
        if chunk is not None and chunk.is_recovery:
            provisional.append(path)
        elif chunk is not None:
            size = path.stat().st_size
            chunks.append(ChunkPath(name=chunk, path=path, size_bytes=size))
        elif snapshot is not None and snapshot.is_committed:
            snapshots.append(SnapshotFound.read(path, snapshot))
    return Leftovers(
        chunks=chunks,
        snapshots=sorted(snapshots, key=lambda each: each.name, reverse=True),
        provisional=provisional,
    )


def _names(path: Path) -> tuple[ChunkName | None, SnapshotName | None]:
    try:
        return ChunkName.parse(path.name), None
    except Malformed:
        pass
    try:
        return None, SnapshotName.parse(path.name)
    except Malformed:
        return None, None


def _files(folders: Iterable[Path]) -> Iterator[Path]:
    seen: set[Path] = set()
    for folder in folders:
        if not folder.is_dir():
            raise NotADirectoryError(20, "no folder", str(folder))
        for path in sorted(folder.resolve().rglob("*")):
            if path in seen or not path.is_file():
                continue
            seen.add(path)
            if len(seen) > PILE_FILES_MAX:
                raise TooMany(
                    f"more than {PILE_FILES_MAX} files in these folders: give those "
                    "alone that hold ledgers and snapshots"
                )
            yield path
