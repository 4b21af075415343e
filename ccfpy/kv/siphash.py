"""SipHash-2-4, by which CCF orders the keys inside a snapshot.

It protects nothing here: the key is fixed and public. See "SipHash: a fast short-input
PRF" (Aumasson, Bernstein 2012), whose names for the variables are used.

Hashing one short input takes Python some 200 operations on small numbers: most of what
a snapshot costs. So they are done here on numbers that hold a lane of 128 bits
for each of many inputs: the low half is the 64-bit variable, the high half takes what
additions carry and shifts push out, and is cleared after each.
"""

from array import array
from collections.abc import Iterable, Sequence

_MASK = 0xFFFF_FFFF_FFFF_FFFF
_WORD_BYTES = 8
_LANE_BYTES = 16
LANES_MAX = 256
"""Inputs hashed at once: with more, the numbers no longer fit the nearest cache."""


def siphash_2_4_many(inputs: Sequence[bytes], k0: int, k1: int) -> list[int]:
    """Hash each of many inputs under the 128-bit key ``k0``, ``k1`` to 64 bits.

    Inputs of the same size are hashed together.
    """
    hashes = [0] * len(inputs)
    by_words: dict[int, list[int]] = {}
    for at, data in enumerate(inputs):
        by_words.setdefault(len(data) // _WORD_BYTES, []).append(at)
    for places in by_words.values():
        for start in range(0, len(places), LANES_MAX):
            lanes = places[start : start + LANES_MAX]
            hashed = _hash_lanes([inputs[at] for at in lanes], k0, k1)
            for at, value in zip(lanes, hashed, strict=True):
                hashes[at] = value
    return hashes


def _hash_lanes(inputs: Sequence[bytes], k0: int, k1: int) -> Iterable[int]:
    """Hash inputs of one number of words, a lane each."""
    count = len(inputs)
    words = len(inputs[0]) // _WORD_BYTES + 1
    padded = array("Q")
    padded.frombytes(
        b"".join(
            [
                data + bytes(7 - len(data) % _WORD_BYTES) + bytes((len(data) & 0xFF,))
                for data in inputs
            ]
        )
    )
    ones = int.from_bytes((b"\1" + bytes(_LANE_BYTES - 1)) * count, "little")
    mask = ones * _MASK
    v0 = ones * (k0 ^ 0x736F6D6570736575)
    v1 = ones * (k1 ^ 0x646F72616E646F6D)
    v2 = ones * (k0 ^ 0x6C7967656E657261)
    v3 = ones * (k1 ^ 0x7465646279746573)
    for number in range(words):
        spread = array("Q", bytes(_LANE_BYTES * count))
        spread[::2] = padded[number::words]
        word = int.from_bytes(spread.tobytes(), "little")
        v0, v1, v2, v3 = _lane_rounds(2, mask, (v0, v1, v2, v3 ^ word))
        v0 ^= word
    v0, v1, v2, v3 = _lane_rounds(4, mask, (v0, v1, v2 ^ ones * 0xFF, v3))
    hashed = (v0 ^ v1 ^ v2 ^ v3).to_bytes(_LANE_BYTES * count, "little")
    return [
        int.from_bytes(hashed[at : at + _WORD_BYTES], "little")
        for at in range(0, len(hashed), _LANE_BYTES)
    ]


def _lane_rounds(
    count: int, mask: int, state: tuple[int, int, int, int]
) -> tuple[int, int, int, int]:
    v0, v1, v2, v3 = state
    for _ in range(count):
        v0 = v0 + v1 & mask
        v1 = (v1 << 13 | v1 >> 51) & mask ^ v0
        v0 = (v0 << 32 | v0 >> 32) & mask
        v2 = v2 + v3 & mask
        v3 = (v3 << 16 | v3 >> 48) & mask ^ v2
        v0 = v0 + v3 & mask
        v3 = (v3 << 21 | v3 >> 43) & mask ^ v0
        v2 = v2 + v1 & mask
        v1 = (v1 << 17 | v1 >> 47) & mask ^ v2
        v2 = (v2 << 32 | v2 >> 32) & mask
    return v0, v1, v2, v3
