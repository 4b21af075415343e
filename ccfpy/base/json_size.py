"""How large a value is as JSON, found before it is written.

The writer (orjson) writes whatever it is given: a value of any size, without a pause.
Beyond half a GiB it may end the process. A value that is a mistake, such as one text a
hundred million times, takes little memory until it is written. The count stops where
the bound is passed.
"""

from typing import Final, cast

from ccfpy.base import limits
from ccfpy.base.errors import Unwritable

_BYTES_MAX: Final = limits.JSON_BYTES_MAX
_DEPTH_MAX: Final = limits.JSON_DEPTH_MAX
_NODE_BYTES: Final = 2
"""Each value takes a byte at least, and what stands between it and the next."""


def check_size(value: object) -> None:
    """Check that a value is not too large to be written as JSON.

    What it is counted as is never more than what it takes; text with escapes takes up
    to six times as much.

    Raises:
        Unwritable: it would take more than ``JSON_BYTES_MAX``, or goes deeper than
            ``JSON_DEPTH_MAX``.
    """
    if type(value) is str:
        if len(value) > _BYTES_MAX:
            raise _too_large()
    else:
        _count(value, 0, 1)


def _count(value: object, counted: int, depth: int) -> int:
    """Return what was counted before and with a value that is in no loop below."""
    kind = type(value)
    if kind is dict or isinstance(value, dict):
        return _count_dict(cast("dict[object, object]", value), counted, depth)
    if kind is list or isinstance(value, list):
        return _count_list(cast("list[object]", value), counted, depth)
    if isinstance(value, tuple):
        return _count_list(list(value), counted, depth)
    if isinstance(value, str):
        return counted + len(value)
    if hasattr(kind, "__dataclass_fields__"):
        named = {name: getattr(value, name, None) for name in kind.__dataclass_fields__}
        return _count_dict(cast("dict[object, object]", named), counted, depth)
    return counted


def _count_list(values: list[object], counted: int, depth: int) -> int:
    counted += _NODE_BYTES * (len(values) + 1)
    if counted > _BYTES_MAX:
        raise _too_large()
    if depth > _DEPTH_MAX:
        raise _too_deep()
    last: object = None
    size_of_last = 0
    for value in values:
        kind = type(value)
        if kind is str:
            counted += len(cast("str", value))
        elif kind is not int and kind is not float and value is not None:
            if value is last:  # as in [rows] * 1000, which takes no memory
                counted += size_of_last
            else:
                before, last = counted, value
                counted = _count(value, counted, depth + 1)
                size_of_last = counted - before
        if counted > _BYTES_MAX:
            raise _too_large()
    return counted


def _count_dict(values: dict[object, object], counted: int, depth: int) -> int:
    counted += 2 * _NODE_BYTES * (len(values) + 1)
    if depth > _DEPTH_MAX:
        raise _too_deep()
    for key, value in values.items():
        if type(key) is str:
            counted += len(key)
        kind = type(value)
        if kind is str:
            counted += len(cast("str", value))
        elif kind is not int and kind is not float and value is not None:
            counted = _count(value, counted, depth + 1)
        if counted > _BYTES_MAX:
            raise _too_large()
    return counted


def _too_large() -> Unwritable:
    return Unwritable(f"JSON of more than {_BYTES_MAX} bytes")


def _too_deep() -> Unwritable:
    return Unwritable("JSON that is nested too deep to be written")
