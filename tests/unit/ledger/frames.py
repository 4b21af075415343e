"""Frames of entries, written by hand: nodes write theirs as they seal an entry."""

from ccfpy.ledger.frame import ENTRY_VERSION, FRAME_BYTES, EntryFlags


def write_frame(flags: EntryFlags, body_bytes: int) -> bytes:
    """Return the frame of an entry whose remainder has ``body_bytes`` bytes."""
    frame = ENTRY_VERSION | flags << 8 | body_bytes << 16
    return frame.to_bytes(FRAME_BYTES, "little")
