"""Events: the messages from the host to the enclave. All of them are untrusted.

Events come in the order in which the host observed them. Those of a session are
``SessionOpened``, any number of ``SessionData`` and ``SessionWritten``, and at most one
``SessionClosed``. Events of a session that the enclave has just closed may still come,
and are ignored.

The events of nearly every request are in `hot_codecs`.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from ccfpy.base.ids import CallId, NodeId, Seqno, SessionId
from ccfpy.boundary.configuration import NodeConfiguration
from ccfpy.boundary.hot_codecs import SessionData, Tick

# Importers need not know which events are in `hot_codecs`.
__all__ = ["SessionData", "Tick"]


class StopKind(StrEnum):
    """Why the host wants the node to stop; the text of CCF's log lines."""

    TERMINATED = "Terminated"
    """SIGTERM."""
    HANGUP = "Hangup"
    """SIGHUP."""
    INTERRUPT = "Interrupt"
    """SIGINT, from a terminal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Boot:
    """The node is to start. The first event, sent once.

    Attributes:
        executable_digest: hex SHA-256 of the program that was started; virtual
            attestation reports it as host data.
        host_pid: the host's process id, for the names of the attestation files.
        monotonic_ms: the host's clock, as in ``Tick``.
        unix_us: microseconds since 1970.
    """

    configuration: NodeConfiguration
    executable_digest: str
    host_pid: int
    monotonic_ms: int
    unix_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOpened:
    """A client connected.

    Attributes:
        session: a number that was never used before in this run of the node.
        interface: the name of the RPC interface.
        peer: ``host:port`` of the client. Used only for the limits on clients at one
            address.
    """

    session: SessionId
    interface: str
    peer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionClosed:
    """A client disconnected, or was idle too long."""

    session: SessionId


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionWritten:
    """The socket of a client accepted bytes that the enclave had sent.

    Sent for every ``SESSION_WRITTEN_BYTES``, and once a second for fewer bytes while
    more are queued.

    Attributes:
        size: bytes written since the last such event of the session.
    """

    session: SessionId
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRead:
    """The answer to ``ReadLedger``.

    Attributes:
        request: the number of the request.
        first: as in the request.
        last: the last entry returned; may be less than requested, as the size of an
            answer is limited.
        entries: the bytes of ``last - first + 1`` entries; ``None`` if the host lacks
            one of them.
    """

    request: int
    first: Seqno
    last: Seqno
    entries: tuple[bytes, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotRead:
    """The answer to ``ReadSnapshot``.

    Attributes:
        request: the number of the request.
        name: the file's name; ``None`` if the host has no such snapshot.
        size: the size of the whole file, in bytes.
        start: as in the request.
        data: the bytes from ``start``, up to ``stop`` or the limit of one read.
    """

    request: int
    name: str | None
    size: int
    start: int
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobRead:
    """The answer to ``ReadBlob``.

    Attributes:
        request: the number of the request.
        data: the bytes; ``None`` if the host has no such blob.
    """

    request: int
    data: bytes | None


@dataclass(slots=True, kw_only=True)
class PeerMessage:
    """A message that claims to be from another node.

    Attributes:
        kind: a `PeerTraffic` number.
        sender: the claimed sender; only its channel proves it.
        payload: the rest of the frame.
    """

    kind: int
    sender: NodeId
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOpened:
    """A connection of ``OpenCall`` is established; TLS may begin."""

    call: CallId


@dataclass(frozen=True, slots=True, kw_only=True)
class CallData:
    """Bytes received on a connection of ``OpenCall``."""

    call: CallId
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnded:
    """A connection of ``OpenCall`` has ended, or could not be established.

    Attributes:
        reason: the system's error, for logs; ``None`` if the other end closed it.
    """

    call: CallId
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Woken:
    """The answer to ``Wake``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScrapeMetrics:
    """Request the enclave's metrics; ``ReportMetrics`` answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRequested:
    """An operator wants the node to stop.

    Attributes:
        is_notice: whether the node only notes it and goes on
            (``ignore_first_sigterm``); another request follows.
    """

    kind: StopKind
    is_notice: bool


Event: TypeAlias = (
    Boot
    | Tick
    | SessionOpened
    | SessionData
    | SessionClosed
    | SessionWritten
    | LedgerRead
    | SnapshotRead
    | BlobRead
    | PeerMessage
    | CallOpened
    | CallData
    | CallEnded
    | StopRequested
    | Woken
    | ScrapeMetrics
)
