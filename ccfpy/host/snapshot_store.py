"""The snapshot directories: snapshots written in pieces, made final, and read back.

A snapshot grows under a name that says it is not final yet. Once its evidence is
committed the receipt follows, the disk confirms the whole, and the name says so; that
file never changes again. What an earlier run left unfinished is worth nothing: its
receipt was never written.

Names of files to write are made of numbers. A name to read must be that of a committed
snapshot, so that no path can be smuggled in by it.

A snapshot that cannot be written costs nobody anything but time: it is reported and
dropped, and the node goes on.
"""

import contextlib
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from ccfpy.base.errors import Malformed
from ccfpy.base.histogram import Histogram
from ccfpy.base.limits import SNAPSHOT_READ_BYTES_MAX, SNAPSHOTS_PENDING_MAX
from ccfpy.boundary.effects import ReadSnapshot
from ccfpy.boundary.events import SnapshotRead
from ccfpy.boundary.metrics import DISK_EDGES_NS
from ccfpy.host.chunk_reader import Reporter
from ccfpy.host.disk import REAL_DISK, Disk, DiskFile, make_directory, require_directory
from ccfpy.ledger.snapshot import SnapshotName

_SOURCE = "snapshots"
_now_ns = time.perf_counter_ns


class _Found(NamedTuple):
    name: SnapshotName
    path: Path


@dataclass(eq=False)
class SnapshotStore:
    """One node's snapshots.

    Attributes:
        report: told what the disk could not do.
        read_only_directory: where snapshots of other nodes may lie.
        sync_ns: how long the disk took to confirm final snapshots. One thread at a time
            makes a snapshot final.
    """

    directory: Path
    report: Reporter
    read_only_directory: Path | None = None
    disk: Disk = REAL_DISK
    sync_ns: Histogram = field(default_factory=lambda: Histogram(DISK_EDGES_NS))

    def __post_init__(self) -> None:
        self._pending: OrderedDict[SnapshotName, DiskFile] = OrderedDict()
        self._ignored: set[Path] = set()

    def prepare(self) -> None:
        """Make the directory.

        Raises:
            ConfigurationRefused: it cannot be made, or the read-only one is none.
        """
        make_directory(self.disk, self.directory, key="snapshots.directory")
        if self.read_only_directory is not None:
            key = "snapshots.read_only_directory"
            require_directory(self.disk, self.read_only_directory, "snapshot", key=key)

    def write(self, name: SnapshotName, data: bytes, *, is_first: bool) -> None:
        """Write a piece of a snapshot that is not final yet."""
        if is_first:
            self._begin(name)
        file = self._pending.get(name)
        if file is None:
            return  # it could not be begun, which was said then
        try:
            file.append(data)
        except OSError as error:
            self._give_up(name, file, error)

    def commit(self, name: SnapshotName, receipt: bytes) -> Callable[[], None] | None:
        """Append the receipt; give what makes the snapshot final.

        That waits for the disk and may run in another thread. It touches nothing that
        this object goes on with, and reports for itself.
        """
        file = self._pending.pop(name, None)
        if file is None:
            self.report.fail(
                f"Could not find snapshot to commit at {name.seqno}", file=_SOURCE
            )
            return None
        try:
            file.append(receipt)
            size = file.size()
            file.flush()
        except OSError as error:
            self._give_up(name, file, error)
            return None
        self.report.info(
            f"New snapshot file written to {name} [{size} bytes] (unsynced)",
            file=_SOURCE,
        )
        return lambda: self._finish(name, file)

    def read(self, wanted: ReadSnapshot) -> SnapshotRead:
        """Return bytes of a committed snapshot, or that there is none."""
        found = self._find(wanted)
        if found is not None:
            try:
                return self._read(found, wanted)
            except OSError as error:
                self.report.fail(
                    f"Cannot read snapshot {found.name}: {error.strerror}", file=_SOURCE
                )
        return SnapshotRead(
            request=wanted.request, name=None, size=0, start=wanted.start, data=b""
        )

    def close(self) -> None:
        """Drop snapshots that will not become final."""
        while self._pending:
            self._drop(*self._pending.popitem())

    def _begin(self, name: SnapshotName) -> None:
        earlier = self._pending.pop(name, None)
        if earlier is not None:
            self._drop(name, earlier)
        path = self.directory / str(name)
        try:
            there = self.disk.names(self.directory)
            if str(name.committed()) in there:
                self.report.fail(
                    f"Cannot write snapshot as file already exists: {name.committed()}",
                    file=_SOURCE,
                )
                return
            if str(name) in there:
                self.disk.remove(path)  # an earlier run did not finish it
            self._pending[name] = self.disk.create(path)
        except OSError as error:
            self._cannot_write(name, error)
        if len(self._pending) > SNAPSHOTS_PENDING_MAX:
            self._drop(*self._pending.popitem(last=False))

    def _finish(self, name: SnapshotName, file: DiskFile) -> None:
        began = _now_ns()
        try:
            file.sync()
            file.close()
            path = self.directory / str(name)
            self.disk.rename(path, self.directory / str(name.committed()))
            self.disk.sync_directory(self.directory)
        except OSError as error:
            self._cannot_write(name, error)
            return
        self.sync_ns.observe(_now_ns() - began)
        self.report.info(
            f"Renamed temporary snapshot {name} to {name.committed()}", file=_SOURCE
        )

    def _cannot_write(self, name: SnapshotName, error: OSError) -> None:
        reason = (error.strerror or str(error)).lower()
        self.report.fail(f"Cannot write snapshot {name}: {reason}", file=_SOURCE)

    def _give_up(self, name: SnapshotName, file: DiskFile, error: OSError) -> None:
        self._pending.pop(name, None)
        self._cannot_write(name, error)
        self._drop(name, file)

    def _drop(self, name: SnapshotName, file: DiskFile) -> None:
        """Remove a file that will not become final; a disk that fails may keep it."""
        with contextlib.suppress(OSError):  # of bytes that nobody wants any more
            file.close()
        try:
            self.disk.remove(self.directory / str(name))
        except OSError as error:
            self._cannot_write(name, error)

    def _find(self, wanted: ReadSnapshot) -> _Found | None:
        if wanted.name is None:
            latest = self._latest()
            return latest if latest and latest.name.seqno >= wanted.since else None
        try:
            name = SnapshotName.parse(wanted.name)
        except Malformed:
            return None
        if not name.is_committed:
            return None
        for directory in self._directories():
            try:
                if str(name) in self.disk.names(directory):
                    return _Found(name, directory / str(name))
            except OSError:
                continue  # it may be unmounted just now
        return None

    def _latest(self) -> _Found | None:
        """Find the newest committed snapshot; the directory of one's own goes first."""
        latest: _Found | None = None
        for directory in self._directories():
            for found in self._committed(directory):
                if latest is None or found.name.seqno > latest.name.seqno:
                    latest = found
        return latest

    def _committed(self, directory: Path) -> Sequence[_Found]:
        found: list[_Found] = []
        try:
            names = self.disk.names(directory)
        except OSError:
            return found
        for text in names:
            path = directory / text
            try:
                name = SnapshotName.parse(text)
            except Malformed:
                self._ignore(path, "non-snapshot")
                continue
            if not name.is_committed:
                if name not in self._pending:
                    self._ignore(path, "non-committed snapshot")
            elif not self._size(path):
                self._ignore(path, "empty snapshot")
            else:
                found.append(_Found(name, path))
        return found

    def _size(self, path: Path) -> int:
        try:
            with contextlib.closing(self.disk.open(path)) as file:
                return file.size()
        except OSError:
            return 0

    def _ignore(self, path: Path, what: str) -> None:
        """Log once which file is ignored."""
        if path not in self._ignored and len(self._ignored) < _IGNORED_NAMED_MAX:
            self._ignored.add(path)
            self.report.info(f"Ignoring {what} file {path.name}", file=_SOURCE)

    def _read(self, found: _Found, wanted: ReadSnapshot) -> SnapshotRead:
        with contextlib.closing(self.disk.open(found.path)) as file:
            size = file.size()
            start = min(wanted.start, size)
            stop = min(wanted.stop, size, start + SNAPSHOT_READ_BYTES_MAX)
            data = file.read_at(start, stop - start) if stop > start else b""
        return SnapshotRead(
            request=wanted.request,
            name=str(found.name),
            size=size,
            start=wanted.start,
            data=data,
        )

    def _directories(self) -> tuple[Path, ...]:
        if self.read_only_directory is None:
            return (self.directory,)
        return (self.directory, self.read_only_directory)


_IGNORED_NAMED_MAX = 1000
"""Files whose being ignored is said; beyond it the log says no more of that."""
