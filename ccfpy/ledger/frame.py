"""How an entry is framed: the eight bytes that say where the next entry begins.

==========  ====  =======================================================
offset      size  field
==========  ====  =======================================================
0           1     version, always 1
1           1     flags, see ``EntryFlags``
2           6     bytes that follow these eight, little-endian
==========  ====  =======================================================

A frame can be read without any key and without reading the entry itself
(``src/kv/serialised_entry_format.h``).
"""

import struct
from collections.abc import Callable
from enum import IntFlag
from typing import Final, NamedTuple

from ccfpy.base.errors import Malformed

ENTRY_VERSION: Final = 1
FRAME_BYTES: Final = 8
BODY_BYTES_MIN: Final = 36
"""AES-GCM's tag and IV and the size of the public domain, which no entry lacks."""
BODY_BYTES_MAX: Final = 1 << 30
"""What the auditors of CCF accept, so what a node must not exceed."""
SEQNO_OFFSET: Final = 24
"""Where an entry's seqno stands: the first eight bytes of the AES-GCM IV."""
_SIZE_SHIFT: Final = 16
_read_u64: Final[Callable[[bytes, int], tuple[int]]] = struct.Struct("<Q").unpack_from
"""Typed, so that compiled code reckons with numbers and not with objects."""
_HEAD_BITS: Final = 0xFFFF
"""Version and flags."""


class EntryFlags(IntFlag):
    """Where the primary wants the chunk cut; the same on every node."""

    NONE = 0
    CLOSE_CHUNK_AFTER = 0x01
    CLOSE_CHUNK_BEFORE = 0x02


_FLAGS = tuple(EntryFlags(value) for value in range(4))


class Frame(NamedTuple):
    """One entry's frame."""

    flags: EntryFlags
    body_bytes: int
    """Bytes after the frame."""

    @property
    def entry_bytes(self) -> int:
        """Bytes of the whole entry, its frame included."""
        return FRAME_BYTES + self.body_bytes


def read_frame(data: bytes, position: int = 0) -> Frame:
    """Read the frame at ``position``.

    Raises:
        Malformed: it is cut short, of another version, with unknown flags or of a size
            that no entry has.
    """
    raw = data[position : position + FRAME_BYTES]
    if len(raw) < FRAME_BYTES:
        raise Malformed(f"expected {FRAME_BYTES} bytes of frame, found {len(raw)}")
    version, flags, body_bytes = raw[0], raw[1], int.from_bytes(raw[2:], "little")
    if version != ENTRY_VERSION:
        raise Malformed(f"expected an entry of version 1, found {version}")
    if flags >= len(_FLAGS):
        raise Malformed(f"unknown entry flags {flags:#x}")
    if not BODY_BYTES_MIN <= body_bytes <= BODY_BYTES_MAX:
        raise Malformed(f"an entry of {body_bytes} bytes is out of range")
    return Frame(_FLAGS[flags], body_bytes)


def entry_end(data: bytes, position: int) -> int:
    """Return where the entry at ``position`` ends, perhaps beyond ``data``.

    Raises:
        Malformed: as ``read_frame``.
    """
    if position + FRAME_BYTES <= len(data):
        (frame,) = _read_u64(data, position)
        body_bytes = frame >> _SIZE_SHIFT
        # Most entries have no flags.
        is_usual = frame & _HEAD_BITS == ENTRY_VERSION
        if is_usual and BODY_BYTES_MIN <= body_bytes <= BODY_BYTES_MAX:
            return position + FRAME_BYTES + body_bytes
    return position + read_frame(data, position).entry_bytes


def split_entries(data: bytes, position: int, count: int) -> list[bytes]:
    """Return the ``count`` entries from ``position`` on, or fewer if a frame is wrong.

    ``data`` may end within the last one.

    Raises:
        Malformed: the first frame is wrong; as ``read_frame``.
    """
    entries: list[bytes] = []
    for _ in range(count):
        try:
            end = entry_end(data, position)
        except Malformed:
            if entries:
                break
            raise
        entries.append(data[position:end])
        position = end
    return entries
