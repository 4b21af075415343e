"""Rows of values, as they lie in the engine's memory (``engine.c`` says the same).

A tag byte each, then for text and bytes a length and so many bytes, for numbers eight
bytes. Little-endian throughout.
"""

import struct
from typing import Final, TypeAlias

from ccfpy.base.errors import Malformed
from ccfpy.js.extension import ExtensionArgument, ExtensionResult

_UNDEFINED: Final = 0
_NULL: Final = 1
_FALSE: Final = 2
_TRUE: Final = 3
_INTEGER: Final = 4
_NUMBER: Final = 5
_TEXT: Final = 6
_BYTES: Final = 7
_OBJECT: Final = 8

UNDEFINED: Final = bytes([_UNDEFINED])
NULL: Final = bytes([_NULL])
_NO: Final = bytes([_FALSE])
_YES: Final = bytes([_TRUE])
_SIZED: Final = struct.Struct("<BI")
_INT64: Final = struct.Struct("<q")
INTEGER_BYTES: Final = 1 + _INT64.size
_DOUBLE: Final = struct.Struct("<d")
_INT64_MAX: Final = (1 << 63) - 1
_NOWHERE: Final = -1


class ScriptObject:
    """Stands for a script's object that is neither text, number nor bytes."""


OBJECT: Final = ScriptObject()
Row: TypeAlias = list[ExtensionArgument | ScriptObject]


def encode(value: ExtensionResult) -> bytes:
    """Write one value; ``None`` becomes undefined.

    An integer beyond 64 bits becomes the nearest double, as it would in JavaScript.
    """
    if value is None:
        return UNDEFINED
    if isinstance(value, bytes):
        return _SIZED.pack(_BYTES, len(value)) + value
    if isinstance(value, str):
        text = value.encode(errors="surrogatepass")
        return _SIZED.pack(_TEXT, len(text)) + text
    if isinstance(value, bool):
        return _YES if value else _NO
    if isinstance(value, int) and -_INT64_MAX <= value <= _INT64_MAX:
        return b"\x04" + _INT64.pack(value)
    return b"\x05" + _DOUBLE.pack(value)


def decode_integer(row: bytes) -> int:
    """Read the integer that a row begins with, which is below 65,536.

    Raises:
        Malformed: the row begins with something else.
    """
    if len(row) < INTEGER_BYTES or row[0] != _INTEGER:
        raise Malformed("a row begins with no integer")
    return row[1] | row[2] << 8


def _length_at(row: bytes, at: int) -> int:
    """Read a length; byte by byte, which makes no objects where this is compiled."""
    return row[at] | row[at + 1] << 8 | row[at + 2] << 16 | row[at + 3] << 24


def decode(row: bytes, at: int = 0) -> Row:
    """Read a row from a place on; undefined and null are both ``None``.

    Raises:
        Malformed: the row ends within a value, or holds an unknown one. A script that
            has broken its own memory may leave anything.
    """
    values: Row = []
    end = len(row)
    try:
        at = _decode_to(values, row, at, end)
    except (IndexError, struct.error, UnicodeDecodeError):
        at = _NOWHERE
    if at != end:
        raise Malformed("a row does not end with its last value")
    return values


def _decode_to(values: Row, row: bytes, at: int, end: int) -> int:
    """Read values up to the end of a row; return where the last one ends."""
    while at < end:
        tag = row[at]
        at += 1
        if tag == _BYTES:
            begin = at + 4
            at = begin + _length_at(row, at)
            values.append(row[begin:at])
        elif tag == _TEXT:
            begin = at + 4
            at = begin + _length_at(row, at)
            values.append(row[begin:at].decode(errors="surrogatepass"))
        elif tag in (_INTEGER, _NUMBER):
            form = _INT64 if tag == _INTEGER else _DOUBLE
            values.append(form.unpack_from(row, at)[0])
            at += 8
        elif tag < _INTEGER:
            values.append(None if tag <= _NULL else tag == _TRUE)
        elif tag == _OBJECT:
            values.append(OBJECT)
        else:
            return _NOWHERE
    return at
