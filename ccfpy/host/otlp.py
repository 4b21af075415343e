"""Spans to a collector, by OTLP over HTTP: OpenTelemetry's own exporter, and no more.

The exporter reads the standard variables itself (``OTEL_EXPORTER_OTLP_HEADERS``,
``_TIMEOUT``, ``_COMPRESSION``, ``_CERTIFICATE``), as its users expect, and
``OTEL_RESOURCE_ATTRIBUTES`` and ``OTEL_SERVICE_NAME`` name the service. The packages
come with the extra ``otlp``, and are loaded only for a node that sends traces.
"""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ccfpy.base.errors import ConfigurationRefused
from ccfpy.base.limits import TRACES_REASON_CHARS_MAX
from ccfpy.base.version import VERSION
from ccfpy.host.spans import Span, SpanRole

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import SpanContext

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
