"""How long a node waits for a client that has begun something and does not end it.

A host ends connections that are silent. A client that says a little now and then is
not, and could hold a connection for ever with a handshake, a request or an answer that
it never lets end. CCF has no such bound.
"""

from enum import StrEnum

from ccfpy.base import limits


class Stall(StrEnum):
    """What a client owes; the text completes a sentence of the log."""

    UNFINISHED = "began what it has not ended"
    """It has yet to end a handshake, a record or a request, or to open its windows."""
    UNREAD = "has read none of its answers"


class Patience:
    """What is left of it, for one connection.

    Whatever comes whole restores it. Otherwise it lasts for so long, and longer by what
    the client sends, at a rate that anybody can keep.
    """

    __slots__ = ("_progress", "_received", "_waited_ms")

    def __init__(self) -> None:
        self._progress: object = None
        self._received = 0
        self._waited_ms = 0

    def is_over(self, *, progress: object, received: int, elapsed_ms: int) -> bool:
        """Return whether the time of a client that has begun something is over.

        Args:
            progress: equal to what it was at the last look if nothing came whole since;
                ``None`` if nothing has begun.
            received: bytes that came from the client in all.
            elapsed_ms: since the last look.
        """
        if progress is None or progress != self._progress:
            self._progress = progress
            self._received = received
            self._waited_ms = 0
            return False
        self._waited_ms += elapsed_ms
        sent = received - self._received
        return self._waited_ms >= limits.SESSION_UNFINISHED_MS_MAX + (
            1000 * sent // limits.SESSION_BYTES_PER_S_MIN
        )
