"""The messages that a node and its host exchange for nearly every request.

They are not frozen and take positional arguments, since both save time. No code keeps
such a message after sending it. The constructors are written out so that mypyc compiles
them: it does not compile the ones that `dataclass` generates.
"""

from dataclasses import dataclass
from enum import StrEnum

from ccfpy.base.compiling import keep_hints
from ccfpy.base.ids import Seqno, SessionId


@dataclass(slots=True, init=False)
class Tick:
    """The host's clocks. The first event of a batch if the clock moved since the last.

    Attributes:
        monotonic_ms: milliseconds; never decreases while the host runs.
        unix_us: microseconds since 1970; may jump.
    """

    monotonic_ms: int
    unix_us: int

    def __init__(self, monotonic_ms: int, unix_us: int) -> None:
        self.monotonic_ms = monotonic_ms
        self.unix_us = unix_us


@dataclass(slots=True, init=False)
class SessionData:
    """Bytes from a client, as many as one read of the socket returned."""

    session: SessionId
    data: bytes

    def __init__(self, session: SessionId, data: bytes) -> None:
        self.session = session
        self.data = data


@dataclass(slots=True, init=False)
class SendData:
    """Send bytes to a client; ignored if the session has ended."""

    session: SessionId
    data: bytes

    def __init__(self, session: SessionId, data: bytes) -> None:
        self.session = session
        self.data = data


@dataclass(slots=True, init=False)
class AppendLedger:
    """Append entries to the ledger, all to one chunk.

    Attributes:
        first_seqno: the seqno of ``entries[0]``; must follow the ledger's last entry.
        entries: the bytes of the entries, frames included.
        has_signature: one of the entries is a signature; the file is flushed after it.
        begins_chunk: the first entry begins a new chunk (flag 0x02 of its frame).
        ends_chunk: the last entry ends its chunk (flag 0x01 of its frame).
    """

    first_seqno: Seqno
    entries: tuple[bytes, ...]
    has_signature: bool
    begins_chunk: bool
    ends_chunk: bool

    def __init__(
        self,
        first_seqno: Seqno,
        entries: tuple[bytes, ...],
        has_signature: bool = False,
        begins_chunk: bool = False,
        ends_chunk: bool = False,
    ) -> None:
        self.first_seqno = first_seqno
        self.entries = entries
        self.has_signature = has_signature
        self.begins_chunk = begins_chunk
        self.ends_chunk = ends_chunk


class LogLevel(StrEnum):
    """CCF's log levels, in rising order."""

    TRACE = "trace"
    DEBUG = "debug"
    INFO = "info"
    FAIL = "fail"
    FATAL = "fatal"


class LogTag(StrEnum):
    """The part of the node that logs, for log lines that readers filter by it."""

    NONE = ""
    APP = "app"
    JS = "js"
    GOV = "gov"
    RAFT_TRACE = "raft_trace"


@dataclass(slots=True, init=False)
class WriteLog:
    """Write a log line. It must hold nothing private: the host and its disk see it.

    Attributes:
        file: the source file that wrote the line.
        line: its line in that file; 0 if unknown.
    """

    level: LogLevel
    message: str
    tag: LogTag
    file: str
    line: int

    def __init__(
        self,
        *,
        level: LogLevel,
        message: str,
        tag: LogTag = LogTag.NONE,
        file: str = "enclave",
        line: int = 0,
    ) -> None:
        self.level = level
        self.message = message
        self.tag = tag
        self.file = file
        self.line = line


keep_hints(AppendLedger, entries=tuple[bytes, ...])
