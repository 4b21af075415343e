"""JSON as CCF's C++ writes it where the bytes are hashed: compact, keys sorted, UTF-8.

nlohmann's ``dump()`` and orjson's sorted compact form agree byte for byte on every
value CCF's tables hold: objects, arrays, text, integers, booleans and null.
Tables that a constitution writes keep JavaScript's insertion order instead.
"""

from typing import Final, TypeAlias

import orjson

from ccfpy.base import limits
from ccfpy.base.errors import Malformed, Unwritable
from ccfpy.base.json_size import check_size

Json: TypeAlias = dict[str, "Json"] | list["Json"] | str | int | float | bool | None
JsonObject: TypeAlias = dict[str, Json]

_dumps: Final = orjson.dumps
_loads: Final = orjson.loads
_SORTED: Final = orjson.OPT_SORT_KEYS
_BYTES_MAX: Final = limits.JSON_BYTES_MAX
_SHORT: Final = 1 << 61
"""Shorter integers than this orjson writes as Python does; of longer ones not all."""
_FLAT: Final = frozenset({int, bool, float, type(None)})
"""Types of which every value is short, so that most values cost no call to count."""


def dumps(value: object) -> bytes:
    """Write ``value`` compactly with sorted keys, as CCF's tables store it.

    Raises:
        Unwritable: it is larger, or nested deeper, than can be written; what is read
            may be.
        TypeError: JSON has no form for it.
    """
    if type(value) is int and -_SHORT < value < _SHORT:  # most often a key
        return str(value).encode()
    # What is sent stands in a buffer of 4 KB or more, eight times its size or more, for
    # as long as somebody keeps it, as tables do. This does not.
    return b"".join((dumps_to_send(value), b""))


def dumps_to_send(value: object) -> bytes:
    """Write ``value`` as ``dumps`` does, into bytes that nobody keeps.

    Raises:
        Unwritable: as ``dumps``.
        TypeError: as ``dumps``.
    """
    if value is True:  # what most requests that change something are answered with
        return b"true"
    if isinstance(value, str):
        if len(value) > _BYTES_MAX:
            check_size(value)
    elif type(value) not in _FLAT:
        check_size(value)
    try:
        return _dumps(value, option=_SORTED)
    except TypeError as error:
        if "Recursion" in str(error):
            raise Unwritable("JSON that is nested too deep to be written") from error
        raise


def loads(text: bytes | str) -> Json:
    """Read one JSON value.

    Raises:
        Malformed: it is not JSON.
    """
    try:
        value: Json = _loads(text)
    except orjson.JSONDecodeError as error:
        raise Malformed(f"not JSON: {error}") from error
    return value


def loads_object(text: bytes | str) -> JsonObject:
    """Read one JSON object.

    Raises:
        Malformed: it is not JSON, or JSON of another kind.
    """
    value = loads(text)
    if not isinstance(value, dict):
        raise Malformed(f"expected a JSON object, found {type(value).__name__}")
    return value
