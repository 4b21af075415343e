"""Codecs whose bytes have the order of the keys: integers, and tuples.

A range of a map goes by the bytes of its keys. Text as UTF-8 (``STRING``) has the order
of its code points, and ``RAW`` that of its bytes; the codecs here give integers and
tuples theirs. What they write does not change.

An integer is eight bytes, most significant first; of a signed one, the sign bit is
turned. A tuple is its parts one after another. A part that is no integer ends with two
zero bytes, and zeros within it become ``00 01``: so no part begins another one, and
``("a", 2)`` comes before ``("a!", 1)``.
"""

import struct
from collections.abc import Iterator
from typing import Any, Final, TypeVar, overload

from ccfpy.base.errors import Malformed, Unwritable
from ccfpy.kv.maps import USE_ORDERED, Codec

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")

_U64: Final = struct.Struct(">Q")
_U64_LAST: Final = (1 << 64) - 1
_SIGN: Final = 1 << 63
_END: Final = b"\0\0"
_ZERO: Final = b"\0\1"


def _encode_u64(value: int) -> bytes:
    if type(value) is not int or not 0 <= value <= _U64_LAST:
        raise Unwritable("expected an integer from 0 to 2**64 - 1")
    return _U64.pack(value)


def _decode_u64(data: bytes) -> int:
    if len(data) != _U64.size:
        raise Malformed(f"expected an integer of 8 bytes, found {len(data)} bytes")
    value: int = _U64.unpack(data)[0]
    return value


def _encode_i64(value: int) -> bytes:
    if type(value) is not int or not -_SIGN <= value < _SIGN:
        raise Unwritable("expected an integer from -2**63 to 2**63 - 1")
    return _U64.pack(value + _SIGN)


def _decode_i64(data: bytes) -> int:
    return _decode_u64(data) - _SIGN


ORDERED_U64: Final[Codec[int]] = Codec(
    encode=_encode_u64, decode=_decode_u64, orders=True
)
"""An integer from 0 to 2**64 - 1, ordered; others are ``Unwritable``."""
ORDERED_I64: Final[Codec[int]] = Codec(
    encode=_encode_i64, decode=_decode_i64, orders=True
)
"""An integer from -2**63 to 2**63 - 1, ordered; others are ``Unwritable``."""


@overload
def ordered_tuple(first: Codec[A], /) -> Codec[tuple[A]]: ...
@overload
def ordered_tuple(first: Codec[A], second: Codec[B], /) -> Codec[tuple[A, B]]: ...
@overload
def ordered_tuple(
    first: Codec[A], second: Codec[B], third: Codec[C], /
) -> Codec[tuple[A, B, C]]: ...
@overload
def ordered_tuple(
    first: Codec[A], second: Codec[B], third: Codec[C], fourth: Codec[D], /
) -> Codec[tuple[A, B, C, D]]: ...
def ordered_tuple(*parts: Codec[Any]) -> Codec[Any]:
    """Return a codec of tuples, which are ordered by their first part, then the second.

    Args:
        parts: the codec of each part.

    Raises:
        TypeError: a codec does not order.
    """
    for number, codec in enumerate(parts, 1):
        if not codec.orders:
            raise TypeError(f"part {number} of the tuple has no order: {USE_ORDERED}")

    def encode(values: tuple[Any, ...]) -> bytes:
        if len(values) != len(parts):
            raise Unwritable(f"expected {len(parts)} parts, found {len(values)}")
        written = (
            _write_part(codec, codec.encode(value))
            for codec, value in zip(parts, values, strict=True)
        )
        return b"".join(written)

    def decode(data: bytes) -> tuple[Any, ...]:
        return tuple(_read_parts(parts, data))

    return Codec(encode=encode, decode=decode, orders=True)


def _is_fixed(codec: Codec[Any]) -> bool:
    """Return whether all that a codec writes has the size of an integer."""
    return codec is ORDERED_U64 or codec is ORDERED_I64


def _write_part(codec: Codec[Any], data: bytes) -> bytes:
    return data if _is_fixed(codec) else data.replace(b"\0", _ZERO) + _END


def _read_parts(parts: tuple[Codec[Any], ...], data: bytes) -> Iterator[Any]:
    at = 0
    for codec in parts:
        if _is_fixed(codec):
            part, at = data[at : at + _U64.size], at + _U64.size
        else:
            part, at = _read_escaped(data, at)
        yield codec.decode(part)
    if at != len(data):
        raise Malformed("expected a tuple, found bytes behind it")


def _read_escaped(data: bytes, at: int) -> tuple[bytes, int]:
    """Read up to the end of a part; return the part, and where the next one begins."""
    pieces: list[bytes] = []
    while True:
        zero = data.find(b"\0", at)
        pair = data[zero : zero + 2] if zero >= 0 else b""
        if pair not in (_END, _ZERO):
            raise Malformed("expected a part of a tuple that ends")
        pieces.append(data[at:zero])
        at = zero + 2
        if pair == _END:
            return b"\0".join(pieces), at
