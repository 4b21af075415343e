"""Requests whose callers want them traced, from their taking up to their answers.

The host reports a trace to others, so the trace says no more than metrics do: the
frontend and not the path, the class of the status, milliseconds. Nothing is made unless
the host wants traces and the caller's ``traceparent`` says that the trace is recorded
(W3C Trace Context).

New spans have random ids, as the standard advises, from the same source as keys. An id
says nothing of what the source gives next, nor of the request.
"""

from typing import TYPE_CHECKING, Final, Protocol, final

from ccfpy.boundary.effects import ForwardingSpan, ReportTrace
from ccfpy.endpoints.metrics import METHODS, OTHER_METHOD, status_class
from ccfpy.http.messages import Request, Response
from ccfpy.http.trace_context import SPAN_ID_BYTES, TRACEPARENT, TraceContext

if TYPE_CHECKING:
    from collections.abc import Callable

    from ccfpy.base.ids import TxId
    from ccfpy.base.ports import Clock, Entropy
    from ccfpy.endpoints.pending import Answer

_NS_PER_MS: Final = 1_000_000
_US_PER_MS: Final = 1000


class HostTime(Protocol):
    """What the host last said of the time."""

    @property
    def monotonic_ms(self) -> int:
        """Its clock that never goes back."""
        ...

    @property
    def unix_us(self) -> int:
        """Microseconds since 1970, at the same moment."""
        ...


@final
class RequestTracer:
    """Begins the traces of one node's requests.

    Attributes:
        time: what the host last said of the time.
        entropy: where ids come from.
        report: takes the report of a request that is answered.
    """

    def __init__(
        self,
        *,
        time: HostTime,
        clock: "Clock",
        entropy: "Entropy",
        report: "Callable[[ReportTrace], None]",
    ) -> None:
        self.time = time
        self.entropy = entropy
        self.report = report
        self._now_ns = clock.monotonic_ns
        self._ahead_ns: int | None = None

    def begin(
        self, request: Request, frontend: str, *, is_forwarded: bool, is_again: bool
    ) -> "Trace | None":
        """Begin the trace of a request, if its caller wants one.

        Args:
            request: the request.
            frontend: the prefix of what answers.
            is_forwarded: another node sent it on.
            is_again: the caller waits since an earlier run, which has begun the trace
                that will be reported.
        """
        header = request.headers.get(TRACEPARENT)
        context = None if header is None else TraceContext.parse(header)
        if context is None or not context.is_sampled:
            return None
        self._compare_clocks()
        trace = Trace(self, context, request.method, frontend)
        trace.is_forwarded = is_forwarded
        trace.is_reported = is_again
        return trace

    def _compare_clocks(self) -> None:
        """Note how far the clock in here is ahead of the host's.

        The shortest time that a request took from the host to here counts as none.
        """
        ahead_ns = self._now_ns() - self.time.monotonic_ms * _NS_PER_MS
        if self._ahead_ns is None or ahead_ns < self._ahead_ns:
            self._ahead_ns = ahead_ns

    def now_us(self) -> int:
        """Return microseconds since 1970, by the host's clock, as time goes on in here.

        The host's word is as old as the step, or older.
        """
        time = self.time
        ahead_ns = self._ahead_ns or 0
        later_ns = self._now_ns() - ahead_ns - time.monotonic_ms * _NS_PER_MS
        return max(0, time.unix_us + later_ns // 1000)

    def span_id(self) -> bytes:
        """Return a new span's id, which the standard wants not to be zero."""
        while True:
            span = self.entropy.random_bytes(SPAN_ID_BYTES)
            if any(span):
                return span


@final
class Trace:
    """One request of a trace, while it is answered.

    Attributes:
        id: of the trace, in hex, for logs.
        endpoint: the path of what answers, once it is found, if metrics may name it.
        is_forwarded: another node sent the request on.
        is_reported: nothing is left to report.
        transaction: what this node's handler committed, or the state that it read.
            The answer's header may name another one, about which the caller asked.
    """

    __slots__ = (
        "_began_us",
        "_context",
        "_forwarded_us",
        "_forwarding",
        "_frontend",
        "_method",
        "_received_us",
        "_span",
        "_tracer",
        "endpoint",
        "id",
        "is_forwarded",
        "is_reported",
        "transaction",
    )

    def __init__(
        self, tracer: RequestTracer, context: TraceContext, method: str, frontend: str
    ) -> None:
        self.id = context.trace.hex()
        self.endpoint = ""
        self.is_forwarded = False
        self.is_reported = False
        self.transaction: TxId | None = None
        self._tracer = tracer
        self._context = context
        self._method = method if method in METHODS else OTHER_METHOD
        self._frontend = frontend
        self._span = tracer.span_id()
        self._received_us = tracer.time.unix_us
        self._began_us = tracer.now_us()
        self._forwarding: bytes | None = None
        self._forwarded_us = 0

    def reaches(self, path: str, *, is_counted: bool) -> None:
        """Note the path of the endpoint that answers, if metrics may name it."""
        self.endpoint = path if is_counted else ""

    def sent_on(self, request: Request) -> Request:
        """Return the request as another node gets it: its parent is a span of ours."""
        self._forwarding = span = self._tracer.span_id()
        self._forwarded_us = self._tracer.now_us()
        return Request(
            method=request.method,
            path=request.path,
            query=request.query,
            headers=self._context.handed_on(request.headers, span),
            body=request.body,
            version=request.version,
            keep_alive=request.keep_alive,
        )

    def answered(self, answer: "Answer") -> None:
        """Report the request, now or once its answer comes."""
        if isinstance(answer, Response):
            self._report(answer)
        else:
            answer.observe(self._report)

    def _report(self, response: Response) -> None:
        if self.is_reported:
            return
        self.is_reported = True
        context = self._context
        ended_ms = _ms_after(max(self._tracer.now_us(), self._began_us))
        forwarding = None
        if self._forwarding is not None:
            forwarding = ForwardingSpan(
                span=self._forwarding,
                began_ms=self._forwarded_us // _US_PER_MS,
                ended_ms=ended_ms,
            )
        self._tracer.report(
            ReportTrace(
                trace=context.trace,
                parent=context.span,
                span=self._span,
                received_ms=self._received_us // _US_PER_MS,
                began_ms=self._began_us // _US_PER_MS,
                ended_ms=ended_ms,
                frontend=self._frontend,
                endpoint=self.endpoint,
                method=self._method,
                status=status_class(response.status),
                transaction="" if self.transaction is None else str(self.transaction),
                is_forwarded=self.is_forwarded,
                forwarding=forwarding,
            )
        )


def _ms_after(time_us: int) -> int:
    return -(-time_us // _US_PER_MS)
