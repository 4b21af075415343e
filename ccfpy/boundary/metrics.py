"""All metrics of a node, and whether the host or the enclave measures each.

The host serves all of them as text (`host.metrics_server`). The enclave sends its
metrics as integers (`effects.ReportMetrics`), in the order of the series that it
described before (`effects.DescribeMetrics`).

The host sees these values, so they must not reveal what TLS and the ledger's encryption
hide: no name of a person, a key or a private map, no path except an endpoint's
template, no status finer than its class, and no time of a single request finer than a
millisecond.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

PREFIX: Final = "ccfpy_"
"""The prefix of each name in the text that the host serves."""

NS_PER_S: Final = 1_000_000_000
_NS_PER_MS = 1_000_000
DISK_EDGES_NS: Final = tuple(
    round(ms * _NS_PER_MS)
    for ms in (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 10_000)
)
"""Upper edges of the buckets of the host's histograms, from 0.1 ms to 10 s."""
MS_PER_S: Final = 1000
TIME_EDGES_MS: Final = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000)
"""Upper edges of the buckets of the enclave's histograms, from 1 ms to 10 s."""
TIME_EDGES_NS: Final = tuple(ms * _NS_PER_MS for ms in TIME_EDGES_MS)
PEER_DIGITS: Final = 12
"""Number of digits of a node's id in a label: enough to distinguish nodes."""


class MetricKind(StrEnum):
    """The kinds that Prometheus knows."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class MeasuredBy(StrEnum):
    """The process that measures a metric."""

    HOST = "host"
    ENCLAVE = "enclave"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric.

    Attributes:
        name: the name without the prefix.
        about: one sentence, the help in the served text.
        labels: the names of its labels; a series has a value for each.
        per_unit: the factor from the metric's unit to the stored integers, as
            ``NS_PER_S`` for seconds that are stored as nanoseconds.
        edges: the upper edges of a histogram's buckets, in stored integers.
    """

    name: str
    kind: MetricKind
    about: str
    by: MeasuredBy
    labels: tuple[str, ...] = ()
    per_unit: int = 1
    edges: tuple[int, ...] = ()

    @property
    def value_count(self) -> int:
        """The number of integers in a series."""
        if self.kind is MetricKind.HISTOGRAM:
            return len(self.edges) + 2
        return 1


def _host(
    kind: MetricKind, name: str, about: str, *labels: str, per_unit: int = 1
) -> Metric:
    return Metric(
        name=name,
        kind=kind,
        about=about,
        by=MeasuredBy.HOST,
        labels=labels,
        per_unit=per_unit,
        edges=DISK_EDGES_NS if kind is MetricKind.HISTOGRAM else (),
    )


_COUNTER, _GAUGE, _HISTOGRAM = MetricKind

HOST_METRICS: Final = (
    _host(
        _COUNTER,
        "traced_requests_total",
        "Requests whose traces were sent, refused by the collector, or dropped.",
        "result",
    ),
    _host(
        _GAUGE,
        "build_info",
        "What this node runs; always 1.",
        "version",
        "python",
        "compiled",
        "platform",
        "code_id",
    ),
    _host(_GAUGE, "sessions_active", "Client connections now.", "interface"),
    _host(_GAUGE, "sessions_peak", "Most client connections at once.", "interface"),
    _host(
        _GAUGE,
        "sessions_limit",
        "Connections beyond which requests (soft) or connections (hard) are refused.",
        "interface",
        "limit",
    ),
    _host(
        _COUNTER,
        "sessions_closed_total",
        "Client connections that ended, by who ended them and why.",
        "interface",
        "reason",
    ),
    _host(
        _GAUGE, "peer_connected", "Whether this node has a connection to it.", "peer"
    ),
    _host(
        _COUNTER,
        "peer_bytes_total",
        "Bytes exchanged with another node.",
        "peer",
        "direction",
    ),
    _host(_GAUGE, "ledger_bytes", "Bytes of the files in the ledger's folder."),
    _host(_GAUGE, "ledger_chunks", "Files in the ledger's folder.", "chunks"),
    _host(_GAUGE, "snapshot_last_seqno", "The seqno of the newest final snapshot."),
    _host(_GAUGE, "snapshot_bytes", "Bytes of the newest final snapshot."),
    _host(
        _HISTOGRAM,
        "snapshot_sync_duration_seconds",
        "Time until the disk has confirmed a snapshot that is final.",
        per_unit=NS_PER_S,
    ),
    _host(
        _GAUGE,
        "storage_free_bytes",
        "Bytes left to this node on the disk of a folder.",
        "folder",
    ),
    _host(
        _HISTOGRAM,
        "ledger_append_duration_seconds",
        "Time to write entries, with the flush of those that end in a signature.",
        per_unit=NS_PER_S,
    ),
    _host(
        _HISTOGRAM,
        "ledger_fsync_duration_seconds",
        "Time until the disk has confirmed a signature; with --sync-ledger.",
        per_unit=NS_PER_S,
    ),
    _host(
        _GAUGE,
        "boundary_queue_bytes",
        "Bytes for the enclave that wait in the host.",
    ),
    _host(
        _COUNTER,
        "boundary_congested_seconds_total",
        "Time in which the host read from no client, as the enclave did not keep up.",
        per_unit=NS_PER_S,
    ),
    _host(
        _GAUGE,
        "enclave_answers",
        "Whether the enclave answered this scrape in time.",
    ),
    _host(
        _GAUGE,
        "process_resident_memory_bytes",
        "Memory that a process has in use.",
        "process",
    ),
    _host(
        _COUNTER,
        "process_cpu_seconds_total",
        "Processor time that a process has used.",
        "process",
        per_unit=NS_PER_S,
    ),
    _host(
        _GAUGE,
        "process_open_fds",
        "Descriptors that a process has open, where the system says.",
        "process",
    ),
    _host(
        _GAUGE,
        "process_start_time_seconds",
        "When a process started, as seconds since 1970.",
        "process",
        per_unit=NS_PER_S,
    ),
    _host(_COUNTER, "log_lines_total", "Lines that this node has logged.", "level"),
    _host(
        _COUNTER,
        "log_lines_dropped_total",
        "Lines of the log that were lost: its disk is full, or nobody reads it.",
    ),
)


def _enclave(
    kind: MetricKind, name: str, about: str, *labels: str, per_unit: int = 1
) -> Metric:
    return Metric(
        name=name,
        kind=kind,
        about=about,
        by=MeasuredBy.ENCLAVE,
        labels=labels,
        per_unit=MS_PER_S if kind is MetricKind.HISTOGRAM else per_unit,
        edges=TIME_EDGES_MS if kind is MetricKind.HISTOGRAM else (),
    )


ENCLAVE_METRICS: Final = (
    _enclave(
        _COUNTER,
        "http_requests_total",
        "Requests that a frontend has answered, also those that other nodes forwarded.",
        "frontend",
        "method",
        "status",
        "endpoint",
    ),
    _enclave(
        _HISTOGRAM,
        "http_request_duration_seconds",
        "Time from a whole request to its answer, with the wait for other nodes.",
        "frontend",
        "endpoint",
    ),
    _enclave(
        _COUNTER,
        "http_request_conflicts_total",
        "Handlers run again, as another transaction had changed what they read.",
        "frontend",
    ),
    _enclave(
        _COUNTER,
        "http_requests_rejected_total",
        "Requests that no endpoint saw.",
        "reason",
    ),
    _enclave(
        _HISTOGRAM,
        "http_commit_wait_seconds",
        "Time for which answers waited until their transaction was final.",
    ),
    _enclave(
        _COUNTER,
        "tls_handshakes_total",
        "TLS handshakes with clients that have ended.",
        "interface",
        "result",
    ),
    _enclave(
        _HISTOGRAM,
        "tls_handshake_duration_seconds",
        "Time from a client's first bytes until TLS is established, with all waits.",
        "interface",
    ),
    _enclave(_GAUGE, "consensus_is_leader", "Whether this node is the primary."),
    _enclave(_GAUGE, "consensus_view", "The newest view that this node knows."),
    _enclave(_GAUGE, "consensus_last_seqno", "The last entry of the ledger."),
    _enclave(_GAUGE, "consensus_commit_seqno", "The last entry that is final."),
    _enclave(
        _GAUGE, "consensus_nodes", "Nodes whose acknowledgements count, this one too."
    ),
    _enclave(
        _COUNTER,
        "consensus_view_changes_total",
        "Changes of the view that this node has seen.",
    ),
    _enclave(
        _COUNTER,
        "consensus_elections_total",
        "Elections in which this node was a candidate.",
        "result",
    ),
    _enclave(
        _HISTOGRAM,
        "consensus_commit_duration_seconds",
        "Time from a signature of this primary until it is final.",
    ),
    _enclave(
        _GAUGE,
        "consensus_peer_match_seqno",
        "The last entry that another node has acknowledged to this primary.",
        "peer",
    ),
    _enclave(
        _GAUGE,
        "consensus_peer_ack_age_seconds",
        "Time since another node answered this primary.",
        "peer",
        per_unit=MS_PER_S,
    ),
    _enclave(
        _COUNTER,
        "forwarded_requests_total",
        "Requests that this backup had for the primary.",
        "result",
    ),
    _enclave(
        _HISTOGRAM,
        "forward_duration_seconds",
        "Time until the primary answered a forwarded request.",
    ),
    _enclave(_COUNTER, "signatures_total", "Signatures that this primary has made."),
    _enclave(
        _HISTOGRAM,
        "signature_duration_seconds",
        "Time to make a signature and to append it.",
    ),
    _enclave(
        _HISTOGRAM,
        "snapshot_serialise_duration_seconds",
        "Time to make a snapshot's bytes, a little at a time beside requests.",
    ),
    _enclave(
        _GAUGE,
        "kv_entries",
        "Keys in all public maps, and in all private maps.",
        "domain",
    ),
    _enclave(_COUNTER, "js_calls_total", "Requests that a script has answered."),
    _enclave(
        _HISTOGRAM, "js_call_duration_seconds", "Time that scripts ran for a request."
    ),
    _enclave(
        _COUNTER,
        "js_interpreters_total",
        "Interpreters that requests were given.",
        "how",
    ),
    _enclave(
        _COUNTER,
        "js_limit_hits_total",
        "Scripts of requests that were stopped at a limit.",
        "limit",
    ),
    _enclave(
        _COUNTER,
        "historical_entries_total",
        "Entries of the past that were wanted, by where they were found.",
        "result",
    ),
    _enclave(
        _GAUGE,
        "historical_cache_bytes",
        "About how much memory the states of the past take.",
    ),
    _enclave(
        _GAUGE,
        "index_lag_seqno",
        "How many final entries an index has not seen; indexes have numbers.",
        "index",
    ),
    _enclave(
        _COUNTER,
        "jwt_refresh_total",
        "Refreshes of the keys of token issuers that have ended.",
        "result",
    ),
    _enclave(
        _GAUGE,
        "certificate_expiry_timestamp_seconds",
        "When a certificate ends, as seconds since 1970.",
        "of",
    ),
)

METRICS: Final[dict[str, Metric]] = {
    metric.name: metric for metric in (*HOST_METRICS, *ENCLAVE_METRICS)
}
"""All metrics by name, in the order in which they are served."""
