"""What the host may tell the enclave. All of it is untrusted.

Order is the order in which the host saw things. A session's events come as
``SessionOpened``, any number of ``SessionData`` and ``SessionWritten``, and at most one
``SessionClosed``; events of a session that the enclave has just closed may still come,
and mean nothing.

What is made for every request is in `frequent`.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from ccfpy.base.ids import CallId, NodeId, Seqno, SessionId
from ccfpy.boundary.configuration import NodeConfiguration
from ccfpy.boundary.hot_codecs import SessionData, Tick

# Others import these from here, though they are defined elsewhere.
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
    """Begin. The first event, and sent once.

    Attributes:
        executable_digest: hex SHA-256 of the program that was started; virtual
            attestation reports it as host data.
        host_pid: the process a person started; names the attestation files.
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
        session: never used before in the life of this node.
        interface: the name of the RPC interface.
        peer: ``host:port`` of the client. What clients at one address may take of a
            node follows from that, and nothing else.
    """

    session: SessionId
    interface: str
    peer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionClosed:
    """A client went away, or was idle too long."""

    session: SessionId


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionWritten:
    """The system took bytes that the enclave had sent to a client.

    Told from ``SESSION_WRITTEN_BYTES`` on, and for less once a second while more waits.

    Attributes:
        size: bytes taken since the last such event of the session.
    """

    session: SessionId
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRead:
    """The answer to ``ReadLedger``.

    Attributes:
        request: the number the enclave gave.
        first: as asked.
        last: the last entry given; may be less than asked, to bound the answer.
        entries: the entries' bytes, ``last - first + 1`` of them; nothing when the host
            has no such entry.
    """

    request: int
    first: Seqno
    last: Seqno
    entries: tuple[bytes, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotRead:
    """The answer to ``ReadSnapshot``.

    Attributes:
        request: the number the enclave gave.
        name: the file's name; nothing when the host has no such snapshot.
        size: the whole file's bytes.
        start: as asked.
        data: from ``start`` on, as much as was asked and the bound on one read allows.
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
        request: the number the enclave gave.
        data: the bytes; nothing when the host has no such blob.
    """

    request: int
    data: bytes | None


@dataclass(slots=True, kw_only=True)
class PeerMessage:
    """Bytes came that claim to be from another node.

    Attributes:
        kind: a `PeerTraffic` number.
        sender: who it says it is from; only its channel proves it.
        payload: what followed in the frame.
    """

    kind: int
    sender: NodeId
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOpened:
    """A connection that the enclave asked for is there; its TLS may begin."""

    call: CallId


@dataclass(frozen=True, slots=True, kw_only=True)
class CallData:
    """Bytes came by such a connection."""

    call: CallId
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnded:
    """Such a connection has ended, or never came about.

    Attributes:
        reason: the system's word for it, for logs; nothing when the other end closed.
    """

    call: CallId
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Woken:
    """The answer to ``Wake``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScrapeMetrics:
    """Ask for the enclave's metrics; ``ReportMetrics`` answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRequested:
    """An operator wants the node to stop.

    Attributes:
        is_notice: only take note (``ignore_first_sigterm``): another request follows.
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
