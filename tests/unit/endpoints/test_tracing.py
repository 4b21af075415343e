"""What a frontend reports of the requests whose callers want them traced."""

from dataclasses import dataclass, field

import pytest

from ccfpy.base.ids import TxId
from ccfpy.boundary.effects import ForwardingSpan, ReportTrace
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.declaration import Endpoint, Forwarding
from ccfpy.endpoints.pending import Awaited
from ccfpy.endpoints.session import Session
from ccfpy.endpoints.tracing import RequestTracer
from ccfpy.http.messages import Request, Response
from ccfpy.http.trace_context import TraceContext
from ccfpy.kv.maps import STRING, Map
from tests.attacks import attack
from tests.unit.endpoints.world import NOW_S, Front, HostMoment, MovableClock, session

NOTES = Map("public:notes", STRING, STRING)
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
SAMPLED = {"traceparent": f"00-{TRACE}-{SPAN}-01"}
NOW_MS = NOW_S * 1000


def _ok(_: Context) -> Response:
    return Response(status=200)


def _write(context: Context) -> Response:
    NOTES.of(context.tx).put("key", "value")
    return Response(status=201)


def _fail(_: Context) -> Response:
    raise ValueError("private")


def _endpoint(path: str = "/x", *, is_counted: bool = False) -> Endpoint:
    return Endpoint(method="POST", path=path, handler=_write, is_counted=is_counted)


def _front(*endpoints: Endpoint) -> tuple[Front, list[ReportTrace]]:
    traces: list[ReportTrace] = []
    return Front(endpoints or [_endpoint()], traces=traces), traces


def test_a_request_is_reported_with_the_callers_ids_and_its_transaction() -> None:
    front, traces = _front()
    front.call("POST", "/x?secret", headers=SAMPLED)
    response = front.call("POST", "/x", headers=SAMPLED)
    missing, written = traces
    assert written.trace.hex() == TRACE
    assert written.parent.hex() == SPAN
    assert len(written.span) == 8
    assert written.span != missing.span
    assert written.transaction == response.headers["x-ms-ccf-transaction-id"]
    assert (written.frontend, written.method, written.status) == ("app", "POST", "2xx")
    assert (written.endpoint, written.is_forwarded) == ("", False)
    assert written.forwarding is None
    assert (missing.status, missing.transaction) == ("4xx", "")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"traceparent": f"00-{TRACE}-{SPAN}-00"},
        {"traceparent": f"00-{TRACE}-{SPAN}-02"},
        {"traceparent": f"ff-{TRACE}-{SPAN}-01"},
        {"tracestate": "a=1"},
    ],
)
def test_a_caller_who_wants_no_trace_has_none(headers: dict[str, str]) -> None:
    front, traces = _front()
    assert front.call("POST", "/x", headers=headers).status == 201
    assert not traces


def test_a_node_that_makes_no_traces_answers_the_same() -> None:
    front = Front([_endpoint()])
    assert front.call("POST", "/x", headers=SAMPLED).status == 201


def test_an_endpoint_is_named_only_where_metrics_may_name_it() -> None:
    front, traces = _front(_endpoint("/a/{id}"), _endpoint("/b/{id}", is_counted=True))
    for path in ("/a/secret", "/b/secret"):
        front.call("POST", path, headers=SAMPLED)
    assert [trace.endpoint for trace in traces] == ["", "/b/{id}"]


def test_a_method_that_metrics_do_not_name_is_not_reported() -> None:
    front, traces = _front(Endpoint(method="SECRET", path="/x", handler=_ok))
    front.call("SECRET", "/x", headers=SAMPLED)
    assert traces[0].method == "other"


@attack("traces: an app that names private text as the transaction")
def test_the_transaction_is_the_nodes_and_not_what_a_header_says() -> None:
    def answer(_: Context) -> Response:
        return Response(status=200, headers={"x-ms-ccf-transaction-id": "2.77"})

    front, traces = _front(Endpoint(method="GET", path="/x", handler=answer))
    front.call("GET", "/x", headers=SAMPLED)
    assert traces[0].transaction == ""


def test_an_answer_that_comes_later_is_reported_once_when_it_comes() -> None:
    awaited = Awaited()
    front, traces = _front(Endpoint(method="GET", path="/x", handler=lambda _: awaited))
    request = Request(method="GET", path="/app/x", headers=dict(SAMPLED))
    front.frontend.answer(request, session(), "/x")
    assert not traces
    front.clock.now_ns = 2_001_000
    awaited.settle(Response(status=504))
    awaited.settle(Response(status=200))
    assert [trace.status for trace in traces] == ["5xx"]
    assert traces[0].ended_ms - traces[0].began_ms == 3
    assert front.frontend.counts.by_method["GET"][-1] == 1


def test_a_run_for_a_caller_that_waits_already_is_not_reported_again() -> None:
    front, traces = _front()
    request = Request(method="POST", path="/app/x", headers=dict(SAMPLED))
    front.frontend.answer(request, session(), "/x", is_again=True)
    assert not traces


def test_a_request_that_is_sent_on_has_a_span_of_ours_as_its_parent() -> None:
    endpoint = Endpoint(
        method="POST", path="/x", handler=_write, forwarding=Forwarding.ALWAYS
    )
    front, traces = _front(endpoint)
    front.node.is_primary = False
    headers = SAMPLED | {"other": "1"}
    request = Request(
        method="POST", path="/app/x", query="q=1", headers=headers, body=b"body"
    )
    front.frontend.answer(request, session(), "/x")
    ((forwarded, awaited),) = front.node.forwarded
    front.clock.now_ns = 5_000_000
    awaited.settle(Response(status=200))
    (trace,) = traces
    assert trace.forwarding == ForwardingSpan(
        span=trace.forwarding.span if trace.forwarding else b"",
        began_ms=NOW_MS,
        ended_ms=NOW_MS + 5,
    )
    context = TraceContext.parse(forwarded.headers["traceparent"])
    assert context is not None
    assert context.is_sampled
    assert context.trace == trace.trace
    assert context.span == trace.forwarding.span
    assert context.span not in (trace.span, trace.parent)
    assert forwarded.headers["other"] == "1"
    assert (forwarded.query, forwarded.body) == ("q=1", b"body")
    assert request.headers == headers


def test_a_request_of_another_node_is_reported_as_such() -> None:
    front, traces = _front()
    its = session()
    forwarded = Session(id=its.id, interface=its.interface, is_forwarded=True)
    front.call("POST", "/x", headers=SAMPLED, session_=forwarded)
    assert traces[0].is_forwarded


def test_a_request_that_is_not_traced_is_sent_on_as_it_came() -> None:
    endpoint = Endpoint(
        method="POST", path="/x", handler=_write, forwarding=Forwarding.ALWAYS
    )
    front, _ = _front(endpoint)
    front.node.is_primary = False
    request = Request(
        method="POST",
        path="/app/x",
        headers={"traceparent": f"00-{TRACE}-{SPAN}-00", "tracestate": "x" * 600},
    )
    front.frontend.answer(request, session(), "/x")
    assert front.node.forwarded[0][0] is request


def test_a_failure_is_logged_with_the_trace() -> None:
    front, _ = _front(Endpoint(method="POST", path="/x", handler=_fail))
    front.call("POST", "/x", headers=SAMPLED)
    front.call("POST", "/x")
    assert [str(marks) for marks in front.marks] == [f", trace {TRACE}", ""]


def test_a_failure_after_the_commit_is_logged_with_the_transaction() -> None:
    def tell(_: Context, __: Response, ___: TxId) -> None:
        raise ValueError("private")

    front, _ = _front(
        Endpoint(method="POST", path="/x", handler=_write, on_local_commit=tell)
    )
    response = front.call("POST", "/x")
    (marks,) = front.marks
    assert str(marks) == f", transaction {response.headers['x-ms-ccf-transaction-id']}"


def test_a_handler_may_log_the_id_of_the_trace() -> None:
    seen: list[str | None] = []

    def look(context: Context) -> Response:
        seen.append(None if context.trace is None else context.trace.id)
        return Response(status=200)

    front, _ = _front(Endpoint(method="GET", path="/x", handler=look))
    front.call("GET", "/x", headers=SAMPLED)
    front.call("GET", "/x")
    assert seen == [TRACE, None]


@dataclass
class _Listed:
    """Randomness that a test chooses."""

    given: list[bytes]
    asked: list[int] = field(default_factory=list)

    def random_bytes(self, count: int) -> bytes:
        self.asked.append(count)
        return self.given.pop(0)

    def rsa_private_key(self, bits: int) -> bytes:
        raise AssertionError(bits)


def _tracer(time: HostMoment, clock: MovableClock, *given: bytes) -> RequestTracer:
    return RequestTracer(
        time=time, clock=clock, entropy=_Listed(list(given)), report=lambda _: None
    )


def test_no_span_has_the_id_that_the_standard_forbids() -> None:
    tracer = _tracer(HostMoment(), MovableClock(), bytes(8), b"12345678")
    assert tracer.span_id() == b"12345678"


def test_the_wait_between_host_and_node_shows_whatever_the_clocks_began_at() -> None:
    front, traces = _front()
    ms = 1_000_000
    waits_ms = (7, 3, 3, 12)
    for number, wait_ms in enumerate(waits_ms, start=1):
        sent_ms = 1000 * number
        front.time.monotonic_ms = sent_ms
        front.time.unix_us = (NOW_MS + sent_ms) * 1000
        front.clock.now_ns = (55_000 + sent_ms + wait_ms) * ms
        front.call("POST", "/x", headers=SAMPLED)
    shown = [trace.began_ms - trace.received_ms for trace in traces]
    # The shortest wait so far counts as none.
    assert shown == [0, 0, 0, 9]
    assert [t.received_ms for t in traces] == [NOW_MS + 1000 * n for n in (1, 2, 3, 4)]


def test_times_are_whole_milliseconds_around_what_they_measure() -> None:
    front, traces = _front()
    front.time.unix_us = NOW_MS * 1000 + 999
    front.call("POST", "/x", headers=SAMPLED)
    assert (traces[0].began_ms, traces[0].ended_ms) == (NOW_MS, NOW_MS + 1)


def test_a_host_whose_clock_goes_back_gets_no_times_below_zero() -> None:
    tracer = _tracer(HostMoment(monotonic_ms=10**9, unix_us=0), MovableClock())
    assert tracer.now_us() == 0
