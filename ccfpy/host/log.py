"""Log lines on stdout, in CCF's two formats, text and JSON.

Tools search these lines, so the layout is fixed (``include/ccf/ds/logger.h``). A line
reaches the system at once, so that a reader of the file sees it immediately.

Callers and scripts choose parts of messages, and a terminal shows the file. What a
terminal obeys or hides is escaped. Further lines of a message are indented, so that
none looks like a line of the log.

Writing a line never raises, and waits no longer than `LOG_WAIT_MS`. A line that the
system does not take, because the disk is full, or the reader is gone or does not read,
is dropped and counted; the first line that is taken again is preceded by one that says
how many were lost.
"""

import os
import re
import select
import stat
import time
import traceback
from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import lru_cache
from io import FileIO
from itertools import accumulate
from threading import Lock
from typing import BinaryIO, Final

from ccfpy.base.json import dumps
from ccfpy.base.limits import LOG_WAIT_MS
from ccfpy.base.unseen import UNSEEN
from ccfpy.boundary.effects import LogLevel, LogTag, WriteLog

PREAMBLE_LENGTH = 45
HOST_THREAD = 100
"""What stands for the host where CCF prints the thread."""
ENCLAVE_THREAD = 0

STDOUT: Final = 1
STDERR: Final = 2
_PREAMBLES_KEPT = 256
_SOURCE: Final = "log"
_LINE_BREAK: Final = re.compile("\r\n|\n")
_FURTHER_LINE: Final = "\n    "
_UNSEEN: Final = re.compile(f"[{UNSEEN}]")
"""What moves the cursor, turns a line around or is not seen; not a tab or line feed."""
_SLOW: Final = "its reader is too slow"
_PIECE_BYTES: Final = getattr(select, "PIPE_BUF", 512)
"""A pipe that has room has room for so much."""
_RANK = {level: rank for rank, level in enumerate(LogLevel)}


class LogFormat(StrEnum):
    """``logging.format``."""

    TEXT = "Text"
    JSON = "Json"


@lru_cache(1)  # lines come several at a time
def timestamp(unix_us: int) -> str:
    """Write a time as in ``2026-01-31T23:59:59.000001Z``."""
    seconds, micros = divmod(unix_us, 1_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{micros:06}Z"


def text_line(log: WriteLog, *, thread: int, unix_us: int) -> str:
    """Write one line as text; a long file name keeps its end."""
    preamble = _preamble(log.level, log.tag, log.file, log.line)
    message = _visible(log.message)
    return f"{timestamp(unix_us)}        {thread:<3} {preamble}| {message}\n"


def _visible(message: str) -> str:
    """Return a message that commands no terminal, its further lines indented."""
    if message.isascii() and message.isprintable():
        return message
    return _UNSEEN.sub(_escape, _LINE_BREAK.sub(_FURTHER_LINE, message))


def _escape(found: re.Match[str]) -> str:
    return ascii(found[0])[1:-1]


def _json_escape(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be").hex()
    return "".join(rf"\u{units[at : at + 4]}" for at in range(0, len(units), 4))


@lru_cache(_PREAMBLES_KEPT)
def _preamble(level: LogLevel, tag: LogTag, file: str, line: int) -> str:
    preamble = f"[{level:<5}]{f'[{tag}]' if tag else ''} "[:PREAMBLE_LENGTH]
    room = PREAMBLE_LENGTH - len(preamble)
    place = f"{file}:{line} "
    preamble += place[len(place) - room :] if len(place) > room else place
    return f"{preamble:<{PREAMBLE_LENGTH}}"


def json_line(log: WriteLog, *, thread: int, unix_us: int) -> str:
    """Write one line as a JSON object, its keys in CCF's order.

    A trace of consensus is JSON already, and becomes a part of that object.
    """
    message = log.message.encode(errors="backslashreplace").decode()
    if log.tag is not LogTag.RAFT_TRACE:
        message = dumps(message).decode()
    message = _UNSEEN.sub(_json_escape, message)
    return (
        f'{{"h_ts":"{timestamp(unix_us)}","thread_id":"{thread}",'
        f'"level":"{log.level}","tag":"{log.tag}","file":"{log.file}",'
        f'"number":"{log.line}","msg":{message}}}\n'
    )


def _unix_us() -> int:
    return time.time_ns() // 1000


def unbuffered(descriptor: int) -> FileIO:
    """Return a stream that hands all it is given to the system, and keeps nothing.

    A buffer would keep what the system refuses, and raise again when Python ends.
    """
    return FileIO(descriptor, "wb", closefd=False)


class _Outlet:
    """A stream, written as far as nobody has to wait for it.

    A stream that somebody reads, such as a pipe, is asked for room before each write,
    and gets no more than fits in then. It is not made one that never blocks: other
    processes may share it.
    """

    def __init__(self, stream: BinaryIO | FileIO) -> None:
        self._stream = stream
        self._poll = _poll_of(stream)

    def write(self, data: bytes, *, wait_ms: int) -> tuple[int, str]:
        """Write until all is taken or no more is; return how much, and why not all.

        Args:
            data: to write.
            wait_ms: how long to wait for room, in all.
        """
        poll = self._poll
        piece = len(data) if poll is None else _PIECE_BYTES
        until = time.monotonic() + wait_ms / 1000
        written = 0
        try:
            while written < len(data):
                if poll is not None:
                    left_ms = max(0, round((until - time.monotonic()) * 1000))
                    if not poll(left_ms):
                        return written, _SLOW
                count = self._stream.write(memoryview(data)[written : written + piece])
                if not count:
                    return written, _SLOW  # of a pipe that never blocks
                written += count
            self._stream.flush()
        except OSError as error:
            return written, (error.strerror or str(error)).lower()
        except ValueError:
            return written, "it is closed"
        return written, ""


class Journal:
    """Writes the lines at or above a level.

    Threads may share it.

    Attributes:
        counts: how many lines of each level it was given to write, at or above that.
        dropped: how many of them the stream did not take.
    """

    def __init__(
        self,
        stream: BinaryIO | FileIO,
        *,
        level: LogLevel = LogLevel.INFO,
        form: LogFormat = LogFormat.TEXT,
        unix_us: Callable[[], int] = _unix_us,
        last_resort: BinaryIO | FileIO | None = None,
    ) -> None:
        """Write nothing yet.

        Args:
            stream: takes the lines; `unbuffered`, if it is a file of the system.
            level: the least that is written.
            form: the layout of a line.
            unix_us: the time since 1970.
            last_resort: takes the sentence with which a node ends, if the stream does
                not, or if the sentence is about a defect.
        """
        self._outlet = _Outlet(stream)
        self._least = _RANK[level]
        self._line = json_line if form is LogFormat.JSON else text_line
        self._unix_us = unix_us
        self._last_resort = None if last_resort is None else _Outlet(last_resort)
        self._lock = Lock()
        self._unsaid = 0
        """Lines dropped since the last one that was taken."""
        self._why_dropped = ""
        self._is_within_line = False
        """Whether the stream has taken a part of a line last."""
        self.counts: dict[LogLevel, int] = dict.fromkeys(LogLevel, 0)
        self.dropped = 0

    def write_all(
        self, logs: Sequence[WriteLog], *, thread: int = ENCLAVE_THREAD
    ) -> bool:
        """Write several lines at once; return whether the stream took all."""
        wanted = [log for log in logs if _RANK[log.level] >= self._least]
        if not wanted:
            return True
        now = self._unix_us()
        for log in wanted:
            self.counts[log.level] += 1
        lines = [self._line(log, thread=thread, unix_us=now) for log in wanted]
        with self._lock:
            return self._write_lines(
                [line.encode(errors="backslashreplace") for line in lines], now
            )

    def log(self, level: LogLevel, message: str, *, file: str) -> bool:
        """Write a line of the host's own; return whether the stream took it."""
        return self.write_all([_own(level, message, file)], thread=HOST_THREAD)

    def debug(self, message: str, *, file: str) -> None:
        """Write at debug."""
        self.log(LogLevel.DEBUG, message, file=file)

    def info(self, message: str, *, file: str) -> None:
        """Write at info."""
        self.log(LogLevel.INFO, message, file=file)

    def fail(self, message: str, *, file: str) -> None:
        """Write at fail."""
        self.log(LogLevel.FAIL, message, file=file)

    def fatal(self, message: str, *, file: str) -> None:
        """Write at fatal why the node ends; to the last resort if need be."""
        if not self.log(LogLevel.FATAL, message, file=file):
            self._say_at_last(message)

    def defect(self, error: BaseException, *, file: str) -> None:
        """Write at fatal, and to the last resort, that an error ends the node."""
        places = traceback.extract_tb(error.__traceback__)
        where = f" at {places[-1].name}:{places[-1].lineno}" if places else ""
        message = f"Exception in the host: {error!r}{where}"
        self.log(LogLevel.FATAL, message, file=file)
        self._say_at_last(message)

    def _say_at_last(self, message: str) -> None:
        if self._last_resort is not None:
            line = f"{_visible(message)}\n".encode(errors="backslashreplace")
            with self._lock:
                self._last_resort.write(line, wait_ms=LOG_WAIT_MS)

    def _write_lines(self, lines: list[bytes], now: int) -> bool:
        """Write lines, behind what must be said of those that were dropped."""
        notice = self._notice(now) if self._unsaid else b""
        written, why = self._outlet.write(
            notice + b"".join(lines),
            # Nobody waits again for a reader that was waited for in vain.
            wait_ms=0 if self._unsaid else LOG_WAIT_MS,
        )
        taken = written - len(notice)
        ends = list(accumulate(map(len, lines)))
        if taken == ends[-1]:
            self._unsaid = 0
            self._is_within_line = False
            return True
        if taken >= 0:
            self._unsaid = 0
        dropped = sum(end > taken for end in ends)
        self.dropped += dropped
        self._unsaid += dropped
        self._why_dropped = why
        if written:
            self._is_within_line = taken != 0 and taken not in ends
        return False

    def _notice(self, now: int) -> bytes:
        """Return a line that says how many were dropped."""
        message = f"{self._unsaid} lines of this log are lost: {self._why_dropped}"
        log = _own(LogLevel.FAIL, message, _SOURCE)
        line = self._line(log, thread=HOST_THREAD, unix_us=now)
        return b"\n" * self._is_within_line + line.encode(errors="backslashreplace")


def _own(level: LogLevel, message: str, file: str) -> WriteLog:
    return WriteLog(level=level, message=message, tag=LogTag.NONE, file=file)


def _poll_of(stream: BinaryIO | FileIO) -> Callable[[int], object] | None:
    """Return what says whether there is room, for a stream that may have none."""
    try:
        number = stream.fileno()
        if stat.S_ISREG(os.fstat(number).st_mode):
            return None
        poll = select.poll()
    except (AttributeError, OSError, ValueError):
        return None  # in memory, closed already, or on Windows
    poll.register(number, select.POLLOUT)
    return poll.poll
