"""The most bytes that values of a type take on the wire."""

from enum import StrEnum
from types import NoneType
from typing import get_args, get_origin

from ccfpy.boundary.schema import record_parts
from ccfpy.boundary.shape import parted

INTEGER_BYTES_MAX = 9
HEAD_BYTES_MAX = 5
"""What msgpack puts before a text, bytes or a list."""
CHARACTER_BYTES_MAX = 4


def bytes_max(kind: object) -> int:
    """Return the most bytes that a value of a bounded type takes on the wire."""
    kind, bound = parted(kind)
    most = 0 if bound is None else bound.count
    if isinstance(kind, type):
        return _plain_bytes_max(kind, most)
    arguments = [part for part in get_args(kind) if part is not NoneType]
    if get_origin(kind) is not tuple:
        return bytes_max(arguments[0])
    if arguments[-1] is ...:
        return HEAD_BYTES_MAX + most * bytes_max(arguments[0])
    return HEAD_BYTES_MAX + sum(map(bytes_max, arguments))


def _plain_bytes_max(kind: type, most: int) -> int:
    if kind is bool:
        return 1
    if kind is int:
        return INTEGER_BYTES_MAX
    if kind is bytes:
        return HEAD_BYTES_MAX + most
    if issubclass(kind, StrEnum):
        return HEAD_BYTES_MAX + max(len(str(member).encode()) for member in kind)
    if kind is str:
        return HEAD_BYTES_MAX + CHARACTER_BYTES_MAX * most
    return HEAD_BYTES_MAX + sum(bytes_max(part) for _, part in record_parts(kind))
