"""Sends the reports of traced requests to a collector, on a thread of its own.

A collector that is slow or gone costs the node nothing: reports wait up to a bound, and
what comes beyond it is dropped and counted.
"""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from queue import Empty, Full, Queue
from threading import Thread
from typing import Protocol

from ccfpy.base import limits
from ccfpy.boundary.effects import ReportTrace
from ccfpy.host.spans import Span, spans_of

NO_COUNTS: Mapping[str, int] = {"sent": 0, "dropped": 0, "refused": 0}
"""What became of the reports of a node that sends none."""
_SPAN_ID_BYTES = 8


class SpanExporter(Protocol):
    """Knows a collector."""

    def export(self, spans: Sequence[Span], *, node: str) -> str | None:
        """Send the spans of a node; return why the collector did not take them."""
        ...

    def close(self) -> None:
        """Stop sending."""
        ...


def _unix_ms() -> int:
    return time.time_ns() // 1_000_000


class TraceSender:
    """The way of a node's traces to their collector.

    Attributes:
        node: the node's id, once it is known.
        counts: what became of the reports.
    """

    def __init__(
        self,
        exporter: SpanExporter,
        *,
        tell: Callable[[str], None],
        unix_ms: Callable[[], int] = _unix_ms,
    ) -> None:
        """Send nothing yet.

        Args:
            exporter: sends spans.
            tell: called on the thread with what an operator should know.
            unix_ms: the time since 1970.
        """
        self.node = ""
        self.counts = dict(NO_COUNTS)
        self._exporter = exporter
        self._tell = tell
        self._unix_ms = unix_ms
        self._waiting: Queue[tuple[ReportTrace, int] | None] = Queue(
            limits.TRACES_WAITING_MAX
        )
        self._is_closing = False
        self._is_refused = False
        self._thread = Thread(target=self._run, name="traces", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def reported(self, report: ReportTrace) -> None:
        """Send a report later, unless too many wait."""
        try:
            self._waiting.put_nowait((report, self._unix_ms()))
        except Full:
            self.counts["dropped"] += 1

    def close(self) -> None:
        """Send what waits, if the collector is quick, and end the thread."""
        self._is_closing = True
        with suppress(Full):  # The thread has enough to wake up for.
            self._waiting.put_nowait(None)
        if self._thread.ident is not None:
            self._thread.join(limits.TRACES_CLOSE_MS_MAX / 1000)
        self._exporter.close()

    def _run(self) -> None:
        while not (self._is_closing and self._waiting.empty()):
            reports = self._gather()
            if reports:
                self._send(reports)

    def _gather(self) -> list[tuple[ReportTrace, int]]:
        """Wait for a report, and a little longer for others."""
        first = self._waiting.get()
        if first is None:
            return []
        reports = [first]
        deadline = time.monotonic() + limits.TRACES_GATHER_MS / 1000
        while len(reports) < limits.TRACES_BATCH_MAX:
            rest_s = 0 if self._is_closing else deadline - time.monotonic()
            try:
                report = self._waiting.get(rest_s > 0, max(rest_s, 0))
            except Empty:
                break
            if report is not None:
                reports.append(report)
        return reports

    def _send(self, reports: Sequence[tuple[ReportTrace, int]]) -> None:
        spans = [
            span
            for report, came_ms in reports
            for span in spans_of(
                report, host_span=os.urandom(_SPAN_ID_BYTES), now_ms=came_ms
            )
        ]
        try:
            reason = self._exporter.export(spans, node=self.node)
        except Exception as error:  # noqa: BLE001  # of a library, and its transports
            reason = repr(error)[: limits.TRACES_REASON_CHARS_MAX]
        self.counts["sent" if reason is None else "refused"] += len(reports)
        if (reason is not None) is self._is_refused:
            return
        self._is_refused = reason is not None
        if reason is None:
            self._tell("Traces are taken again")
        else:
            self._tell(f"Traces are not taken: {reason}")
