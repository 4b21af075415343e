"""What the enclave may ask of the host. Nothing private may be in any of it.

The host performs effects strictly in order: an entry is in its file before the reply
that reports it leaves. Ciphertext of TLS sessions and of ledger entries is all of the
node's private state that the host ever holds.

What is made for every request is in `frequent`.
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

# Others import these from here, though they are defined elsewhere.
__all__ = ["AppendLedger", "LogLevel", "LogTag", "SendData", "WriteLog"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseSession:
    """End a session once everything sent to it has left."""

    session: SessionId


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadMore:
    """Pass on more of a client's bytes: the enclave has come to ``size`` of them.

    The host reads nothing from a client of whose bytes ``SESSION_WINDOW_BYTES`` wait.
    """

    session: SessionId
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepSession:
    """Keep a session while it is idle, or end it again when it is idle too long.

    The session has a stream that waits for something to happen, and whose caller a
    policy has named. The enclave cannot say whether the client is still there: the
    host's system asks the client's.
    """

    session: SessionId
    is_kept: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitLedger:
    """Everything up to ``seqno`` is final; complete chunks up to it get their name."""

    seqno: Seqno


@dataclass(frozen=True, slots=True, kw_only=True)
class TruncateLedger:
    """Forget every entry after ``seqno``, which is never below the commit."""

    seqno: Seqno


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLedger:
    """Ask for entries; ``LedgerRead`` answers with the same ``request``."""

    request: int
    first: Seqno
    last: Seqno


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginLedger:
    """This node's ledger goes on after ``after``, which a snapshot it took up ends at.

    The host keeps later entries of earlier runs as long as they equal the entries that
    arrive, and cuts its ledger where they differ.

    Attributes:
        recovered_to: the last entry of the lost service, if a service is being
            recovered; later entries may be dropped, as ``RecoverLedger`` says.
    """

    after: Seqno
    recovered_to: Seqno | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverLedger:
    """A recovered service's ledger goes on after ``after``, its last signature.

    What follows it is forgotten. Chunks that begin later carry the suffix ``.recovery``
    until ``OpenLedger``, and are set aside when a node starts before that.
    """

    after: Seqno


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLedger:
    """The recovered service is open: what was written since belongs to its ledger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteSnapshot:
    """Write (a piece of) a snapshot that is not final yet.

    Attributes:
        evidence_seqno: the transaction that records its digest; part of its name.
        is_first: the file begins with this piece; others follow it.
    """

    seqno: Seqno
    evidence_seqno: Seqno
    data: bytes
    is_first: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitSnapshot:
    """A snapshot is final: append its receipt and give it its committed name."""

    seqno: Seqno
    evidence_seqno: Seqno
    receipt: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadSnapshot:
    """Ask for bytes of a committed snapshot; ``SnapshotRead`` answers.

    Attributes:
        name: of the file; nothing for the latest.
        since: the latest is wanted only if it is of this seqno or later.
        start: the first byte.
        stop: the byte after the last; beyond the end means to the end, and ``start``
            asks for the name and size alone.
    """

    request: int
    name: str | None
    since: Seqno
    start: int
    stop: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreBlob:
    """Keep bytes that only this run of the enclave can read.

    Attributes:
        series: what they belong to; the enclave numbers its series.
        name: hex, once in a series.
    """

    series: int
    name: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBlob:
    """Ask for such bytes; ``BlobRead`` answers with the same ``request``."""

    request: int
    series: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetBlobs:
    """Nothing of a series is needed any more."""

    series: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepSealedSecret:
    """Keep a file that only this program opens, on this platform, in any later run.

    Attributes:
        version: the seqno from which the ledger secret in it applies.
    """

    version: Seqno
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPeer:
    """Another node is reached at ``address`` (``host:port``) from now on."""

    node: NodeId
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetPeer:
    """Another node is not to be reached any more."""

    node: NodeId


@dataclass(slots=True, kw_only=True)
class SendToPeer:
    """Send a message to another node; lost if it cannot be reached.

    Attributes:
        kind: a `PeerTraffic` number.
    """

    to: NodeId
    kind: int
    payload: bytes


@dataclass(slots=True, kw_only=True)
class SendEntries:
    """Send ledger entries to another node, behind ``header``, as consensus traffic.

    Nothing is sent if one of them is not in the ledger any more.
    """

    to: NodeId
    header: bytes
    first: Seqno
    last: Seqno


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCall:
    """Connect to ``address`` (``host:port``) on the enclave's behalf.

    ``CallOpened`` or ``CallEnded`` answers. The enclave numbers its calls.
    """

    call: CallId
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SendCall:
    """Send bytes by such a connection; ignored if it has ended."""

    call: CallId
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class EndCall:
    """End such a connection once everything sent has left; no event answers."""

    call: CallId


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityMade:
    """The node has its key and certificate: write the files that others wait for.

    Attributes:
        node_certificate: PEM.
        service_certificate: PEM of a service that this node began or recovers.
        attestation: JSON of the node's virtual evidence; nothing on other platforms.
        measurement: JSON of the measurement and host data alone; empty on other
            platforms.
    """

    node_id: NodeId
    node_certificate: bytes
    service_certificate: bytes | None = None
    attestation: bytes | None = None
    measurement: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSeries:
    """One series of a metric of the enclave's.

    Attributes:
        name: of the metric, one of `boundary.metrics`.
        labels: a value for each label of the metric.
    """

    name: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeMetrics:
    """Say which series ``ReportMetrics`` has from now on, and in which order."""

    series: tuple[MetricSeries, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportMetrics:
    """The answer to ``ScrapeMetrics``.

    Attributes:
        values: of the series described last, ``Metric.value_count`` for each.
    """

    values: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardingSpan:
    """How long another node had a request.

    Attributes:
        span: 8 bytes; the parent of what the other node reports.
        began_ms: when the request was sent on, in milliseconds since 1970.
        ended_ms: when the answer was there.
    """

    span: bytes
    began_ms: int
    ended_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportTrace:
    """Report a request whose caller wants it traced, once it is answered.

    Only to a host that wants such reports (``NodeConfiguration.wants_traces``).

    It says no more of the request than metrics say of requests, but for the caller's
    own ids and the transaction. Times are milliseconds since 1970, by the host's clock.

    Attributes:
        trace: 16 bytes, which the caller chose.
        parent: the caller's span: 8 bytes.
        span: the request's span in the enclave: 8 bytes.
        received_ms: what the host's clock said before the request was taken up.
        began_ms: when it was taken up.
        ended_ms: when its answer was there.
        frontend: ``app``, ``gov`` or ``node``.
        endpoint: the path that the endpoint declares, if its app lets metrics name it.
        method: one of those that metrics name.
        status: the class of the answer's status, as in metrics.
        transaction: ``view.seqno``, if the answer names one.
        is_forwarded: another node sent the request on to this one.
        forwarding: of a request that this node sent on.
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
    """Ask for another step of the enclave: clients wait for their turn.

    ``Woken`` answers, behind whatever the host has to say before.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Stop the process, after everything asked before; nothing may follow.

    Attributes:
        exit_code: 0 when a stop was requested.
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
