"""Base64 VLQ, the numbers that source maps are written in (ECMA-426, section 9).

A number is written five bits at a time, the lowest first; a sixth bit says that more
follow. The lowest bit of the whole is its sign, and the rest is at most 31 bits wide.
"""

from ccfpy.base.errors import Malformed

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_DIGITS = {character: value for value, character in enumerate(_ALPHABET)}
_MORE = 0b10_0000
_BITS = 5
_WIDTH_MAX = 32
"""With the sign."""


def decode(text: str) -> list[int]:
    """Read numbers that follow each other.

    Raises:
        Malformed: a character is no digit, a number has no end, or is too large.
    """
    numbers: list[int] = []
    number, shift = 0, 0
    for character in text:
        digit = _DIGITS.get(character)
        if digit is None:
            raise Malformed(f"not a base64 digit: {character!r}")
        number |= (digit & ~_MORE) << shift
        if number >> _WIDTH_MAX or shift > _WIDTH_MAX:
            raise Malformed("a number wider than 32 bits")
        if digit & _MORE:
            shift += _BITS
            continue
        numbers.append(-(number >> 1) if number & 1 else number >> 1)
        number, shift = 0, 0
    if shift:
        raise Malformed("a number that does not end")
    return numbers


def encode(number: int) -> str:
    """Write one number."""
    rest = -number << 1 | 1 if number < 0 else number << 1
    written = ""
    while True:
        digit = rest & ~-_MORE
        rest >>= _BITS
        written += _ALPHABET[digit | _MORE if rest else digit]
        if not rest:
            return written
