"""Spans of requests, and a collector that takes them, refuses them, or hangs."""

import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from ccfpy.base import limits
from ccfpy.base.errors import ConfigurationRefused
from ccfpy.base.limits import TRACES_REASON_CHARS_MAX
from ccfpy.base.version import VERSION
from ccfpy.boundary.effects import ForwardingSpan
from ccfpy.host.traces import (
    OtlpExporter,
    Span,
    SpanRole,
    TraceSender,
    endpoint_of,
    spans_of,
)
from tests.attacks import attack
from tests.collector import Collector, collecting
from tests.e2e.running import wait_until
from tests.unit.host.reported import CALLER, ENCLAVE, FORWARD, NOW_MS, TRACE, report

HOST = b"host...."


def test_a_request_has_a_span_of_the_node_and_in_it_one_of_the_enclave() -> None:
    node, enclave = spans_of(report(), host_span=HOST, now_ms=NOW_MS + 9)
    assert (node.trace, node.span, node.parent) == (TRACE, HOST, CALLER)
    assert (enclave.trace, enclave.span, enclave.parent) == (TRACE, ENCLAVE, HOST)
    assert (node.role, enclave.role) == (SpanRole.SERVER, SpanRole.INTERNAL)
    assert (node.name, enclave.name) == ("PUT app", "enclave")
    assert (node.began_ms, node.ended_ms) == (NOW_MS, NOW_MS + 9)
    assert (enclave.began_ms, enclave.ended_ms) == (NOW_MS + 1, NOW_MS + 5)
    assert node.attributes == {
        "http.request.method": "PUT",
        "ccfpy.frontend": "app",
        "ccfpy.status_class": "2xx",
        "ccfpy.forwarded": False,
    }
    assert enclave.attributes == {"ccfpy.transaction_id": "2.15"}


def test_a_request_that_was_sent_on_has_a_third_span() -> None:
    forwarding = ForwardingSpan(span=FORWARD, began_ms=NOW_MS + 2, ended_ms=NOW_MS + 5)
    _, enclave, forward = spans_of(
        report(forwarding=forwarding, transaction=""), host_span=HOST, now_ms=NOW_MS
    )
    assert (forward.span, forward.parent) == (FORWARD, ENCLAVE)
    assert (forward.name, forward.role) == ("forward", SpanRole.CLIENT)
    assert (forward.began_ms, forward.ended_ms) == (NOW_MS + 2, NOW_MS + 5)
    assert enclave.attributes == {}


def test_an_endpoint_that_may_be_named_is_the_route() -> None:
    node, _ = spans_of(report(endpoint="/a/{id}"), host_span=HOST, now_ms=NOW_MS)
    assert node.name == "PUT /app/a/{id}"
    assert node.attributes["http.route"] == "/app/a/{id}"


def test_a_method_without_a_name_has_the_standards_word() -> None:
    node, _ = spans_of(report(method="other"), host_span=HOST, now_ms=NOW_MS)
    assert node.attributes["http.request.method"] == "_OTHER"


def test_only_the_services_own_failures_are_errors() -> None:
    for status, has_failed in (("2xx", False), ("4xx", False), ("5xx", True)):
        node, _ = spans_of(report(status=status), host_span=HOST, now_ms=NOW_MS)
        assert node.has_failed is has_failed


def test_the_nodes_span_holds_the_enclaves_whatever_the_clocks_say() -> None:
    node, enclave = spans_of(
        report(received_ms=NOW_MS + 3), host_span=HOST, now_ms=NOW_MS
    )
    assert node.began_ms <= enclave.began_ms <= enclave.ended_ms <= node.ended_ms


PATIENT_MS = 60_000
"""How long the sender may take to send what waits, on a slow machine."""


@dataclass
class _Exporter:
    """Takes spans when the test lets it."""

    batches: list[list[Span]] = field(default_factory=list)
    nodes: list[str] = field(default_factory=list)
    reason: str | None = None
    may_go_on: threading.Event = field(default_factory=threading.Event)
    is_closed: bool = False

    def __post_init__(self) -> None:
        self.may_go_on.set()
        self.is_in = threading.Event()

    def export(self, spans: Sequence[Span], *, node: str) -> str | None:
        self.is_in.set()
        self.may_go_on.wait()
        self.batches.append(list(spans))
        self.nodes.append(node)
        return self.reason

    def close(self) -> None:
        self.is_closed = True
        self.may_go_on.set()


@dataclass
class _Sending:
    exporter: _Exporter = field(default_factory=_Exporter)
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sender = TraceSender(
            self.exporter, tell=self.lines.append, unix_ms=lambda: NOW_MS + 7
        )

    def send(self) -> None:
        """Send one report, and wait until the collector has had it."""
        before = len(self.exporter.batches)
        self.sender.reported(report())
        wait_until(
            lambda: sum(self.sender.counts.values()) > before, what="a report sent"
        )


@pytest.fixture
def sending(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Sending]:
    monkeypatch.setattr(limits, "TRACES_GATHER_MS", 1)
    monkeypatch.setattr(limits, "TRACES_CLOSE_MS_MAX", PATIENT_MS)
    sending = _Sending()
    yield sending
    sending.sender.close()


def test_a_report_is_sent_as_spans_of_the_node(sending: _Sending) -> None:
    sending.sender.node = "abcd"
    sending.sender.start()
    sending.send()
    ((node, enclave),) = sending.exporter.batches
    assert len(node.span) == 8
    assert enclave.parent == node.span
    assert node.ended_ms == NOW_MS + 7
    assert sending.exporter.nodes == ["abcd"]
    assert sending.sender.counts == {"sent": 1, "dropped": 0, "refused": 0}
    assert sending.lines == []


def test_each_request_has_a_host_span_of_its_own(sending: _Sending) -> None:
    for _ in range(2):
        sending.sender.reported(report())
    sending.sender.start()
    sending.sender.close()
    spans = [span for batch in sending.exporter.batches for span in batch]
    assert len({span.span for span in spans if span.name != "enclave"}) == 2


def test_what_comes_while_too_many_wait_is_dropped_and_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "TRACES_WAITING_MAX", 3)
    monkeypatch.setattr(limits, "TRACES_CLOSE_MS_MAX", PATIENT_MS)
    hanging = _Sending()
    for _ in range(3):
        hanging.sender.reported(report())
    assert hanging.sender.counts["dropped"] == 0
    hanging.sender.reported(report())
    assert hanging.sender.counts["dropped"] == 1
    hanging.sender.start()
    hanging.sender.close()
    assert hanging.sender.counts == {"sent": 3, "dropped": 1, "refused": 0}


def test_no_batch_is_larger_than_it_may_be(
    sending: _Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "TRACES_BATCH_MAX", 2)
    for _ in range(5):
        sending.sender.reported(report())
    sending.sender.start()
    sending.sender.close()
    assert [len(batch) // 2 for batch in sending.exporter.batches] == [2, 2, 1]


def test_a_collector_that_refuses_is_told_of_once_until_it_takes_them_again(
    sending: _Sending,
) -> None:
    sending.sender.start()
    sending.exporter.reason = "it is full"
    sending.send()
    sending.send()
    assert sending.lines == ["Traces are not taken: it is full"]
    sending.exporter.reason = None
    sending.send()
    sending.send()
    assert sending.lines[1:] == ["Traces are taken again"]
    assert sending.sender.counts == {"sent": 2, "dropped": 0, "refused": 2}


@attack("traces: a collector that hangs")
def test_a_collector_that_hangs_holds_up_neither_the_node_nor_its_end(
    sending: _Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "TRACES_CLOSE_MS_MAX", 1)
    sending.exporter.may_go_on.clear()
    sending.sender.start()
    sending.sender.reported(report())
    sending.exporter.is_in.wait()
    for _ in range(limits.TRACES_WAITING_MAX + 1):
        sending.sender.reported(report())
    assert sending.sender.counts["dropped"] == 1
    sending.sender.close()
    assert sending.exporter.is_closed


def test_a_sender_that_never_started_closes() -> None:
    sending = _Sending()
    sending.sender.close()
    assert sending.exporter.is_closed
    assert sending.exporter.batches == []


def test_an_error_of_the_exporter_costs_the_reports_and_not_the_thread(
    sending: _Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(spans: Sequence[Span], *, node: str) -> str | None:
        raise RuntimeError(f"{len(spans)} spans of {node!r}")

    sending.sender.start()
    with monkeypatch.context() as patch:
        patch.setattr(sending.exporter, "export", fail)
        sending.sender.reported(report())
        wait_until(lambda: sending.sender.counts["refused"] == 1, what="a refusal")
    sending.sender.reported(report())
    wait_until(lambda: sending.sender.counts["sent"] == 1, what="a report sent")
    assert sending.sender.counts == {"sent": 1, "dropped": 0, "refused": 1}
    assert sending.lines[0] == ("Traces are not taken: RuntimeError(\"2 spans of ''\")")


SPANS = spans_of(
    report(
        status="5xx",
        forwarding=ForwardingSpan(span=FORWARD, began_ms=NOW_MS, ended_ms=NOW_MS + 1),
    ),
    host_span=HOST,
    now_ms=NOW_MS + 9,
)
SERVER, CLIENT, INTERNAL = 2, 3, 1
ERROR = 2


@pytest.fixture(scope="module")
def _collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@pytest.fixture
def collector(_collector: Collector, monkeypatch: pytest.MonkeyPatch) -> Collector:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    _collector.status = 200
    for came in (_collector.bodies, _collector.paths, _collector.headers):
        came.clear()
    return _collector


def _send(url: str) -> str | None:
    exporter = OtlpExporter(endpoint_of(url))
    try:
        return exporter.export(SPANS, node="abcd")
    finally:
        exporter.close()


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
        ("http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/traces"),
        ("https://c.example/otlp", "https://c.example/otlp/v1/traces"),
        ("https://c.example/v1/traces", "https://c.example/v1/traces"),
    ],
)
def test_spans_go_where_collectors_take_them(url: str, endpoint: str) -> None:
    assert endpoint_of(url) == endpoint


@pytest.mark.parametrize(
    "url",
    ["", "127.0.0.1:4318", "grpc://c:4317", "http://", "http://c:70000", "http://[c"],
)
def test_what_is_no_url_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(ConfigurationRefused, match=r"write it as http://127\.0\.0\.1"):
        endpoint_of(url)


def test_a_collector_gets_every_span_whole(collector: Collector) -> None:
    assert _send(collector.url) is None
    node, enclave, forward = collector.spans
    assert collector.paths == ["/v1/traces"]
    assert node.trace == enclave.trace == forward.trace == TRACE.hex()
    assert node.parent == CALLER.hex()
    assert enclave.parent == node.span == HOST.hex()
    assert forward.parent == enclave.span
    assert (node.kind, enclave.kind, forward.kind) == (SERVER, INTERNAL, CLIENT)
    assert (node.status, enclave.status) == (ERROR, 0)
    assert (node.began_ns, node.ended_ns) == (
        NOW_MS * 1_000_000,
        (NOW_MS + 9) * 1_000_000,
    )
    assert node.attributes == SPANS[0].attributes
    assert enclave.attributes == SPANS[1].attributes
    assert node.resource == {
        "service.name": "ccfpy",
        "service.version": VERSION,
        "service.instance.id": "abcd",
    }


def test_the_standard_variables_name_headers_and_the_service(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20x,a=b")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=lab")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "bank")
    assert _send(collector.url) is None
    assert collector.headers[0]["authorization"] == "Bearer x"
    assert collector.headers[0]["a"] == "b"
    resource = collector.spans[0].resource
    assert resource["service.name"] == "bank"
    assert resource["deployment.environment"] == "lab"
    assert resource["service.instance.id"] == "abcd"


def test_a_collector_that_refuses_is_quoted(
    collector: Collector, capfd: pytest.CaptureFixture[str]
) -> None:
    collector.status = 401
    reason = _send(collector.url)
    assert reason is not None
    assert "401" in reason
    assert capfd.readouterr() == ("", "")


def test_a_collector_that_is_not_there_is_named_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.2")
    reason = _send("http://127.0.0.1:1")
    assert reason is not None
    assert "127.0.0.1" in reason or "timeout" in reason
    assert len(reason) <= TRACES_REASON_CHARS_MAX
    assert reason.isprintable()
    assert capfd.readouterr() == ("", "")


def test_what_is_not_installed_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigurationRefused, match=r"pip install 'ccfpy\[otlp\]'"):
        OtlpExporter("http://127.0.0.1:4318/v1/traces")


def test_variables_that_cannot_be_followed_are_refused_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    provider = "OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER"
    monkeypatch.setenv(provider, "nobody")
    with pytest.raises(
        ConfigurationRefused, match=r"the variables OTEL_… say: .*nobody"
    ):
        OtlpExporter("http://127.0.0.1:4318/v1/traces")


def test_a_variable_that_is_passed_over_is_told_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert OtlpExporter("http://127.0.0.1:4318/v1/traces").complaint is None
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "soon")
    complaint = OtlpExporter("http://127.0.0.1:4318/v1/traces").complaint
    assert complaint is not None
    assert "'soon'" in complaint
