"""Bytes with one bit changed, for tests that such bytes are refused."""

from __future__ import annotations


def with_a_bit_changed(data: bytes, at: int = -1) -> bytes:
    """Return the bytes with the lowest bit of the byte at that place changed.

    A fixed value written there would change nothing where the byte, of a signature for
    example, happens to have that value already.
    """
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)
