"""Cursors over CCF's little-endian byte layouts.

``u8/u32/u64`` are unsigned little-endian; a *buf* is a ``u64`` length and that many
bytes; a *string* is a buf of UTF-8. Only the Merkle tree's own format is big-endian.
"""

import struct

from ccfpy.base.errors import Malformed

_U32 = struct.Struct("<I")
_U64 = struct.Struct("<Q")

u32 = _U32.pack
u64 = _U64.pack


def buf(data: bytes) -> bytes:
    """Frame ``data`` as a buf."""
    return u64(len(data)) + data


class Reader:
    """Reads fields from the front of a byte string; refuses to read past its end."""

    __slots__ = ("_data", "_end", "position")

    def __init__(self, data: bytes, position: int = 0, end: int | None = None) -> None:
        self._data = data
        self._end = len(data) if end is None else end
        self.position = position

    @property
    def remaining(self) -> int:
        """Bytes not yet read."""
        return self._end - self.position

    def take(self, count: int) -> bytes:
        """Read ``count`` bytes.

        Raises:
            Malformed: fewer are left.
        """
        start = self.position
        stop = start + count
        if count < 0 or stop > self._end:
            raise Malformed(
                f"expected {count} bytes at offset {start}, found {self._end - start}"
            )
        self.position = stop
        return self._data[start:stop]

    def u8(self) -> int:
        """Read one byte."""
        return self.take(1)[0]

    def u32(self) -> int:
        """Read a ``u32``."""
        value: int = _U32.unpack(self.take(4))[0]
        return value

    def u64(self) -> int:
        """Read a ``u64``."""
        value: int = _U64.unpack(self.take(8))[0]
        return value

    def buf(self) -> bytes:
        """Read a length and that many bytes."""
        return self.take(self.u64())

    def string(self) -> str:
        """Read a buf of UTF-8.

        Raises:
            Malformed: it is cut short or not UTF-8.
        """
        data = self.buf()
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            raise Malformed(f"not UTF-8 text: {data[:32]!r}") from error

    def finish(self) -> None:
        """Assert that everything was read.

        Raises:
            Malformed: bytes are left over.
        """
        if self.remaining:
            raise Malformed(f"{self.remaining} unexpected bytes at {self.position}")
