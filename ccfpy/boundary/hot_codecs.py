"""The messages that a node and its host exchange for nearly every request.

They are neither frozen nor made by names, since both cost time. Nobody keeps such a
message after sending it. Their constructors are written out so that they are compiled:
the constructors that `dataclass` writes are not.
"""

from dataclasses import dataclass
from enum import StrEnum

from ccfpy.base.ids import Seqno, SessionId


@dataclass(slots=True, init=False)
class Tick:
    """Time has passed. First in a batch whenever the clock moved since the last one.

    Attributes:
        monotonic_ms: never goes back while the host lives.
        unix_us: microseconds since 1970; may jump.
    """

    monotonic_ms: int
    unix_us: int

    def __init__(self, monotonic_ms: int, unix_us: int) -> None:
        self.monotonic_ms = monotonic_ms
        self.unix_us = unix_us


@dataclass(slots=True, init=False)
class SessionData:
    """Bytes came from a client, as many as the network gave."""

    session: SessionId
    data: bytes

    def __init__(self, session: SessionId, data: bytes) -> None:
        self.session = session
        self.data = data


@dataclass(slots=True, init=False)
class SendData:
    """Send bytes to a client; ignored if it has gone."""

    session: SessionId
    data: bytes

    def __init__(self, session: SessionId, data: bytes) -> None:
        self.session = session
        self.data = data


@dataclass(slots=True, init=False)
class AppendLedger:
    """Append entries to the ledger, all to one chunk.

    Attributes:
        first_seqno: of ``entries[0]``; must follow the ledger's last.
        entries: their bytes, frames included.
        has_signature: a signature is among them; what was written so far is flushed
            with it.
        begins_chunk: the first begins a new chunk (flag 0x02 of its frame).
        ends_chunk: the last is the last of its chunk (flag 0x01 of its frame).
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
    """Which part of the node speaks, where readers look for it."""

    NONE = ""
    APP = "app"
    JS = "js"
    GOV = "gov"
    RAFT_TRACE = "raft_trace"


@dataclass(slots=True, init=False)
class WriteLog:
    """Write a log line. It must hold nothing private: the host and its disk see it.

    Each call of a script is told of in one.

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


# Of what it is a tuple is asked for, and compiled it would be "tuple" and no more.
vars(AppendLedger)["__annotations__"]["entries"] = tuple[bytes, ...]
