"""Log lines on stdout, in CCF's two formats, text and JSON.

Tools search these lines, so the layout is fixed (``include/ccf/ds/logger.h``). A line
is written whole and flushed at once, so that a reader of the file sees it immediately.
"""

import time
from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import BinaryIO

from ccfpy.base.json import dumps
from ccfpy.boundary.effects import LogLevel, LogTag, WriteLog

PREAMBLE_LENGTH = 45
HOST_THREAD = 100
"""What stands for the host where CCF prints the thread."""
ENCLAVE_THREAD = 0

_PREAMBLES_KEPT = 256
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
    return f"{timestamp(unix_us)}        {thread:<3} {preamble}| {log.message}\n"


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
    return (
        f'{{"h_ts":"{timestamp(unix_us)}","thread_id":"{thread}",'
        f'"level":"{log.level}","tag":"{log.tag}","file":"{log.file}",'
        f'"number":"{log.line}","msg":{message}}}\n'
    )


def _unix_us() -> int:
    return time.time_ns() // 1000


class Journal:
    """Writes the lines at or above a level.

    Attributes:
        counts: how many lines of each level it was given to write, at or above that.
    """

    def __init__(
        self,
        stream: BinaryIO,
        *,
        level: LogLevel = LogLevel.INFO,
        form: LogFormat = LogFormat.TEXT,
        unix_us: Callable[[], int] = _unix_us,
    ) -> None:
        self._stream = stream
        self._least = _RANK[level]
        self._line = json_line if form is LogFormat.JSON else text_line
        self._unix_us = unix_us
        self.counts: dict[LogLevel, int] = dict.fromkeys(LogLevel, 0)

    def write_all(
        self, logs: Sequence[WriteLog], *, thread: int = ENCLAVE_THREAD
    ) -> None:
        """Write several lines with one flush."""
        wanted = [log for log in logs if _RANK[log.level] >= self._least]
        if not wanted:
            return
        now = self._unix_us()
        for log in wanted:
            self.counts[log.level] += 1
        lines = [self._line(log, thread=thread, unix_us=now) for log in wanted]
        try:
            self._stream.write("".join(lines).encode(errors="backslashreplace"))
            self._stream.flush()
        except (BrokenPipeError, ValueError):
            # Nobody reads the log any more; that is no reason to stop a node.
            return

    def log(self, level: LogLevel, message: str, *, file: str) -> None:
        """Write a line of the host's own."""
        log = WriteLog(level=level, message=message, tag=LogTag.NONE, file=file)
        self.write_all([log], thread=HOST_THREAD)

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
        """Write at fatal."""
        self.log(LogLevel.FATAL, message, file=file)
