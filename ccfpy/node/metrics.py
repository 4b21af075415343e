"""The metrics of `boundary.metrics`, gathered from the node's parts as integers.

The order of the series is sent before the numbers.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ccfpy.boundary.effects import DescribeMetrics, MetricSeries, ReportMetrics
from ccfpy.boundary.metrics import PEER_DIGITS
from ccfpy.endpoints.metrics import STATUS_CLASSES, RequestCounts
from ccfpy.js.serving import ScriptedRegistry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ccfpy.base.histogram import Histogram
    from ccfpy.endpoints.frontend import Frontend
    from ccfpy.node.outbox import Outbox
    from ccfpy.node.running import RunningNode


_NS_PER_MS = 1_000_000


class Gathered(NamedTuple):
    """One series, as it is now.

    Attributes:
        name: of the metric.
        labels: a value for each label of the metric.
        values: one integer, or those of a histogram.
    """

    name: str
    labels: tuple[str, ...]
    values: Sequence[int]


def gather(running: "RunningNode") -> Iterator[Gathered]:
    """Return the samples of a node; those of callers only if the app wants that."""
    app = running.frontends.get("app")
    if app is None or app.registry.has_metrics:
        yield from _of_callers(running)
    yield from _of_consensus(running)
    yield from _of_signatures(running)
    snapshots = running.snapshots.serialised_ms.values
    yield Gathered("snapshot_serialise_duration_seconds", (), snapshots)
    yield from _counters("certificate_expiry_timestamp_seconds", _ends(running))


def _of_callers(running: "RunningNode") -> Iterator[Gathered]:
    """Return what callers do, and what comes of it."""
    for prefix, frontend in running.frontends.items():
        yield from _of_frontend(prefix, frontend)
    yield from _of_rejections(running)
    yield from _of_sessions(running)
    yield from _of_waits(running)
    app = running.frontends.get("app")
    if app is not None and isinstance(app.registry, ScriptedRegistry):
        yield from _of_scripts(app.registry)
    yield from _of_state(running)


def _of_frontend(prefix: str, frontend: "Frontend") -> Iterator[Gathered]:
    yield from _of_requests(prefix, "", frontend.counts)
    for endpoint, counts in frontend.counts_apart.by_path.items():
        yield from _of_requests(prefix, endpoint, counts)
    yield Gathered("http_request_conflicts_total", (prefix,), (frontend.conflicts,))


def _of_requests(
    prefix: str, endpoint: str, counts: RequestCounts
) -> Iterator[Gathered]:
    """Return the samples of an endpoint, or of all that are not counted apart."""
    for method, statuses in counts.by_method.items():
        if any(statuses):
            for status, count in zip(STATUS_CLASSES, statuses, strict=True):
                labels = prefix, method, status, endpoint
                yield Gathered("http_requests_total", labels, (count,))
    values = (*counts.times, counts.total_ns // _NS_PER_MS)
    yield Gathered("http_request_duration_seconds", (prefix, endpoint), values)


def _of_rejections(running: "RunningNode") -> Iterator[Gathered]:
    frontends = running.frontends.values()
    interfaces = running.session_counts.interfaces.values()
    reasons = {
        "backpressure": sum(each.turned_away for each in frontends),
        "closed": sum(each.closed_to for each in frontends),
        "sessions": sum(each.capped for each in interfaces),
        "body": sum(each.errors["request_payload_too_large"] for each in interfaces),
        "header": sum(each.errors["request_header_too_large"] for each in interfaces),
        "malformed": sum(each.errors["parsing"] for each in interfaces),
    }
    for reason, count in reasons.items():
        yield Gathered("http_requests_rejected_total", (reason,), (count,))


def _of_sessions(running: "RunningNode") -> Iterator[Gathered]:
    for name, interface in running.session_counts.interfaces.items():
        for result, count in interface.handshakes.items():
            yield Gathered("tls_handshakes_total", (name, result), (count,))
        took = _ms_of_ns(interface.handshake_ns)
        yield Gathered("tls_handshake_duration_seconds", (name,), took)


def _of_consensus(running: "RunningNode") -> Iterator[Gathered]:
    state = running.replication.raft.state
    gauges = {
        "consensus_is_leader": int(state.is_leader),
        "consensus_view": state.view,
        "consensus_last_seqno": state.log.last_seqno,
        "consensus_commit_seqno": state.log.commit_seqno,
        "consensus_nodes": len(state.configurations.nodes),
        "consensus_view_changes_total": running.replication.view_changes,
    }
    for name, value in gauges.items():
        yield Gathered(name, (), (value,))
    counts = state.elections
    results = {"won": counts.won, "lost": counts.lost, "abandoned": counts.abandoned}
    yield from _counters("consensus_elections_total", results)
    if state.is_leader:
        for node, peer in sorted(state.peers.items()):
            label = (node[:PEER_DIGITS],)
            yield Gathered("consensus_peer_match_seqno", label, (peer.matched,))
            yield Gathered("consensus_peer_ack_age_seconds", label, (peer.silent_ms,))


def _of_signatures(running: "RunningNode") -> Iterator[Gathered]:
    signatures = running.signature_times
    final, made = _ms_of_ns(signatures.final_ns), _ms_of_ns(signatures.made_ns)
    yield Gathered("consensus_commit_duration_seconds", (), final)
    yield Gathered("signatures_total", (), (sum(signatures.made_ns.counts),))
    yield Gathered("signature_duration_seconds", (), made)


def _of_waits(running: "RunningNode") -> Iterator[Gathered]:
    waited = running.commit_waits.waited_ms.values
    yield Gathered("http_commit_wait_seconds", (), waited)
    yield from _counters("forwarded_requests_total", running.forwarder.results)
    yield Gathered("forward_duration_seconds", (), running.forwarder.took_ms.values)


def _of_scripts(registry: ScriptedRegistry) -> Iterator[Gathered]:
    executor = registry.executor
    if executor is None:
        return
    ran = executor.ran_ms
    reused, fresh = executor.interpreters
    yield Gathered("js_calls_total", (), (sum(ran.counts),))
    yield Gathered("js_call_duration_seconds", (), ran.values)
    yield from _counters("js_interpreters_total", {"reused": reused, "fresh": fresh})
    hits = {str(limit): count for limit, count in executor.limit_hits.items()}
    yield from _counters("js_limit_hits_total", hits)


def _of_state(running: "RunningNode") -> Iterator[Gathered]:
    sizes = {"public": 0, "private": 0}
    for versioned in running.tail.store.maps.values():
        sizes["public" if versioned.is_public else "private"] += len(versioned.chains)
    yield from _counters("kv_entries", sizes)
    history = running.history
    yield from _counters("historical_entries_total", history.pool.results)
    yield Gathered("historical_cache_bytes", (), (history.bytes_taken,))
    for number, lag in enumerate(running.indexing.lags()):
        yield Gathered("index_lag_seqno", (str(number),), (lag,))
    refreshes = running.jwt_refresh.counts
    results = {"ok": refreshes.successes, "failed": refreshes.failures}
    yield from _counters("jwt_refresh_total", results)


def _ends(running: "RunningNode") -> Mapping[str, int]:
    """Return when the node's and the service's certificates end, since 1970."""
    if not running.is_trusted:
        return {"node": running.identity.self_signed.validity_s[1]}
    credentials = running.credentials
    return {
        "node": credentials.endorsed.validity_s[1],
        "service": credentials.service.certificate.validity_s[1],
    }


def _counters(name: str, counts: Mapping[str, int]) -> Iterator[Gathered]:
    for label, count in counts.items():
        yield Gathered(name, (label,), (count,))


def _ms_of_ns(histogram: "Histogram") -> tuple[int, ...]:
    return (*histogram.counts, histogram.total // _NS_PER_MS)


class MetricsReport:
    """What the host was told of the series, and the answers."""

    def __init__(self, outbox: "Outbox") -> None:
        self._outbox = outbox
        self._described: list[tuple[str, tuple[str, ...]]] = []

    def answer(self, samples: "Iterable[Gathered]") -> None:
        """Answer a scrape; describe the series first if they have changed."""
        series: list[tuple[str, tuple[str, ...]]] = []
        values: list[int] = []
        for name, labels, numbers in samples:
            series.append((name, labels))
            # The clock is the host's, and may go back.
            values += [max(0, number) for number in numbers]
        if series != self._described:
            self._described = series
            described = (MetricSeries(name=name, labels=to) for name, to in series)
            self._outbox.put(DescribeMetrics(series=tuple(described)))
        self._outbox.put(ReportMetrics(values=tuple(values)))
