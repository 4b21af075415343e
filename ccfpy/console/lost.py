"""What is left of a lost service: folders inspected while the console runs."""

import shlex
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ccfpy.audit.discovery import find, sizes
from ccfpy.audit.in_use import writers
from ccfpy.audit.inspection_report import (
    InspectionReport,
    inspect_with_members,
    report_of,
)
from ccfpy.audit.readers import local_readers
from ccfpy.base.errors import CcfpyError
from ccfpy.console.recovery_answers import LostView

LOOK_EACH_S = 5.0
BYTES_PER_MIB = 1 << 20
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
            stop.wait(LOOK_EACH_S)

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
            headline=headline(size, left, report, trouble),
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


def headline(
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
