"""Effects: the messages from the enclave to the host. None may hold private data.

The host performs effects strictly in order: a ledger entry is in its file before the
response that reports the transaction is sent. Of the node's private state the host only
ever holds ciphertext, of TLS sessions and of ledger entries.

The effects of nearly every request are in `hot_codecs`.
"""

from dataclasses import dataclass
from typing import TypeAlias

from ccfpy.base.ids import CallId, NodeId, Seqno, SessionId
from ccfpy.boundary.hot_codecs import (
    AppendLedger,
    LogLevel,
    LogTag,
    SendData,
    WriteLog,
)

# Importers need not know which effects are in `hot_codecs`.
__all__ = ["AppendLedger", "LogLevel", "LogTag", "SendData", "WriteLog"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseSession:
    """Close a session after everything sent to it was written."""

    session: SessionId


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadMore:
    """Allow more bytes from a client: the enclave has processed ``size`` of them.

    The host stops reading from a client when ``SESSION_WINDOW_BYTES`` are unprocessed.
    """

    session: SessionId
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepSession:
    """Exempt a session from the idle timeout, or apply the timeout again.

    For a session with a stream that waits for an event, if policy allows its caller
    to wait. The enclave cannot detect that the client is gone: the host uses TCP
    keepalive.

    Attributes:
        is_kept: whether the session is exempt.
    """

    session: SessionId
    is_kept: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitLedger:
    """Everything up to ``seqno`` is final; rename complete chunks as committed."""

    seqno: Seqno


@dataclass(frozen=True, slots=True, kw_only=True)
class TruncateLedger:
    """Drop every entry after ``seqno``, which is never below the commit."""

    seqno: Seqno


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLedger:
    """Read entries; ``LedgerRead`` answers with the same ``request``."""

    request: int
    first: Seqno
    last: Seqno


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginLedger:
    """Continue the ledger after ``after``, the seqno of the node's snapshot.

    The host keeps later entries of earlier runs as long as they equal the entries that
    arrive, and truncates its ledger where they differ.

    Attributes:
        recovered_to: the last seqno of the lost service, if a service is being
            recovered; later entries may be dropped, as by ``RecoverLedger``.
    """

    after: Seqno
    recovered_to: Seqno | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverLedger:
    """Continue a recovered service's ledger after ``after``, its last signature.

    Later entries are dropped. New chunks carry the suffix ``.recovery`` until
    ``OpenLedger``; a node that starts before that sets them aside.
    """

    after: Seqno


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLedger:
    """The recovered service is open: remove the suffix ``.recovery`` of its chunks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteSnapshot:
    """Write a part of a snapshot that is not final yet.

    Attributes:
        evidence_seqno: the transaction that records the snapshot's digest; part of the
            file's name.
        is_first: whether the file begins with this part; others are appended.
    """

    seqno: Seqno
    evidence_seqno: Seqno
    data: bytes
    is_first: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitSnapshot:
    """A snapshot is final: append its receipt and rename it as committed."""

    seqno: Seqno
    evidence_seqno: Seqno
    receipt: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadSnapshot:
    """Read bytes of a committed snapshot; ``SnapshotRead`` answers.

    Attributes:
        name: the name of the file; ``None`` for the latest.
        since: the lowest seqno of the latest snapshot; an older one is not read.
        start: the offset of the first byte.
        stop: the offset after the last byte. It may lie beyond the end of the file; if
            it equals ``start``, only the name and size are read.
    """

    request: int
    name: str | None
    since: Seqno
    start: int
    stop: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreBlob:
    """Store bytes that only this run of the enclave can decrypt.

    Attributes:
        series: the number of the group of blobs, chosen by the enclave.
        name: hex, unique in the series.
    """

    series: int
    name: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBlob:
    """Read a stored blob; ``BlobRead`` answers with the same ``request``."""

    request: int
    series: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetBlobs:
    """Delete all blobs of a series."""

    series: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepSealedSecret:
    """Store a file that only this program on this platform can open, in any later run.

    Attributes:
        version: the seqno from which the ledger secret in the file applies.
    """

    version: Seqno
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPeer:
    """Set the address (``host:port``) of another node."""

    node: NodeId
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetPeer:
    """Drop the address of another node, and the connection to it."""

    node: NodeId


@dataclass(slots=True, kw_only=True)
class SendToPeer:
    """Send a message to another node; it is lost if the node cannot be reached.

    Attributes:
        kind: a `PeerTraffic` number.
    """

    to: NodeId
    kind: int
    payload: bytes


@dataclass(slots=True, kw_only=True)
class SendEntries:
    """Send ledger entries to another node, after ``header``, as consensus traffic.

    Nothing is sent if an entry is not in the ledger any more.
    """

    to: NodeId
    header: bytes
    first: Seqno
    last: Seqno


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCall:
    """Open a connection to ``address`` (``host:port``) for the enclave.

    ``CallOpened`` or ``CallEnded`` answers. The enclave chooses the number ``call``.
    """

    call: CallId
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SendCall:
    """Send bytes on a connection of ``OpenCall``; ignored if it has ended."""

    call: CallId
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class EndCall:
    """Close a connection of ``OpenCall`` after everything sent was written.

    No event answers.
    """

    call: CallId


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityMade:
    """The node has its key and certificate: write the configured output files.

    Attributes:
        node_certificate: PEM.
        service_certificate: PEM, if this node starts or recovers a service.
        attestation: JSON of the node's virtual attestation; ``None`` on other
            platforms.
        measurement: JSON of only the measurement and host data; ``None`` on other
            platforms.
    """

    node_id: NodeId
    node_certificate: bytes
    service_certificate: bytes | None = None
    attestation: bytes | None = None
    measurement: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSeries:
    """One series of a metric of the enclave.

    Attributes:
        name: the metric's name in `boundary.metrics`.
        labels: a value for each label of the metric.
    """

    name: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeMetrics:
    """The series, in order, whose values every later ``ReportMetrics`` holds."""

    series: tuple[MetricSeries, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportMetrics:
    """The answer to ``ScrapeMetrics``.

    Attributes:
        values: ``Metric.value_count`` integers for each series of the last
            ``DescribeMetrics``.
    """

    values: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardingSpan:
    """The time from forwarding a request to another node until its response.

    Attributes:
        span: 8 bytes; the parent of the spans that the other node reports.
        began_ms: when the request was forwarded, in milliseconds since 1970.
        ended_ms: when the response arrived.
    """

    span: bytes
    began_ms: int
    ended_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportTrace:
    """Report a traced request, after it was answered.

    Sent only if ``NodeConfiguration.wants_traces`` is set and the request carries the
    ids of a trace. It reveals no more about the request than metrics do, except the
    caller's ids and the transaction. Times are milliseconds since 1970, by the host's
    clock.

    Attributes:
        trace: 16 bytes, chosen by the caller.
        parent: the caller's span, 8 bytes.
        span: the request's span in the enclave, 8 bytes.
        received_ms: the host's clock before the enclave began the request.
        began_ms: when the enclave began the request.
        ended_ms: when the response was ready.
        frontend: ``app``, ``gov`` or ``node``.
        endpoint: the path that the endpoint declares, if its app lets metrics name it.
        method: the method, as in metrics.
        status: the class of the response's status, as in metrics.
        transaction: ``view.seqno``, if the response names one.
        is_forwarded: whether another node forwarded the request to this one.
        forwarding: the time at the other node, if this node forwarded the request.
    """

    trace: bytes
    parent: bytes
    span: bytes
    received_ms: int
    began_ms: int
    ended_ms: int
    frontend: str
    endpoint: str
    method: str
    status: str
    transaction: str
    is_forwarded: bool
    forwarding: ForwardingSpan | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wake:
    """Request another step of the enclave, because requests of clients are queued.

    ``Woken`` answers, after all events that the host sent before.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Stop the process after all earlier effects; no effect may follow.

    Attributes:
        exit_code: 0 if a stop was requested.
        reason: one sentence, logged at fatal unless the code is 0.
    """

    exit_code: int
    reason: str


Effect: TypeAlias = (
    SendData
    | CloseSession
    | ReadMore
    | KeepSession
    | AppendLedger
    | CommitLedger
    | TruncateLedger
    | ReadLedger
    | BeginLedger
    | RecoverLedger
    | OpenLedger
    | WriteSnapshot
    | CommitSnapshot
    | ReadSnapshot
    | StoreBlob
    | ReadBlob
    | ForgetBlobs
    | KeepSealedSecret
    | SetPeer
    | ForgetPeer
    | SendToPeer
    | SendEntries
    | OpenCall
    | SendCall
    | EndCall
    | IdentityMade
    | Wake
    | DescribeMetrics
    | ReportMetrics
    | ReportTrace
    | WriteLog
    | Stop
)
