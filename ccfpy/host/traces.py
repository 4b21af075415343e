"""Traced requests as OpenTelemetry's spans, and their way to a collector.

Each request gives two spans: one of the whole node, from the host's side, and within it
one of the enclave. A request that was sent on has a third, the parent of what the other
node reports. The names of attributes are OpenTelemetry's where it has any.

A thread of its own sends them. A collector that is slow or gone costs the node nothing:
reports wait up to a bound, and what comes beyond it is dropped and counted.

Spans go by OTLP over HTTP with OpenTelemetry's own exporter. It reads the standard
variables itself (``OTEL_EXPORTER_OTLP_HEADERS``, ``_TIMEOUT``, ``_COMPRESSION``,
``_CERTIFICATE``), as its users expect, and ``OTEL_RESOURCE_ATTRIBUTES`` and
``OTEL_SERVICE_NAME`` name the service. The packages come with the extra ``otlp``, and
are loaded only for a node that sends traces.
"""

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from queue import Empty, Full, Queue
from threading import Thread
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlsplit

from ccfpy.base import limits
from ccfpy.base.errors import ConfigurationRefused
from ccfpy.base.limits import TRACES_REASON_CHARS_MAX
from ccfpy.base.version import VERSION
from ccfpy.boundary.effects import ReportTrace

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import SpanContext


TRANSACTION: Final = "ccfpy.transaction_id"
FORWARDED: Final = "ccfpy.forwarded"
FRONTEND: Final = "ccfpy.frontend"
STATUS: Final = "ccfpy.status_class"
_METHOD: Final = "http.request.method"
_ROUTE: Final = "http.route"
_OTHER_METHOD: Final = "other"
_FAILED: Final = "5xx"


class SpanRole(Enum):
    """Which side of a request a span is."""

    SERVER = auto()
    CLIENT = auto()
    INTERNAL = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A finished span.

    Attributes:
        trace: 16 bytes.
        span: 8 bytes.
        parent: 8 bytes.
        began_ms: milliseconds since 1970.
        ended_ms: milliseconds since 1970.
        has_failed: the service is to blame.
    """

    trace: bytes
    span: bytes
    parent: bytes
    name: str
    role: SpanRole
    began_ms: int
    ended_ms: int
    attributes: Mapping[str, str | bool]
    has_failed: bool = False


def spans_of(report: ReportTrace, *, host_span: bytes, now_ms: int) -> list[Span]:
    """Return the spans of a request.

    Args:
        report: the enclave's.
        host_span: the id of the host's own span.
        now_ms: when the report came, and with it the answer, since 1970.
    """
    route = f"/{report.frontend}{report.endpoint}" if report.endpoint else ""
    attributes: dict[str, str | bool] = {
        _METHOD: "_OTHER" if report.method == _OTHER_METHOD else report.method,
        FRONTEND: report.frontend,
        STATUS: report.status,
        FORWARDED: report.is_forwarded,
    }
    if route:
        attributes[_ROUTE] = route
    of_enclave: dict[str, str | bool] = {}
    if report.transaction:
        of_enclave[TRANSACTION] = report.transaction
    spans = [
        Span(
            trace=report.trace,
            span=host_span,
            parent=report.parent,
            name=f"{report.method} {route or report.frontend}",
            role=SpanRole.SERVER,
            began_ms=min(report.received_ms, report.began_ms),
            ended_ms=max(now_ms, report.ended_ms),
            attributes=attributes,
            has_failed=report.status == _FAILED,
        ),
        Span(
            trace=report.trace,
            span=report.span,
            parent=host_span,
            name="enclave",
            role=SpanRole.INTERNAL,
            began_ms=report.began_ms,
            ended_ms=report.ended_ms,
            attributes=of_enclave,
        ),
    ]
    forwarding = report.forwarding
    if forwarding is not None:
        spans.append(
            Span(
                trace=report.trace,
                span=forwarding.span,
                parent=report.span,
                name="forward",
                role=SpanRole.CLIENT,
                began_ms=forwarding.began_ms,
                ended_ms=forwarding.ended_ms,
                attributes={},
            )
        )
    return spans


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


_PATH = "/v1/traces"
_NS_PER_MS = 1_000_000


def endpoint_of(url: str) -> str:
    """Return where spans are sent, of what ``--traces`` says.

    Raises:
        ConfigurationRefused: it is no URL of a collector.
    """
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname)
        is_usable = is_usable and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable:
        raise ConfigurationRefused(
            f"--traces {url} is no URL of a collector; write it as "
            "http://127.0.0.1:4318"
        )
    base = url.rstrip("/")
    return base if base.endswith(_PATH) else base + _PATH


class _Reasons(logging.Handler):
    """Keeps the first thing that the exporter complains of, which it says nowhere else.

    It would otherwise go to stderr, where a node writes nothing.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._first: str | None = None

    def take(self) -> str | None:
        """Return the first line since the last time."""
        first, self._first = self._first, None
        return first

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the first line."""
        if self._first is None:
            self._first = record.getMessage()


class OtlpExporter:
    """Sends spans to one collector.

    Attributes:
        complaint: about variables that are passed over.
    """

    def __init__(self, endpoint: str) -> None:
        """Load the packages.

        Args:
            endpoint: as `endpoint_of` returns it.

        Raises:
            ConfigurationRefused: the packages are not installed, or refuse what the
                environment says.
        """
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415  # an extra
                OTLPSpanExporter,
            )
        except ImportError:
            raise ConfigurationRefused(
                "--traces needs packages that are not installed; run "
                "pip install 'ccfpy[otlp]'"
            ) from None
        self._reasons = _Reasons()
        for name in ("opentelemetry", "urllib3"):
            logger = logging.getLogger(name)
            logger.addHandler(self._reasons)
            logger.propagate = False
        try:
            self._exporter = OTLPSpanExporter(endpoint=endpoint)
        except (OSError, RuntimeError, ValueError) as error:
            raise ConfigurationRefused(
                f"traces cannot be sent as the variables OTEL_… say: {error}"
            ) from None
        self.complaint = self._reason()
        self._node: str | None = None
        self._resource: Resource | None = None

    def export(self, spans: Sequence[Span], *, node: str) -> str | None:
        """Send spans; return why the collector did not take them.

        A collector that does not answer is asked again, for as long as
        ``OTEL_EXPORTER_OTLP_TIMEOUT`` says.
        """
        from opentelemetry.sdk.trace.export import (  # noqa: PLC0415  # an extra
            SpanExportResult,
        )

        self._reasons.take()
        resource = self._resource_of(node)
        result = self._exporter.export([_readable(span, resource) for span in spans])
        if result is SpanExportResult.SUCCESS:
            return None
        return self._reason() or "no reason known"

    def _reason(self) -> str | None:
        """Return what the exporter complained of, in one line."""
        reason = (self._reasons.take() or "")[:TRACES_REASON_CHARS_MAX]
        return "".join(char if char.isprintable() else " " for char in reason) or None

    def close(self) -> None:
        """Stop asking a collector that does not answer, and close the connection."""
        self._exporter.shutdown()  # type: ignore[no-untyped-call]  # it lacks them
        for name in ("opentelemetry", "urllib3"):
            logging.getLogger(name).removeHandler(self._reasons)

    def _resource_of(self, node: str) -> "Resource":
        if self._resource is None or node != self._node:
            self._node, self._resource = node, _named(node)
        return self._resource


def _named(node: str) -> "Resource":
    """Return what the spans are of; the environment has the last word."""
    from opentelemetry.sdk.resources import (  # noqa: PLC0415  # an extra
        OTELResourceDetector,
        Resource,
    )

    ours = Resource(
        {
            "service.name": "ccfpy",
            "service.version": VERSION,
            "service.instance.id": node,
        }
    )
    return ours.merge(OTELResourceDetector().detect())


def _readable(span: Span, resource: "Resource") -> "ReadableSpan":
    from opentelemetry.sdk.trace import ReadableSpan  # noqa: PLC0415  # an extra
    from opentelemetry.trace import SpanKind, Status, StatusCode  # noqa: PLC0415

    kinds = {
        SpanRole.SERVER: SpanKind.SERVER,
        SpanRole.CLIENT: SpanKind.CLIENT,
        SpanRole.INTERNAL: SpanKind.INTERNAL,
    }
    return ReadableSpan(
        span.name,
        context=_context(span.trace, span.span, is_remote=False),
        parent=_context(
            span.trace, span.parent, is_remote=span.role is SpanRole.SERVER
        ),
        resource=resource,
        attributes=span.attributes,
        kind=kinds[span.role],
        status=Status(StatusCode.ERROR if span.has_failed else StatusCode.UNSET),
        start_time=span.began_ms * _NS_PER_MS,
        end_time=span.ended_ms * _NS_PER_MS,
    )


def _context(trace: bytes, span: bytes, *, is_remote: bool) -> "SpanContext":
    from opentelemetry.trace import SpanContext, TraceFlags  # noqa: PLC0415

    return SpanContext(
        int.from_bytes(trace, "big"),
        int.from_bytes(span, "big"),
        is_remote,
        TraceFlags(TraceFlags.SAMPLED),
    )
