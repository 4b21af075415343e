"""The ledger directory: chunk files appended, completed, committed and read back.

Whatever a crash leaves, at any instant, readers find every whole entry in it, and
``open`` repairs it (`startup_recovery`). A file called ``.committed`` is never written
again.

A node that joins does not go on with what it finds: its ledger begins where the service
says (``begin``), and files of an earlier run beyond that are kept as far as they agree.

A thief of this directory gets what the host always sees: public tables in the clear,
private ones encrypted, all of it signed.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.base.histogram import Histogram
from ccfpy.base.ids import Seqno
from ccfpy.base.limits import LEDGER_READ_BYTES_MAX, LEDGER_RECENT_BYTES_MAX
from ccfpy.boundary.effects import AppendLedger
from ccfpy.boundary.metrics import DISK_EDGES_NS
from ccfpy.host.chunk_files import ChunkFiles, ChunkWriter, Provisional
from ccfpy.host.chunk_reader import ChunkReaders, Reporter, chunk_names
from ccfpy.host.disk import (
    REAL_DISK,
    Disk,
    make_directory,
    refuse_ledger,
    require_directory,
)
from ccfpy.host.startup_recovery import EarlierFiles, recover_ledger, sort_in
from ccfpy.ledger.chunk import ChunkName
from ccfpy.ledger.open_chunk import OpenChunk


class RecentEntries:
    """A window that ends at the ledger's last entry."""

    def __init__(self, *, bytes_max: int) -> None:
        self._entries: dict[Seqno, bytes] = {}
        self._bytes = 0
        self._bytes_max = bytes_max
        self._first: Seqno = 1
        self._next: Seqno = 1

    def begin(self, after: Seqno) -> None:
        """Forget all; the next entry is the one after ``after``."""
        self._entries.clear()
        self._bytes = 0
        self._first = self._next = after + 1

    def append(self, entry: bytes) -> None:
        """Keep an entry, and let go of the oldest that do not fit beside it."""
        self.extend((entry,))

    def extend(self, entries: Iterable[bytes]) -> None:
        """Keep some entries, and drop the oldest that do not fit beside them."""
        kept, seqno, size = self._entries, self._next, self._bytes
        for entry in entries:
            kept[seqno] = entry
            seqno += 1
            size += len(entry)
        self._next, self._bytes = seqno, size
        while self._bytes > self._bytes_max:
            self._bytes -= len(self._entries.pop(self._first))
            self._first += 1

    def truncate(self, last: Seqno) -> None:
        """Forget the entries after ``last``."""
        if last + 1 < self._first:
            self.begin(last)
        while self._next > last + 1:
            self._next -= 1
            self._bytes -= len(self._entries.pop(self._next))

    def read(self, first: Seqno, last: Seqno, bytes_max: int) -> list[bytes] | None:
        """Return at least one entry, and at most ``bytes_max`` bytes of entries.

        Returns nothing unless all of these are here.
        """
        if not self._first <= first <= last < self._next:
            return None
        entries: list[bytes] = []
        size = 0
        for seqno in range(first, last + 1):
            entry = self._entries[seqno]
            size += len(entry)
            if entries and size > bytes_max:
                break
            entries.append(entry)
        return entries


_SOURCE = "ledger"


class LedgerStoreFailed(CcfpyError):
    """The ledger directory could not be written, or does not fit the request."""


class LedgerStore:
    """One node's ledger files.

    Attributes:
        last_seqno: the last entry written.
        committed_seqno: no entry up to here can be truncated.
        sync_ns: how long the disk took to confirm signatures.
    """

    def __init__(
        self,
        directory: Path,
        *,
        report: Reporter,
        read_only_directories: Sequence[Path] = (),
        sync_committable: bool = False,
        disk: Disk = REAL_DISK,
        recent_bytes_max: int = LEDGER_RECENT_BYTES_MAX,
    ) -> None:
        self._directory = directory
        self._read_only = tuple(read_only_directories)
        self._report = report
        self._disk = disk
        self._readers = ChunkReaders(
            [directory, *self._read_only], disk=self._disk, report=report
        )
        self.sync_ns = Histogram(DISK_EDGES_NS)
        self._files = ChunkFiles(
            directory,
            disk=self._disk,
            readers=self._readers,
            report=report,
            must_sync=sync_committable,
            sync_ns=self.sync_ns,
        )
        self._recent = RecentEntries(bytes_max=recent_bytes_max)
        self._complete: list[ChunkName] = []
        self._provisional = Provisional(self._files)
        self._earlier = EarlierFiles(self._remove_earlier)
        self._writer: ChunkWriter | None = None
        self.last_seqno: Seqno = 0
        self.committed_seqno: Seqno = 0

    def create(self) -> None:
        """Make the directory for a new service.

        Raises:
            ConfigurationRefused: there is a ledger already, in CCF's words.
        """
        refuse_ledger(self._disk, self._directory)
        make_directory(self._disk, self._directory, key="ledger.directory")

    def prepare(self) -> None:
        """Make the directory for a node that joins: ``begin`` must follow.

        Raises:
            ConfigurationRefused: a directory cannot be made, or read-only, is none.
        """
        make_directory(self._disk, self._directory, key="ledger.directory")
        for directory in self._read_only:
            key = "ledger.read_only_directories"
            require_directory(self._disk, directory, "ledger", key=key)

    def open(self) -> None:
        """Open and repair the existing ledger, however its last writer ended.

        Files that are not chunks, or damaged and not committed, are set aside with the
        suffix ``.ignored``; torn bytes after the last whole entry are cut off.

        Raises:
            ConfigurationRefused: a read-only directory is none.
            LedgerStoreFailed: files cannot be read or put right.
        """
        self.prepare()
        with self._failing("cannot take up the ledger"):
            taken = recover_ledger(
                self._files,
                found=chunk_names(self._disk, self._directory),
                read_only=[
                    name
                    for directory in self._read_only
                    for name in chunk_names(self._disk, directory)
                ],
                report=self._report,
            )
        self.last_seqno = taken.last_seqno
        self.committed_seqno = taken.committed_seqno
        self._complete, self._writer = taken.complete, taken.writer
        self._recent.begin(self.last_seqno)
        self._report.info(
            f"Recovered ledger entries up to {self.last_seqno}, "
            f"committed to {self.committed_seqno}",
            file=_SOURCE,
        )

    def begin(self, after: Seqno, *, recovered_to: Seqno | None = None) -> None:
        """Continue the ledger after ``after``, up to which all is committed.

        Chunks that begin after ``recovered_to``, if it is said, are provisional.

        Files of an earlier run that begin later are kept for comparison. Files that
        begin earlier stay if they are committed. Uncommitted earlier files are set
        aside, because nobody knows whether they hold what the service agreed on.

        Raises:
            LedgerStoreFailed: files cannot be renamed.
        """
        with self._failing("cannot begin the ledger"):
            self._close_writer()
            self._readers.close()
            self._complete.clear()
            self._earlier.clear()
            found = chunk_names(self._disk, self._directory)
            for name in sorted(found, key=lambda chunk: chunk.is_committed):
                within = sort_in(name, after, earlier=self._earlier, files=self._files)
                if within is not None:
                    self._go_on_within(within, after)
        self.last_seqno = self.committed_seqno = after
        self._recent.begin(after)
        self._provisional.begin(recovered_to)
        self._report.info(f"Set last known/commit seqno to {after}", file=_SOURCE)

    def recover(self, after: Seqno) -> None:
        """Continue a recovered service's ledger after ``after``.

        What follows it is forgotten. Chunks that begin later are provisional until
        ``complete_recovery``.

        Raises:
            LedgerStoreFailed: entries after it are committed, or files cannot be cut.
        """
        if after < self.committed_seqno:
            raise LedgerStoreFailed(
                f"the ledger can be recovered to {after} only, but files are committed "
                f"to {self.committed_seqno}: restore what is damaged or missing, or "
                f"move the files that end after {after} away"
            )
        if after > self.last_seqno:
            self.begin(after)
        else:
            self.truncate(after)
        self._provisional.begin(after)

    def complete_recovery(self) -> None:
        """Rename the chunks of a recovery to their ordinary names.

        Raises:
            LedgerStoreFailed: a file cannot be renamed.
        """
        with self._failing("cannot complete the recovery of the ledger"):
            self._complete = self._provisional.keep(self._complete)
            if self._writer is not None:
                self._writer.keep()

    def append(self, effect: AppendLedger) -> None:
        """Append entries, cutting chunks where the effect says.

        If there is a signature among them, they have reached the operating system when
        this returns, and the disk if the store was asked to sync.

        Raises:
            LedgerStoreFailed: they do not follow the last entry, or cannot be written.
        """
        if effect.first_seqno != self.last_seqno + 1:
            raise LedgerStoreFailed(
                f"expected ledger entry {self.last_seqno + 1}, was given "
                f"{effect.first_seqno}"
            )
        try:
            if effect.begins_chunk and self._writer is not None:
                self._complete_chunk()
            if not self._append_at_once(effect.entries):
                self._append_each(effect.entries)
            if effect.ends_chunk and self._writer is not None:
                self._complete_chunk()
            elif effect.has_signature and self._writer is not None:
                self._writer.settle()
        except OSError as error:
            raise self._failure("cannot write the ledger", error) from error

    def flush(self) -> None:
        """Hand everything written so far to the operating system."""
        if self._writer is not None:
            self._writer.flush()

    def commit(self, seqno: Seqno) -> None:
        """Note that entries up to ``seqno`` are final; name the chunks they complete.

        Raises:
            LedgerStoreFailed: they are not written yet, or a file cannot be renamed.
        """
        if seqno > self.last_seqno:
            raise LedgerStoreFailed(
                f"commit of ledger entry {seqno}, but {self.last_seqno} is the last"
            )
        self.committed_seqno = max(self.committed_seqno, seqno)
        with self._failing("cannot commit the ledger"):
            while (
                self._complete and (self._complete[0].last or 0) <= self.committed_seqno
            ):
                name = self._complete[0]
                self._files.rename(name, name.committed())
                self._complete.pop(0)
                self._provisional.commit(name.committed())

    def truncate(self, seqno: Seqno) -> None:
        """Forget the entries after ``seqno``.

        Raises:
            LedgerStoreFailed: some of them are committed, or files cannot be cut.
        """
        if seqno < self.committed_seqno:
            raise LedgerStoreFailed(
                f"truncation after {seqno}, but {self.committed_seqno} is committed"
            )
        if seqno >= self.last_seqno:
            return
        with self._failing("cannot truncate the ledger"):
            self._truncate(seqno)

    def read(
        self, first: Seqno, last: Seqno, *, bytes_max: int = LEDGER_READ_BYTES_MAX
    ) -> list[bytes] | None:
        """Return entries from ``first`` on, as many up to ``last`` as the bound allows.

        At least one is given however large it is; nothing when the host has none, or
        cannot open the files that hold them.
        """
        last = min(last, self.last_seqno)
        if not 0 < first <= last:
            return None
        recent = self._recent.read(first, last, bytes_max)
        if recent is not None:
            return recent
        try:
            return self._read(first, last, bytes_max)
        except OSError as error:
            self._report.fail(
                f"Failed to read entry range {first} - {last}: {error}", file=_SOURCE
            )
            return None

    def read_all(
        self, first: Seqno, last: Seqno, *, bytes_max: int
    ) -> list[bytes] | None:
        """Return the entries from ``first`` to ``last``: all of them, or nothing."""
        entries = self.read(first, last, bytes_max=bytes_max)
        if entries is None or len(entries) != last - first + 1:
            return None
        return entries

    def close(self) -> None:
        """Flush and close all files; one that cannot be flushed is reported."""
        try:
            self._close_writer()
        except OSError as error:
            self._report.fail(f"Failed to flush ledger file: {error}", file=_SOURCE)
        self._readers.close()

    @contextmanager
    def _failing(self, what: str) -> Iterator[None]:
        """Turn the disk's failures into one sentence, which stops the node."""
        try:
            yield
        except OSError as error:
            raise self._failure(what, error) from error

    def _failure(self, what: str, error: OSError) -> LedgerStoreFailed:
        reason = (error.strerror or str(error)).lower()
        return LedgerStoreFailed(f"{what} in {self._directory}: {reason}")

    def _append_each(self, entries: Sequence[bytes]) -> None:
        for entry in entries:
            writer = self._writer
            if writer is None:
                writer = self._begin_chunk()
            if not writer.chunk.has_room_for(len(entry)):
                raise LedgerStoreFailed(f"ledger chunk {writer.name} is full")
            writer.append(entry)
            self._recent.append(entry)
            self.last_seqno += 1
            if writer.has_diverged:
                self._note_divergence(writer)
            elif self.last_seqno != writer.chunk.name.first:
                self._earlier.passed(self.last_seqno)

    def _append_at_once(self, entries: Sequence[bytes]) -> bool:
        """Append entries by one write; return whether that can be done, and thus was.

        Nearly always an open chunk has room for them, and no earlier file is there.
        """
        writer = self._writer
        if writer is None or len(self._earlier) or not writer.append_all(entries):
            return False
        self._recent.extend(entries)
        self.last_seqno += len(entries)
        return True

    def _begin_chunk(self) -> ChunkWriter:
        first = self.last_seqno + 1
        is_recovery = self._provisional.has(first)
        if is_recovery:
            self._earlier.drop()
        name = self._earlier.take(first)
        if name is None:
            writer = self._files.create(OpenChunk(first, is_recovery=is_recovery))
        else:
            writer = self._files.compare(name)
        self._writer = writer
        return writer

    def _complete_chunk(self) -> None:
        writer = self._writer
        assert writer is not None, "only an open chunk is completed"
        if not len(writer.chunk):
            return
        self._complete.append(self._files.complete(writer))
        self._writer = None
        if writer.has_diverged:
            self._note_divergence(writer)

    def _note_divergence(self, writer: ChunkWriter) -> None:
        """Drop what followed an entry that differs from the entry that came."""
        writer.has_diverged = False
        self._report.info(
            f"Found divergent ledger entry at {self.last_seqno}", file=_SOURCE
        )
        self._earlier.drop()

    def _remove_earlier(self, name: ChunkName) -> None:
        self._files.remove(name)
        self._report.info(
            f"Forcing removal of ledger file {name} as it does not agree with the "
            f"service's entries up to {self.last_seqno}",
            file=_SOURCE,
        )

    def _go_on_within(self, name: ChunkName, after: Seqno) -> None:
        """Go on in the middle of what was a committed file."""
        try:
            self._writer = self._files.compare(name, after=after)
        except Malformed as error:
            self._files.ignore(name, str(error))

    def _truncate(self, seqno: Seqno) -> None:
        self._recent.truncate(seqno)
        self._earlier.drop()
        writer = self._writer
        if writer is not None:
            if writer.chunk.name.first > seqno:
                self._writer = None
                writer.remove()
            else:
                writer.truncate(seqno)
        while self._complete and (self._complete[-1].last or 0) > seqno:
            name = self._complete.pop()
            if name.first > seqno:
                self._files.remove(name)
            else:
                self._reopen(name, seqno)
        self.last_seqno = seqno

    def _reopen(self, name: ChunkName, seqno: Seqno) -> None:
        """Make a complete chunk open again, up to ``seqno``."""
        parsed = self._files.parse(name)
        open_name = ChunkName(first=name.first, is_recovery=name.is_recovery)
        self._files.rename(name, open_name)
        chunk = OpenChunk.reopen(open_name, parsed.positions, parsed.end)
        chunk.truncate(seqno)
        self._writer = self._files.go_on(chunk)

    def _close_writer(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()

    def _read(self, first: Seqno, last: Seqno, bytes_max: int) -> list[bytes] | None:
        entries: list[bytes] = []
        size, seqno = 0, first
        while seqno <= last:
            found = self._read_chunk(seqno, last, bytes_max - size)
            if not found:
                break
            entries += found
            size += sum(map(len, found))
            seqno += len(found)
            if size >= bytes_max:
                break
        return entries or None

    def _read_chunk(self, seqno: Seqno, last: Seqno, bytes_max: int) -> list[bytes]:
        writer = self._writer
        if writer is not None and seqno >= writer.chunk.name.first:
            return writer.read(seqno, last, bytes_max)
        return self._readers.read(seqno, last, bytes_max)
