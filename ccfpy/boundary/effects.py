"""What the enclave may ask of the host. Nothing private may be in any of it.

The host performs effects strictly in order: an entry is in its file before the reply
that reports it leaves. Ciphertext of TLS sessions and of ledger entries is all of the
node's private state that the host ever holds.

What is made for every request pays for no freezing; its maker lets go of it at once.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from ccfpy.base.ids import NodeId, Seqno, SessionId


class LogLevel(StrEnum):
    """CCF's log levels, in rising order."""

    TRACE = "trace"
    DEBUG = "debug"
    INFO = "info"
    FAIL = "fail"
    FATAL = "fatal"


class LogTag(StrEnum):
    """Which part of the node speaks, where readers look for it."""

    NONE = ""
    APP = "app"
    JS = "js"
    GOV = "gov"


@dataclass(slots=True, kw_only=True)
class SendData:
    """Send bytes to a client; ignored if it has gone."""

    session: SessionId
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseSession:
    """End a session once everything sent to it has left."""

    session: SessionId


@dataclass(slots=True, kw_only=True)
class LedgerEntry:
    """One ledger entry.

    Attributes:
        data: its bytes, frame included.
        is_committable: a signature; what was written so far is flushed with it.
        closes_chunk_before: the entry begins a new chunk (flag 0x02 of its frame).
        closes_chunk_after: the entry is the last of its chunk (flag 0x01).
    """

    data: bytes
    is_committable: bool = False
    closes_chunk_before: bool = False
    closes_chunk_after: bool = False


@dataclass(slots=True, kw_only=True)
class AppendEntries:
    """Append entries to the ledger.

    Attributes:
        first_seqno: of ``entries[0]``; must follow the ledger's last.
    """

    first_seqno: Seqno
    entries: tuple[LedgerEntry, ...]


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
class IdentityMade:
    """The node has its key and certificate: write the files that others wait for.

    Attributes:
        node_certificate: PEM.
        service_certificate: PEM of a service that this node began or recovers.
        attestation: JSON of the node's virtual evidence; nothing on other platforms.
        measurement: JSON of the measurement and host data alone; likewise.
    """

    node_id: NodeId
    node_certificate: bytes
    service_certificate: bytes | None = None
    attestation: bytes | None = None
    measurement: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """Write a log line. It must hold nothing private: the host and its disk see it.

    Attributes:
        file: where in the source it was written.
        line: likewise; 0 when it is not said.
    """

    level: LogLevel
    message: str
    tag: LogTag = LogTag.NONE
    file: str = "enclave"
    line: int = 0


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
    | AppendEntries
    | CommitLedger
    | TruncateLedger
    | ReadLedger
    | IdentityMade
    | Log
    | Stop
)
