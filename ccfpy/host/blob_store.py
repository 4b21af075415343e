"""Files that only this run of the enclave can read: parts of its indexes.

They are in ``.index`` in the node's working directory, as CCF's are, and of no use to
any later run: whatever an earlier one left is removed when the node starts. Losing one
is no failure of the node, which makes it anew; so what the disk cannot do is logged.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from ccfpy.boundary.effects import ForgetBlobs, ReadBlob, StoreBlob
from ccfpy.boundary.events import BlobRead
from ccfpy.host.chunk_reader import Reporter
from ccfpy.host.disk import REAL_DISK, Disk, read_file, write_file

DIRECTORY = Path(".index")
_SOURCE = "blob_store"
_NAME = re.compile(r"[0-9]+\.[0-9a-f]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobStore:
    """The blobs of one node.

    Attributes:
        directory: where they are; made with the first of them.
        report: told what the disk could not do.
        disk: the disk.
    """

    directory: Path = DIRECTORY
    report: Reporter
    disk: Disk = REAL_DISK

    def clear(self) -> None:
        """Remove what an earlier run left; other files stay."""
        self._remove("")

    def store(self, effect: StoreBlob) -> None:
        """Write a blob, in place of one of that name."""
        path = self._path(effect.series, effect.name)
        try:
            self.disk.make_directory(self.directory)
            write_file(self.disk, path, effect.data)
        except OSError as error:
            self.report.fail(f"Cannot write {path}: {error.strerror}", file=_SOURCE)

    def read(self, effect: ReadBlob) -> BlobRead:
        """Return a blob, if it is there."""
        path = self._path(effect.series, effect.name)
        try:
            data = read_file(self.disk, path)
        except FileNotFoundError:
            data = None
        except OSError as error:
            self.report.fail(f"Cannot read {path}: {error.strerror}", file=_SOURCE)
            data = None
        return BlobRead(request=effect.request, data=data)

    def forget(self, effect: ForgetBlobs) -> None:
        """Remove all blobs of a series."""
        self._remove(f"{effect.series}.")

    def _path(self, series: int, name: str) -> Path:
        return self.directory / f"{series}.{name}"

    def _remove(self, prefix: str) -> None:
        try:
            if not self.disk.is_directory(self.directory):
                return
            for name in self.disk.names(self.directory):
                if name.startswith(prefix) and _NAME.fullmatch(name):
                    self.disk.remove(self.directory / name)
        except OSError as error:
            self.report.fail(
                f"Cannot clear {self.directory}: {error.strerror}", file=_SOURCE
            )
