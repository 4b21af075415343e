"""A node's metrics, gathered when somebody asks, as Prometheus's text.

The host measures itself and the processes, as far as Linux tells under ``/proc``, and
asks the enclave for what it measures. The text is in version 0.0.4 of the exposition
format: <https://prometheus.io/docs/instrumenting/exposition_formats/>.
"""

import asyncio
import contextlib
import os
import platform as machine
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ccfpy.base.errors import Malformed
from ccfpy.base.json import loads
from ccfpy.base.limits import METRICS_ENCLAVE_MS_MAX, METRICS_SERIES_MAX
from ccfpy.base.version import VERSION
from ccfpy.boundary import wire
from ccfpy.boundary.effects import DescribeMetrics, MetricSeries, ReportMetrics
from ccfpy.boundary.events import Event, ScrapeMetrics
from ccfpy.boundary.metrics import (
    METRICS,
    NS_PER_S,
    PEER_DIGITS,
    PREFIX,
    MeasuredBy,
    Metric,
    MetricKind,
)
from ccfpy.host.config import ConfigurationFile
from ccfpy.host.enclave_link import EnclaveLink
from ccfpy.host.enclave_process import PLATFORM_OVERRIDE
from ccfpy.host.log import Journal
from ccfpy.host.peers import Peers
from ccfpy.host.sessions import Sessions
from ccfpy.host.storage import Storage
from ccfpy.host.traces import NO_COUNTS, TraceSender
from ccfpy.ledger.chunk import ChunkName
from ccfpy.ledger.snapshot import SnapshotName

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Sample(NamedTuple):
    """One series of a metric, as it is now.

    Attributes:
        name: of the metric, without the prefix.
        labels: a value for each label of the metric.
        values: one integer; of a histogram, a count for each edge and for what is
            beyond, and the sum.
    """

    name: str
    labels: tuple[str, ...]
    values: Sequence[int]


def render(samples: Iterable[Sample]) -> tuple[str, int]:
    """Return the text, and how many series were left out beyond the bound."""
    by_name: dict[str, list[Sample]] = {}
    for sample in samples:
        by_name.setdefault(sample.name, []).append(sample)
    lines: list[str] = []
    left = METRICS_SERIES_MAX
    left_out = 0
    for metric in METRICS.values():
        found = by_name.get(metric.name, [])
        served = found[:left]
        left -= len(served)
        left_out += len(found) - len(served)
        if served:
            name = PREFIX + metric.name
            lines.append(f"# HELP {name} {_escaped_help(metric.about)}")
            lines.append(f"# TYPE {name} {metric.kind}")
            for sample in served:
                lines += _lines(metric, name, sample)
    return "\n".join([*lines, ""]), left_out


def _lines(metric: Metric, name: str, sample: Sample) -> Iterator[str]:
    labels = [
        f'{label}="{_escaped(value)}"'
        for label, value in zip(metric.labels, sample.labels, strict=True)
    ]
    if metric.kind is not MetricKind.HISTOGRAM:
        (value,) = sample.values
        yield f"{name}{_braced(labels)} {_number(value, metric.per_unit)}"
        return
    *counts, total = sample.values
    edges = [_number(edge, metric.per_unit) for edge in metric.edges]
    count = 0
    for edge, more in zip([*edges, "+Inf"], counts, strict=True):
        count += more
        below = _braced([*labels, f'le="{edge}"'])
        yield f"{name}_bucket{below} {count}"
    yield f"{name}_sum{_braced(labels)} {_number(total, metric.per_unit)}"
    yield f"{name}_count{_braced(labels)} {count}"


def _braced(labels: list[str]) -> str:
    return "{" + ",".join(labels) + "}" if labels else ""


def _number(value: int, per_unit: int) -> str:
    return str(value) if per_unit == 1 else repr(value / per_unit)


def _escaped(text: str) -> str:
    return _escaped_help(text).replace('"', '\\"')


def _escaped_help(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


_SOURCE = "metrics"


class Stopwatch:
    """Adds up the time in which something is so."""

    def __init__(self, now_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._now_ns = now_ns
        self._since_ns: int | None = None
        self._total_ns = 0

    def set(self, *, is_on: bool) -> None:
        """Note that it is so from now on, or not any more."""
        if is_on is (self._since_ns is not None):
            return
        self._total_ns = self.total_ns
        self._since_ns = self._now_ns() if is_on else None

    @property
    def total_ns(self) -> int:
        """The time until now."""
        if self._since_ns is None:
            return self._total_ns
        return self._total_ns + self._now_ns() - self._since_ns


@dataclass(eq=False, kw_only=True)
class HostMetrics:
    """What makes the text of a node's metrics.

    Attributes:
        post: sends the enclave an event.
        measurement: of the enclave's program, as JSON, once it is known.
        congested: while the host reads from no client.
        traces: sends traces, if they are sent.
    """

    post: Callable[[Event], None]
    file: ConfigurationFile
    link: EnclaveLink
    storage: Storage
    journal: Journal
    sessions: Sessions
    peers: Peers
    congested: Stopwatch
    traces: TraceSender | None = None
    measurement: bytes | None = None

    def __post_init__(self) -> None:
        """Begin without a complaint."""
        self.enclave = EnclaveMetrics(self.post, self.journal)
        self._has_complained = False

    async def text(self) -> str:
        """Gather all metrics and return them as text."""
        # A ledger has thousands of files: they are counted beside the node's loop.
        loop = asyncio.get_running_loop()
        of_files = await loop.run_in_executor(None, self._of_files)
        of_enclave = await self.enclave.samples()
        answers = Sample("enclave_answers", (), (int(of_enclave is not None),))
        text, left_out = render(
            [
                answers,
                *self._of_node(),
                *of_files,
                *self._of_processes(),
                *(of_enclave or ()),
            ]
        )
        if left_out and not self._has_complained:
            self._has_complained = True
            self.journal.fail(
                f"{left_out} series of metrics are beyond the bound, and not served",
                file=_SOURCE,
            )
        return text

    def _of_node(self) -> Iterator[Sample]:
        yield Sample("build_info", self._build(), (1,))
        yield from self._of_sessions()
        for peer, counts in self.peers.traffic().items():
            name = peer[:PEER_DIGITS]
            yield Sample("peer_connected", (name,), (int(counts.is_connected),))
            yield Sample("peer_bytes_total", (name, "received"), (counts.received,))
            yield Sample("peer_bytes_total", (name, "sent"), (counts.sent,))
        appends, syncs = self.storage.append_ns, self.storage.ledger.sync_ns
        yield Sample("ledger_append_duration_seconds", (), appends.values)
        yield Sample("ledger_fsync_duration_seconds", (), syncs.values)
        snapshots = self.storage.snapshots.sync_ns
        yield Sample("snapshot_sync_duration_seconds", (), snapshots.values)
        yield Sample("boundary_queue_bytes", (), (self.link.queued_bytes,))
        congested_ns = self.congested.total_ns
        yield Sample("boundary_congested_seconds_total", (), (congested_ns,))
        traced = NO_COUNTS if self.traces is None else self.traces.counts
        for result, count in traced.items():
            yield Sample("traced_requests_total", (result,), (count,))
        for level, count in self.journal.counts.items():
            yield Sample("log_lines_total", (level,), (count,))
        yield Sample("log_lines_dropped_total", (), (self.journal.dropped,))

    def _build(self) -> tuple[str, ...]:
        is_compiled = not str(wire.__file__).endswith(".py")
        said = {} if self.measurement is None else loads(self.measurement)
        code_id = said.get("measurement", "") if isinstance(said, dict) else ""
        return (
            VERSION,
            machine.python_version(),
            str(is_compiled).lower(),
            os.environ.get(PLATFORM_OVERRIDE, "Virtual"),
            str(code_id),
        )

    def _of_sessions(self) -> Iterator[Sample]:
        for interface, counts in self.sessions.counts().items():
            yield Sample("sessions_active", (interface,), (counts.active,))
            yield Sample("sessions_peak", (interface,), (counts.peak,))
            section = self.file.network.rpc_interfaces[interface]
            soft, hard = section.max_open_sessions_soft, section.max_open_sessions_hard
            yield Sample("sessions_limit", (interface, "soft"), (soft,))
            yield Sample("sessions_limit", (interface, "hard"), (hard,))
            for reason, count in counts.closed.items():
                yield Sample("sessions_closed_total", (interface, reason), (count,))

    def _of_files(self) -> list[Sample]:
        samples: list[Sample] = []
        ledger = Path(self.file.ledger.directory)
        with contextlib.suppress(OSError):
            size, committed, uncommitted = _ledger_size(ledger)
            samples += [
                Sample("ledger_bytes", (), (size,)),
                Sample("ledger_chunks", ("committed",), (committed,)),
                Sample("ledger_chunks", ("open",), (uncommitted,)),
            ]
        snapshots = Path(self.file.snapshots.directory)
        with contextlib.suppress(OSError):
            seqno, size = _newest_snapshot(snapshots)
            samples.append(Sample("snapshot_last_seqno", (), (seqno,)))
            samples.append(Sample("snapshot_bytes", (), (size,)))
        folders: Mapping[str, Path] = {"ledger": ledger, "snapshots": snapshots}
        for name, folder in folders.items():
            with contextlib.suppress(OSError):
                free = shutil.disk_usage(folder).free
                samples.append(Sample("storage_free_bytes", (name,), (free,)))
        return samples

    def _of_processes(self) -> Iterator[Sample]:
        processes = {"host": os.getpid(), "enclave": self.link.process_id}
        for name, process_id in processes.items():
            usage = None if process_id is None else usage_of(process_id)
            if usage is None:
                continue
            resident = usage.resident_bytes
            yield Sample("process_resident_memory_bytes", (name,), (resident,))
            yield Sample("process_cpu_seconds_total", (name,), (usage.cpu_ns,))
            yield Sample("process_start_time_seconds", (name,), (usage.started_ns,))
            if usage.open_files is not None:
                yield Sample("process_open_fds", (name,), (usage.open_files,))


def _ledger_size(folder: Path) -> tuple[int, int, int]:
    """Return the bytes of a ledger's files, how many are committed, and the others."""
    size = committed = uncommitted = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(Malformed, FileNotFoundError):
                name = ChunkName.parse(entry.name)
                size += entry.stat().st_size
                committed += name.is_committed
                uncommitted += not name.is_committed
    return size, committed, uncommitted


def _newest_snapshot(folder: Path) -> tuple[int, int]:
    """Return the seqno and the size of the newest final snapshot; zeros without one."""
    newest = (0, 0)
    with os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(Malformed, FileNotFoundError):
                name = SnapshotName.parse(entry.name)
                if name.is_committed and name.seqno > newest[0]:
                    newest = name.seqno, entry.stat().st_size
    return newest


class EnclaveMetrics:
    """The enclave's metrics, as it described and reported them last."""

    def __init__(self, post: Callable[[Event], None], journal: Journal) -> None:
        self._post = post
        self._journal = journal
        self._series: tuple[MetricSeries, ...] = ()
        self._answer: asyncio.Future[ReportMetrics] | None = None

    def described(self, effect: DescribeMetrics) -> None:
        """Note which series the reports have from now on."""
        self._series = effect.series

    def reported(self, effect: ReportMetrics) -> None:
        """Pass a report on, if somebody still waits for it."""
        answer, self._answer = self._answer, None
        if answer is not None and not answer.done():
            answer.set_result(effect)

    async def samples(self) -> list[Sample] | None:
        """Ask the enclave; nothing if it does not answer in time, or not in form."""
        answer = self._answer = asyncio.get_running_loop().create_future()
        self._post(ScrapeMetrics())
        try:
            report = await asyncio.wait_for(answer, METRICS_ENCLAVE_MS_MAX / 1000)
            return list(samples_of(self._series, report.values))
        except TimeoutError:
            return None
        except ValueError as error:
            self._journal.fail(f"Metrics of the enclave: {error}", file="metrics")
            return None


def samples_of(
    series: tuple[MetricSeries, ...], values: tuple[int, ...]
) -> Iterator[Sample]:
    """Return the values by their series.

    Raises:
        ValueError: a series is none of the enclave's, or there are too few values, or
            too many.
    """
    start = 0
    for each in series:
        metric = METRICS.get(each.name)
        if (
            metric is None
            or metric.by is not MeasuredBy.ENCLAVE
            or len(each.labels) != len(metric.labels)
        ):
            raise ValueError("a series that this host does not know")
        stop = start + metric.value_count
        if stop > len(values):
            raise ValueError("fewer values than its series have")
        yield Sample(each.name, each.labels, values[start:stop])
        start = stop
    if start != len(values):
        raise ValueError("more values than its series have")


_TICK_NS = NS_PER_S // (os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100)
# Counted from the third field of ``/proc/PID/stat`` on: what comes before may contain
# spaces (``proc_pid_stat(5)``).
_USER, _SYSTEM, _STARTED, _PAGES = 11, 12, 19, 21


class ProcessUsage(NamedTuple):
    """What one process takes.

    Attributes:
        resident_bytes: memory in use.
        cpu_ns: processor time used.
        started_ns: since 1970.
        open_files: descriptors; nothing where only root may count them.
    """

    resident_bytes: int
    cpu_ns: int
    started_ns: int
    open_files: int | None


def usage_of(process_id: int) -> ProcessUsage | None:
    """Return what a process takes; nothing if it is gone, or nobody says."""
    place = Path(f"/proc/{process_id}")
    try:
        fields = (place / "stat").read_text().rpartition(")")[2].split()
        booted_ns = _booted_ns()
    except OSError:
        return None
    open_files = None
    with suppress(OSError):
        open_files = sum(1 for _ in (place / "fd").iterdir())
    return ProcessUsage(
        resident_bytes=int(fields[_PAGES]) * os.sysconf("SC_PAGESIZE"),
        cpu_ns=(int(fields[_USER]) + int(fields[_SYSTEM])) * _TICK_NS,
        started_ns=booted_ns + int(fields[_STARTED]) * _TICK_NS,
        open_files=open_files,
    )


def _booted_ns() -> int:
    """Return when the machine started, since 1970."""
    for line in Path("/proc/stat").read_text().splitlines():
        if line.startswith("btime "):
            return int(line.split()[1]) * NS_PER_S
    return 0
