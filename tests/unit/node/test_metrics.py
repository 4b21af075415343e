"""A node's metrics: gathered from its parts, reported to the host, served as JSON."""

from ccfpy.boundary.effects import DescribeMetrics, MetricSeries, ReportMetrics
from ccfpy.boundary.events import ScrapeMetrics
from ccfpy.boundary.metrics import ENCLAVE_METRICS, METRICS
from ccfpy.boundary.wire import EFFECTS
from ccfpy.node.metrics import Gathered, MetricsReport, gather
from ccfpy.node.outbox import Outbox
from ccfpy.testing.network import Network
from ccfpy.testing.node import InProcessNode, Person
from tests.attacks import attack
from tests.unit.node.api.test_network import ask

ONLY_SOMETIMES = {
    "consensus_peer_match_seqno": "a primary with other nodes",
    "consensus_peer_ack_age_seconds": "the same",
    "js_calls_total": "an app with scripts",
    "js_call_duration_seconds": "the same",
    "js_interpreters_total": "the same",
    "js_limit_hits_total": "the same",
    "index_lag_seqno": "an app with indexes",
}
Values = dict[tuple[str, tuple[str, ...]], tuple[int, ...]]


def _values(node: InProcessNode) -> Values:
    running = node.trusted.running
    assert running is not None
    return {(name, labels): tuple(values) for name, labels, values in gather(running)}


def test_every_metric_of_the_enclave_is_reported_in_its_form(
    node: InProcessNode,
) -> None:
    values = _values(node)
    names = {name for name, _ in values}
    expected = {metric.name for metric in ENCLAVE_METRICS} - set(ONLY_SOMETIMES)
    assert names == expected
    for (name, labels), numbers in values.items():
        metric = METRICS[name]
        assert len(labels) == len(metric.labels), name
        assert len(numbers) == metric.value_count, name


def test_a_scrape_is_answered_by_one_report_of_the_described_series(
    node: InProcessNode,
) -> None:
    described, report = node.step(ScrapeMetrics())
    assert isinstance(described, DescribeMetrics)
    assert isinstance(report, ReportMetrics)
    counts = [METRICS[each.name].value_count for each in described.series]
    assert len(report.values) == sum(counts)
    assert EFFECTS.encode([described, report])
    (again,) = node.step(ScrapeMetrics())
    assert isinstance(again, ReportMetrics)


def test_requests_are_counted_by_frontend_method_and_class(
    node: InProcessNode, alice: Person
) -> None:
    before = _values(node)
    key = "http_requests_total", ("app", "PUT", "2xx", "")
    node.request("PUT", "/app/notes", person=alice, body={"a": "b"})
    node.request("PUT", "/app/broken", person=alice)
    node.request("GET", "/app/nowhere", person=alice)
    after = _values(node)
    assert after[key][0] == before.get(key, (0,))[0] + 1
    assert after["http_requests_total", ("app", "PUT", "5xx", "")] == (1,)
    assert after["http_requests_total", ("app", "GET", "4xx", "")] == (1,)
    took = after["http_request_duration_seconds", ("app", "")]
    assert sum(took[:-1]) >= 3


def test_consensus_and_the_state_are_as_the_node_says_elsewhere(
    node: InProcessNode, alice: Person
) -> None:
    before = _values(node)
    node.request("PUT", "/app/notes", person=alice, body={"a": "b"})
    node.advance(1000)
    after = _values(node)
    assert after["consensus_is_leader", ()] == (1,)
    assert after["consensus_nodes", ()] == (1,)
    assert after["consensus_view", ()] == (2,)
    assert after["consensus_last_seqno", ()] == after["consensus_commit_seqno", ()]
    assert after["consensus_last_seqno", ()] > before["consensus_last_seqno", ()]
    private = "kv_entries", ("private",)
    assert after[private][0] == before[private][0] + 1
    assert after["signatures_total", ()] > before["signatures_total", ()]
    ends = after["certificate_expiry_timestamp_seconds", ("service",)]
    assert ends > (0,)


def test_handshakes_and_unreadable_requests_are_counted(node: InProcessNode) -> None:
    client = node.connect()
    client.send(b"NONSENSE\r\n\r\n")
    values = _values(node)
    ok = [
        numbers
        for (name, labels), numbers in values.items()
        if name == "tls_handshakes_total" and labels[1] == "ok"
    ]
    assert sum(number for (number,) in ok) >= 1
    took = [
        sum(numbers[:-1])
        for (name, _), numbers in values.items()
        if name == "tls_handshake_duration_seconds"
    ]
    assert sum(took) == sum(number for (number,) in ok)
    assert values["http_requests_rejected_total", ("malformed",)] == (1,)


OF_NO_CALLER = {
    "signatures_total",
    "signature_duration_seconds",
    "snapshot_serialise_duration_seconds",
    "certificate_expiry_timestamp_seconds",
}


def test_of_an_app_that_wants_none_no_metric_says_what_callers_do(
    node: InProcessNode, alice: Person
) -> None:
    assert node.trusted.running is not None
    node.trusted.running.frontends["app"].registry.has_metrics = False
    node.request("PUT", "/app/notes", person=alice, body={"a": "b"})
    names = {name for name, _ in _values(node)}
    assert names >= OF_NO_CALLER
    assert all(name.startswith("consensus_") for name in names - OF_NO_CALLER)


def test_a_node_that_has_not_booted_reports_nothing(node: InProcessNode) -> None:
    assert node.twin().step([ScrapeMetrics()]) == [ReportMetrics(values=())]


def test_a_primary_reports_its_peers_by_a_part_of_their_ids(network: Network) -> None:
    joiner = network.join()
    network.nodes[0].trust(joiner)
    network.wait_until_settled(joiner)
    name, label = "consensus_peer_match_seqno", (joiner.node_id[:12],)
    values = _values(network.nodes[0])
    assert values[name, label] == values["consensus_last_seqno", ()]
    assert values["consensus_nodes", ()] == (2,)
    assert values["consensus_peer_ack_age_seconds", label][0] < 1000
    assert not [key for key in _values(joiner) if key[0] == name]


@attack("metrics: a private value in a label")
def test_no_label_has_a_value_that_a_caller_chose(node: InProcessNode) -> None:
    node.request("BREW", "/app/canary-canary-canary?canary=canary")
    node.request("PUT", "/app/notes", body={"canary": "canary"})
    for name, labels in _values(node):
        assert "canary" not in "".join(labels), name
        assert "BREW" not in labels


def test_series_are_described_when_they_change_and_only_then() -> None:
    outbox = Outbox()
    report = MetricsReport(outbox)
    view = Gathered("consensus_view", (), (2,))
    peer = Gathered("consensus_peer_match_seqno", ("ab",), (7,))
    report.answer([view])
    report.answer([view])
    report.answer([view, peer])
    series = MetricSeries(name="consensus_view", labels=())
    other = MetricSeries(name="consensus_peer_match_seqno", labels=("ab",))
    assert outbox.take() == [
        DescribeMetrics(series=(series,)),
        ReportMetrics(values=(2,)),
        ReportMetrics(values=(2,)),
        DescribeMetrics(series=(series, other)),
        ReportMetrics(values=(2, 7)),
    ]


def test_a_clock_that_goes_back_makes_no_number_that_the_boundary_refuses() -> None:
    outbox = Outbox()
    MetricsReport(outbox).answer([Gathered("consensus_view", (), (-5,))])
    assert outbox.take()[-1] == ReportMetrics(values=(0,))


def test_memory_limits_and_versions(node: InProcessNode) -> None:
    memory = ask(node, "/node/memory")
    assert set(memory) == {
        "max_total_heap_size",
        "current_allocated_heap_size",
        "peak_allocated_heap_size",
    }
    version = ask(node, "/node/version")
    assert version["unsafe"] is False
    assert version["quickjs_version"]
    assert ask(node, "/node/js_metrics") == {
        "bytecode_size": 0,
        "bytecode_used": False,
        "max_cached_interpreters": 10,
        "max_execution_time": 5000,
        "max_heap_size": 100 * 1024 * 1024,
        "max_stack_size": 1024 * 1024,
    }


def test_sessions_are_counted_by_interface(node: InProcessNode) -> None:
    sessions = ask(node, "/node/metrics")["sessions"]
    assert isinstance(sessions, dict)
    interfaces = sessions["interfaces"]
    assert isinstance(interfaces, dict)
    counted = interfaces["primary_rpc_interface"]
    assert isinstance(counted, dict)
    assert (counted["soft_cap"], counted["hard_cap"]) == (1000, 1010)
    assert counted["active"] == 1
