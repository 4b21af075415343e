"""A peer's bytes to whole HTTP/2 frames, and what a peer may send to no purpose.

A frame is a length, a kind, flags, a stream and as many bytes (RFC 9113, 4.1). They are
cut apart here, before the library reads them, so that each bound holds at the frame
that exceeds it, however the bytes were cut.

Frames that carry no request, body or answer cost the peer next to nothing and us some
work: floods of them are the attacks on HTTP/2. A connection has a store of them to
spend, and earns more by requests that are answered.
"""

from enum import IntEnum

from ccfpy.base import limits
from ccfpy.base.errors import CcfpyError

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""What a client begins with (RFC 9113, 3.4)."""
HEAD_BYTES = 9

_END_STREAM = 0x1
_END_HEADERS = 0x4


class Reason(IntEnum):
    """Why a stream or a connection ends (RFC 9113, 7)."""

    NO_ERROR = 0x0
    PROTOCOL_ERROR = 0x1
    INTERNAL_ERROR = 0x2
    FRAME_SIZE_ERROR = 0x6
    REFUSED_STREAM = 0x7
    ENHANCE_YOUR_CALM = 0xB


class FrameKind(IntEnum):
    """The kinds of frames that count in some way of their own (RFC 9113, 6)."""

    DATA = 0x0
    HEADERS = 0x1
    RST_STREAM = 0x3
    SETTINGS = 0x4
    CONTINUATION = 0x9


class FrameRefused(CcfpyError):
    """A frame at which the connection ends."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Http2FrameReader:
    """The frames of one connection's peer, in order.

    Attributes:
        is_greeted: a client's preface has come whole; always, where none is due.
    """

    __slots__ = (
        "_buffer",
        "_frame_bytes_max",
        "_headers_bytes",
        "_headers_bytes_max",
        "_is_first",
        "_spare",
        "is_greeted",
    )

    def __init__(
        self, *, frame_bytes_max: int, headers_bytes_max: int, has_preface: bool
    ) -> None:
        self._frame_bytes_max = frame_bytes_max
        self._headers_bytes_max = headers_bytes_max
        self._headers_bytes = 0
        self._spare = limits.HTTP2_SPARE_FRAMES_MAX
        self._is_first = True
        self._buffer = bytearray()
        self.is_greeted = not has_preface

    @property
    def is_midway(self) -> bool:
        """Whether the peer has begun a preface, a frame or headers, no more."""
        return bool(self._buffer or self._headers_bytes)

    @property
    def size(self) -> int:
        """Return how many bytes are held of frames that were not taken."""
        return len(self._buffer)

    @property
    def has_whole(self) -> bool:
        """Whether a whole frame, or one that will be refused, waits to be taken."""
        buffer = self._buffer
        if not self.is_greeted or len(buffer) < HEAD_BYTES:
            return False
        size = int.from_bytes(buffer[:3])
        return size > self._frame_bytes_max or len(buffer) >= HEAD_BYTES + size

    def add(self, data: bytes) -> None:
        """Add the next bytes."""
        self._buffer += data

    def take(self) -> bytes | None:
        """Return the next frame, if it is whole.

        Raises:
            FrameRefused: the peer does not begin as it must, or the frame is one too
                large or one too many.
        """
        buffer = self._buffer
        if not self.is_greeted:
            self._greet()
        if not self.is_greeted or len(buffer) < HEAD_BYTES:
            return None
        size = int.from_bytes(buffer[:3])
        if size > self._frame_bytes_max:
            raise FrameRefused(
                Reason.FRAME_SIZE_ERROR,
                f"a frame of {size} bytes (max size allowed: {self._frame_bytes_max})",
            )
        end = HEAD_BYTES + size
        if len(buffer) < end:
            return None
        self._admit(kind=buffer[3], flags=buffer[4], size=size)
        frame = bytes(buffer[:end])
        del buffer[:end]
        return frame

    def earn(self, frames: int) -> None:
        """Allow the peer to send so many more."""
        self._spare = min(self._spare + frames, limits.HTTP2_SPARE_FRAMES_MAX)

    def _greet(self) -> None:
        buffer = self._buffer
        if not PREFACE.startswith(bytes(buffer[: len(PREFACE)])):
            raise FrameRefused(Reason.PROTOCOL_ERROR, "no HTTP/2 preface")
        if len(buffer) >= len(PREFACE):
            del buffer[: len(PREFACE)]
            self.is_greeted = True

    def _admit(self, *, kind: int, flags: int, size: int) -> None:
        if self._is_first:
            if kind != FrameKind.SETTINGS:
                raise FrameRefused(
                    Reason.PROTOCOL_ERROR, "the first frame is no SETTINGS"
                )
            self._is_first = False
        match kind:
            case FrameKind.DATA:
                is_small = size < limits.HTTP2_SMALL_DATA_BYTES
                self._spend(int(is_small and not flags & _END_STREAM))
            case FrameKind.HEADERS | FrameKind.CONTINUATION:
                self._gather(flags, size)
                self._spend(int(kind == FrameKind.CONTINUATION))
            case FrameKind.RST_STREAM:
                self._spend(limits.HTTP2_FRAMES_PER_RESET)
            case _:
                self._spend(1)

    def _gather(self, flags: int, size: int) -> None:
        """Bound headers that go on from frame to frame, before they are read."""
        self._headers_bytes += size
        if self._headers_bytes > self._headers_bytes_max:
            raise FrameRefused(
                Reason.ENHANCE_YOUR_CALM,
                f"headers beyond {self._headers_bytes_max} bytes",
            )
        if flags & _END_HEADERS:
            self._headers_bytes = 0

    def _spend(self, frames: int) -> None:
        self._spare -= frames
        if self._spare < 0:
            raise FrameRefused(
                Reason.ENHANCE_YOUR_CALM, "too many frames that ask for nothing"
            )
