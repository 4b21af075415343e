"""Every metric that a node has, and which of its two halves measures it.

The host serves all of them as text (`host.metrics_text`). Those of the enclave cross
the boundary as integers, in the order of the series that the enclave described before
(`effects.DescribeMetrics`, `effects.ReportMetrics`). The host sees what it serves, so
nothing here may say what TLS and the ledger's encryption hide: no name of a person, a
key or a private map, no path but an app's own template, no status finer than its class,
and no time finer than a millisecond of a single request.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

PREFIX: Final = "ccfpy_"
"""Of each name, where the text is served."""

NS_PER_S: Final = 1_000_000_000
_NS_PER_MS = 1_000_000
DISK_EDGES_NS: Final = tuple(
    round(ms * _NS_PER_MS)
    for ms in (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 10_000)
)
"""From 0.1 ms to 10 s."""
REQUEST_EDGES_NS: Final = tuple(
    ms * _NS_PER_MS
    for ms in (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000)
)
"""From 1 ms to 10 s: a request that takes less says nothing about what it did."""


class MetricKind(StrEnum):
    """The kinds that Prometheus knows."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class MeasuredBy(StrEnum):
    """Which half of a node measures."""

    HOST = "host"
    ENCLAVE = "enclave"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric.

    Attributes:
        name: without the prefix.
        about: one sentence, which the text quotes.
        labels: the names of its labels; a series has a value for each.
        per_unit: how many of the integers that are kept make one of the metric's unit,
            as ``NS_PER_S`` for seconds that are kept as nanoseconds.
        edges: of a histogram, in those integers.
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
        """How many integers a series has."""
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
)

METRICS: Final[dict[str, Metric]] = {metric.name: metric for metric in HOST_METRICS}
"""All of them by name, in the order in which they are served."""
