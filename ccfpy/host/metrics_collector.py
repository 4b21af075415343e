"""What the host measures of itself, gathered when somebody asks."""

import asyncio
import contextlib
import os
import platform as machine
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ccfpy.base.errors import Malformed
from ccfpy.base.json import loads
from ccfpy.base.version import VERSION
from ccfpy.boundary import wire
from ccfpy.boundary.events import Event
from ccfpy.boundary.metrics import PEER_DIGITS
from ccfpy.host.config import ConfigurationFile
from ccfpy.host.enclave_link import EnclaveLink
from ccfpy.host.enclave_metrics import EnclaveMetrics
from ccfpy.host.enclave_process import PLATFORM_OVERRIDE
from ccfpy.host.log import Journal
from ccfpy.host.metrics_text import Sample, render
from ccfpy.host.peers import Peers
from ccfpy.host.process_usage import usage_of
from ccfpy.host.sessions import Sessions
from ccfpy.host.storage import Storage
from ccfpy.host.trace_sender import NO_COUNTS, TraceSender
from ccfpy.ledger.chunk import ChunkName
from ccfpy.ledger.snapshot_name import SnapshotName

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
