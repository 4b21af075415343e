"""Spans to a collector by OTLP, and what its operator's variables change."""

import sys
from collections.abc import Iterator

import pytest

from ccfpy.base.errors import ConfigurationRefused
from ccfpy.base.limits import TRACES_REASON_CHARS_MAX
from ccfpy.base.version import VERSION
from ccfpy.boundary.effects import ForwardingSpan
from ccfpy.host.otlp import OtlpExporter, endpoint_of
from ccfpy.host.spans import spans_of
from tests.collector import Collector, collecting
from tests.unit.host.reported import CALLER, FORWARD, NOW_MS, TRACE, report

HOST = b"host...."
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
