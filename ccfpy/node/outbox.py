"""What one step asks of the host, gathered in the order it must be done.

Ledger entries come before the answers that report them, so that a client never holds
a transaction id the host has not been handed; entries made in one step are one write,
or a few where they would not fit a frame of the boundary.
"""

from collections.abc import Callable
from typing import Final, Protocol

from ccfpy.base import limits
from ccfpy.boundary.effects import (
    AppendLedger,
    CloseSession,
    Effect,
    LogLevel,
    LogTag,
    ReportTrace,
    SendData,
    WriteLog,
)

_REPLIES: Final = frozenset((SendData, CloseSession))


class NodeLog(Protocol):
    """Where parts of a node say what happens to them."""

    def info(self, message: str, /) -> None:
        """Log what is in order, or may happen."""
        ...

    def fail(self, message: str, /) -> None:
        """Log what was refused, or should not happen."""
        ...


class Outbox:
    """The effects of the step under way."""

    def __init__(self) -> None:
        self._effects: list[Effect] = []
        self._entries: list[bytes] = []
        self._entry_bytes = 0
        self._first_seqno = 0
        self._has_signature = False
        self._begins_chunk = False
        self._replies: list[Effect] = []
        self._settle: Callable[[], None] | None = None

    def settle_by(self, settle: Callable[[], None]) -> None:
        """Call ``settle`` for the entries that it still owes, before any are due."""
        self._settle = settle

    def entry(self, seqno: int, entry: bytes, is_committable: bool = False) -> None:
        """Write the next ledger entry."""
        size = len(entry)
        if self._entry_bytes + size > limits.APPEND_BYTES_MAX:
            self._flush_entries()
        if not self._entries:
            self._first_seqno = seqno
        self._entry_bytes += size
        self._entries.append(entry)
        if is_committable:
            self._has_signature = True

    def begin_chunk(self) -> None:
        """Begin a chunk of the ledger with the next entry."""
        self._flush_entries()
        self._begins_chunk = True

    def end_chunk(self) -> None:
        """End the chunk of the ledger with the entry just written."""
        self._flush_entries(ends_chunk=True)

    def put(self, effect: Effect) -> None:
        """Ask for ``effect`` after all that was asked before.

        Replies wait for the entries made after them too, so that a step that answers
        many writes hands the host one write of the ledger and not one for each.
        """
        if type(effect) in _REPLIES:
            self._replies.append(effect)
        else:
            self._flush()
            self._effects.append(effect)

    def log(self, level: LogLevel, message: str, *, tag: LogTag = LogTag.NONE) -> None:
        """Write a log line; ``message`` must hold nothing private.

        What it quotes of a client's words cannot forge another line, nor be longer
        than a line may.
        """
        message = message[: limits.LOG_MESSAGE_CHARS_MAX]
        if not message.isprintable():
            message = "".join(map(_printable, message))
        self._effects.append(WriteLog(level=level, tag=tag, message=message))

    def report(self, trace: ReportTrace) -> None:
        """Report a request, before the answers of this step leave."""
        self._effects.append(trace)

    def info(self, message: str, *, tag: LogTag = LogTag.NONE) -> None:
        """Log at info."""
        self.log(LogLevel.INFO, message, tag=tag)

    def fail(self, message: str, *, tag: LogTag = LogTag.NONE) -> None:
        """Log at fail."""
        self.log(LogLevel.FAIL, message, tag=tag)

    def _flush(self) -> None:
        if self._settle is not None:
            self._settle()
        self._flush_entries()
        if self._replies:
            self._effects += self._replies
            self._replies.clear()

    def _flush_entries(self, *, ends_chunk: bool = False) -> None:
        if self._entries:
            self._effects.append(
                AppendLedger(
                    self._first_seqno,
                    tuple(self._entries),
                    self._has_signature,
                    self._begins_chunk,
                    ends_chunk,
                )
            )
            self._entries.clear()
            self._entry_bytes = 0
            self._has_signature = self._begins_chunk = False

    def take(self) -> list[Effect]:
        """End the step: give its effects and start afresh."""
        self._flush()
        effects = self._effects
        self._effects = []
        return effects


def _printable(character: str) -> str:
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode()
