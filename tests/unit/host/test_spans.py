"""Which spans a request has, and what they say."""

from ccfpy.boundary.effects import ForwardingSpan
from ccfpy.host.spans import SpanRole, spans_of
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
