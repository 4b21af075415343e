"""Rows of values, as they lie in the engine's memory (``engine.c`` says the same).

A tag byte each, then for text and bytes a length and so many bytes, for numbers eight
bytes. Little-endian throughout.
"""

import struct
from typing import Final, TypeAlias

from ccfpy.js.host import HostArgument, HostResult

_UNDEFINED = 0
_NULL = 1
_FALSE = 2
_TRUE = 3
_INTEGER = 4
_NUMBER = 5
_TEXT = 6
_BYTES = 7
_OBJECT = 8

UNDEFINED: Final = bytes([_UNDEFINED])
NULL: Final = bytes([_NULL])
_CONSTANTS = {None: UNDEFINED, False: bytes([_FALSE]), True: bytes([_TRUE])}
_LENGTH = struct.Struct("<I")
_INT64 = struct.Struct("<q")
_DOUBLE = struct.Struct("<d")
_INT64_MAX = (1 << 63) - 1


class GuestObject:
    """Stands for an object of the guest's that is neither text, number nor bytes."""


OBJECT: Final = GuestObject()
Row: TypeAlias = list[HostArgument | GuestObject]


def encode(value: HostResult) -> bytes:
    """Write one value; ``None`` becomes undefined.

    An integer beyond 64 bits becomes the nearest double, as it would in JavaScript.
    """
    if isinstance(value, str):
        text = value.encode(errors="surrogatepass")
        return b"\x06" + _LENGTH.pack(len(text)) + text
    if isinstance(value, bytes):
        return b"\x07" + _LENGTH.pack(len(value)) + value
    if value is None or isinstance(value, bool):
        return _CONSTANTS[value]
    if isinstance(value, int) and -_INT64_MAX <= value <= _INT64_MAX:
        return b"\x04" + _INT64.pack(value)
    return b"\x05" + _DOUBLE.pack(value)


def decode(row: bytes) -> Row:
    """Read a row; undefined and null are both ``None``."""
    values: Row = []
    at, end = 0, len(row)
    while at < end:
        tag = row[at]
        at += 1
        if tag in (_TEXT, _BYTES):
            begin = at + 4
            at = begin + _LENGTH.unpack_from(row, at)[0]
            data = row[begin:at]
            is_text = tag == _TEXT
            values.append(data.decode(errors="surrogatepass") if is_text else data)
        elif tag in (_INTEGER, _NUMBER):
            form = _INT64 if tag == _INTEGER else _DOUBLE
            values.append(form.unpack_from(row, at)[0])
            at += 8
        elif tag == _OBJECT:
            values.append(OBJECT)
        else:
            values.append(None if tag <= _NULL else tag == _TRUE)
    return values
