"""SipHash-2-4, by which CCF orders the keys inside a snapshot.

It protects nothing here: the key is fixed and public. See "SipHash: a fast short-input
PRF" (Aumasson, Bernstein 2012), whose names for the variables are used.
"""

_MASK = 0xFFFF_FFFF_FFFF_FFFF


def siphash_2_4(data: bytes, k0: int, k1: int) -> int:
    """Hash ``data`` under the 128-bit key ``k0``, ``k1`` to 64 bits."""
    v0 = k0 ^ 0x736F6D6570736575
    v1 = k1 ^ 0x646F72616E646F6D
    v2 = k0 ^ 0x6C7967656E657261
    v3 = k1 ^ 0x7465646279746573
    length = len(data)
    padded = data + bytes(7 - length % 8) + bytes((length & 0xFF,))
    for offset in range(0, len(padded), 8):
        word = int.from_bytes(padded[offset : offset + 8], "little")
        v0, v1, v2, v3 = _rounds(2, v0, v1, v2, v3 ^ word)
        v0 ^= word
    v0, v1, v2, v3 = _rounds(4, v0, v1, v2 ^ 0xFF, v3)
    return v0 ^ v1 ^ v2 ^ v3


def _rounds(
    count: int, v0: int, v1: int, v2: int, v3: int
) -> tuple[int, int, int, int]:
    for _ in range(count):
        v0 = (v0 + v1) & _MASK
        v1 = ((v1 << 13) & _MASK | v1 >> 51) ^ v0
        v0 = (v0 << 32) & _MASK | v0 >> 32
        v2 = (v2 + v3) & _MASK
        v3 = ((v3 << 16) & _MASK | v3 >> 48) ^ v2
        v0 = (v0 + v3) & _MASK
        v3 = ((v3 << 21) & _MASK | v3 >> 43) ^ v0
        v2 = (v2 + v1) & _MASK
        v1 = ((v1 << 17) & _MASK | v1 >> 47) ^ v2
        v2 = (v2 << 32) & _MASK | v2 >> 32
    return v0, v1, v2, v3
