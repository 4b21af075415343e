"""Folders of ledgers, read while the console runs, on a thread of their own.

The ledger of a service is verified and indexed as it grows. The folders of a lost
service are inspected for what can be restored.
"""

import shlex
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from sqlite3 import Error as SqlError

from ccfpy.audit.auditor import ChunkChecked
from ccfpy.audit.chunks import ChunkPath, find_chunks
from ccfpy.audit.discovery import find, sizes
from ccfpy.audit.in_use import writers
from ccfpy.audit.indexing import Indexing, IndexWriter
from ccfpy.audit.inspection_report import (
    InspectionReport,
    inspect_with_members,
    report_of,
)
from ccfpy.audit.ledger_index import LedgerIndex
from ccfpy.audit.readers import Readers, local_readers
from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.console.explorer import Explorer
from ccfpy.console.ledger_answers import LedgerView, LostView
from ccfpy.crypto.hashing import sha256, sha256_hex

LOOK_EACH_S = 0.5
BYTES_PER_MIB = 1 << 20
NAME_CHARACTERS = 32


def database_name(folders: Sequence[Path]) -> str:
    """Return the name of the index of a ledger, by where its files lie."""
    places = "\n".join(str(folder.resolve()) for folder in folders)
    return f"{sha256_hex(places.encode())[:NAME_CHARACTERS]}.db"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """A ledger in folders of this machine.

    Attributes:
        folders: where its files lie.
        database: the file of its index, which is made.
        service: the SHA-256 digest, in hex, of the certificate of the service that the
            ledger should be of, if that is known.
        processes: how many read chunks.
    """

    folders: Sequence[Path]
    database: Path
    service: str | None
    processes: int

    def explorer(self) -> Explorer:
        """Return who answers pages; they may ask before a file was read.

        Raises:
            Malformed: what lies in the index's place is something else.
        """
        try:
            IndexWriter(self.database).close()
        except Malformed as error:
            raise Malformed(f"{error}; once you remove it, it is made anew") from error
        return Explorer(self.database)

    def follow(
        self, publish: Callable[[LedgerView], None], stop: threading.Event
    ) -> None:
        """Verify and index what the folders hold, again whenever that changes.

        Args:
            publish: told what is known, whenever that changes.
            stop: set when nobody wants to know more.
        """
        seen: set[tuple[str, int, int]] = set()
        is_first = True
        with local_readers(self.processes) as readers:
            while not stop.is_set():
                try:
                    chunks = find_chunks(self.folders)
                    found = {_stamp(each): each for each in chunks}
                    if is_first or found.keys() != seen:
                        new = [found[stamp] for stamp in found.keys() - seen]
                        self._index(chunks, new, readers, publish, stop)
                        seen, is_first = set(found), False
                except (OSError, CcfpyError, SqlError) as error:
                    publish(self._trouble(error))
                stop.wait(LOOK_EACH_S)

    def _index(
        self,
        chunks: Sequence[ChunkPath],
        new: Sequence[ChunkPath],
        readers: Readers,
        publish: Callable[[LedgerView], None],
        stop: threading.Event,
    ) -> None:
        sizes = {str(chunk.name): chunk.size_bytes for chunk in chunks}
        with IndexWriter(self.database) as index:
            if not _is_of(index, chunks, new):
                index.clear()
            indexing = Indexing(chunks, readers, index)
            left = indexing.bytes_to_read
            publish(replace(self._view(chunks), bytes_left=left))
            for finding in indexing.findings():
                if stop.is_set():
                    return
                if isinstance(finding, ChunkChecked):
                    left -= sizes[finding.file]
                    publish(replace(self._view(chunks), bytes_left=left))
        publish(self._view(chunks))

    def _view(self, chunks: Sequence[ChunkPath]) -> LedgerView:
        """Return what the index says now."""
        with LedgerIndex(self.database) as index:
            services = index.services()
            return LedgerView(
                folders=tuple(map(str, self.folders)),
                files=len(chunks),
                bytes_all=sum(chunk.size_bytes for chunk in chunks),
                last_seqno=index.last_seqno,
                last_verified=index.last_verified,
                service=services[-1] if services else None,
                is_another_service=bool(
                    self.service and services and services[-1] != self.service
                ),
                damage=tuple(index.damage()),
                maps=tuple(index.maps()),
            )

    def _trouble(self, error: Exception) -> LedgerView:
        """Return what is known while neither files nor index can be relied on."""
        folders = tuple(map(str, self.folders))
        return LedgerView(folders=folders, trouble=str(error))


def _is_of(
    index: LedgerIndex, chunks: Sequence[ChunkPath], new: Sequence[ChunkPath]
) -> bool:
    """Return whether an index is of these files, and not of others in their place.

    A file that was verified may be changed afterwards, or taken away. Then what the
    index says of it is out of date, and all is read anew.

    Args:
        index: the index.
        chunks: the ledger's files.
        new: those that may have changed since they were looked at.
    """
    known = index.final_chunks()
    names = {str(chunk.name) for chunk in chunks}
    last = chunks[-1].name.first if chunks else 0
    # Whether a ledger has become shorter, the index's checkpoint knows.
    if any(file not in names and first < last for first, file, _ in known):
        return False
    digests = {file: digest for _, file, digest in known}
    return all(
        sha256(chunk.path.read_bytes()) == digests.get(str(chunk.name))
        for chunk in new
        if str(chunk.name) in digests
    )


def _stamp(chunk: ChunkPath) -> tuple[str, int, int]:
    """Return what differs once a file was written to: name, size and time."""
    return str(chunk.name), chunk.size_bytes, chunk.path.stat().st_mtime_ns


def headline(view: LedgerView) -> str:
    """Return an auditor's first answer: up to where does the ledger verify?"""
    if view.trouble:
        return f"the ledger could not be read: {view.trouble}"
    if view.damage:
        first = view.damage[0]
        place = f"{first.file} at byte {first.position:,}"
        if first.seqno is not None:
            place = f"transaction {first.seqno:,}, {place}"
        return f"damaged: {place}: {first.reason}. Nothing after it is vouched for"
    if view.bytes_left:
        done = (view.bytes_all - view.bytes_left) // BYTES_PER_MIB
        return (
            f"reading: {done:,} of {view.bytes_all // BYTES_PER_MIB:,} MiB, "
            "nothing wrong so far"
        )
    if not view.last_seqno:
        return "there is no ledger in these folders"
    said = f"{view.last_verified:,} transactions verified"
    after = view.last_seqno - view.last_verified
    if after:
        said += f", {after:,} after the last signature"
    if view.is_another_service:
        said += ", of another service than the one that this console trusts"
    return said


INSPECT_EACH_S = 5.0
DIGEST_CHARACTERS = 16
"""Of a service's digest in a command: enough to tell services apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """Folders with what is left of services.

    Attributes:
        folders: where ledgers and snapshots lie, in any order.
        processes: how many read chunks.
    """

    folders: Sequence[Path]
    processes: int

    def follow(
        self, publish: Callable[[LostView], None], stop: threading.Event
    ) -> None:
        """Inspect the folders, again whenever what they hold changes.

        Args:
            publish: told what is known, whenever that changes.
            stop: set when nobody wants to know more.
        """
        seen: Sequence[tuple[Path, int]] | None = None
        while not stop.is_set():
            try:
                there = sizes(self.folders)
                if there != seen:
                    self._inspect(publish)
                    seen = there
            except (OSError, CcfpyError) as error:
                publish(self._view(0, 0, trouble=str(error)))
            stop.wait(INSPECT_EACH_S)

    def _inspect(self, publish: Callable[[LostView], None]) -> None:
        found = find(self.folders)
        left = size = sum(chunk.size_bytes for chunk in found.chunks)

        def read(count: int) -> None:
            nonlocal left
            left = max(0, left - count)
            publish(self._view(size, left))

        publish(self._view(size, left))
        with local_readers(self.processes) as readers:
            inspected, members = inspect_with_members(found, readers, on_read=read)
        publish(self._view(size, 0, report=report_of(inspected, members)))

    def _view(
        self,
        size: int,
        left: int,
        *,
        report: InspectionReport | None = None,
        trouble: str = "",
    ) -> LostView:
        return LostView(
            headline=lost_headline(size, left, report, trouble),
            folders=tuple(map(str, self.folders)),
            bytes_all=size,
            bytes_left=left,
            report=report,
            commands=() if report is None else tuple(self._commands(report)),
            trouble=trouble or self._in_use(),
        )

    def _commands(self, report: InspectionReport) -> list[str]:
        """Return what an operator types next, for each service."""
        folders = shlex.join(map(str, self.folders))
        return [
            f"ccfpy recover {folders} --service {service.service[:DIGEST_CHARACTERS]} "
            "--app APP"
            for service in report.services
            if service.can_begin
        ]

    def _in_use(self) -> str:
        for folder in self.folders:
            for process in writers(folder):
                return (
                    f"process {process} writes below {folder}: if that is a node of "
                    "the service, it is not lost"
                )
        return ""


def lost_headline(
    size: int, left: int, report: InspectionReport | None, trouble: str
) -> str:
    """Return an operator's first answer: what can be restored?"""
    if report is None:
        if trouble:
            return f"the folders could not be read: {trouble}"
        done, whole = (size - left) // BYTES_PER_MIB, -(-size // BYTES_PER_MIB)
        return f"reading: {done:,} of {whole:,} MiB"
    restorable = [service for service in report.services if service.can_begin]
    if not restorable:
        return "nothing can be restored from these files"
    if not report.is_whole:
        return "more is lost, or may be lost, than what nobody had signed"
    if len(restorable) > 1:
        return (
            f"everything that was signed can be restored, of {len(restorable)} services"
        )
    return "everything that was signed can be restored"
