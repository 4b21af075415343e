"""A request's report from the enclave as spans, in OpenTelemetry's terms.

Two spans for each request: one of the whole node, from the host's side, and within it
one of the enclave. A request that was sent on has a third, the parent of what the other
node reports. The names of attributes are OpenTelemetry's where it has any.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from ccfpy.boundary.effects import ReportTrace

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
