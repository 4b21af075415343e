"""The two directions of one stream: what came and was not taken, what waits to leave.

A *live* stream is one whose request is handed on at its headers. Its data is taken
piece by piece, and the client may send on only as far as its pieces were taken.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ccfpy.base import limits

if TYPE_CHECKING:
    from ccfpy.http.http2_messages import Fields


@dataclass(slots=True)
class Inflow:
    """What came on a live stream and was not taken.

    Attributes:
        data: the bytes.
        has_ended: no more will come.
        is_end_taken: the end was taken too.
    """

    data: bytearray = field(default_factory=bytearray)
    has_ended: bool = False
    is_end_taken: bool = False

    @property
    def is_due(self) -> bool:
        """Whether there is something to take."""
        return bool(self.data) or (self.has_ended and not self.is_end_taken)

    def take(self) -> tuple[bytes, bool]:
        """Return the next piece, and whether nothing follows it."""
        piece = bytes(self.data[: limits.STREAM_PIECE_BYTES_MAX])
        del self.data[: limits.STREAM_PIECE_BYTES_MAX]
        self.is_end_taken = self.has_ended and not self.data
        return piece, self.is_end_taken


@dataclass(slots=True)
class Outflow:
    """What waits to leave on a stream.

    Attributes:
        pieces: the bytes.
        size: how many they are.
        has_ended: nothing follows but the trailers.
        trailers: what is sent behind the bytes.
    """

    pieces: deque[memoryview] = field(default_factory=deque)
    size: int = 0
    has_ended: bool = False
    trailers: "Fields | None" = None

    def add(self, data: bytes) -> None:
        """Add bytes behind the others."""
        if data:
            self.pieces.append(memoryview(data))
            self.size += len(data)

    def take(self, room: int) -> memoryview:
        """Return bytes that fit into ``room``; there are some."""
        piece = self.pieces.popleft()
        if len(piece) > room:
            self.pieces.appendleft(piece[room:])
            piece = piece[:room]
        self.size -= len(piece)
        return piece
