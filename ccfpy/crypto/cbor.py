"""CBOR as COSE needs it, and no more of it.

Maps are written in the order given. Read are single items of definite length, whose
maps name no key twice. No tag has a meaning here: the decoder would otherwise make
dates, numbers of any size, regular expressions and cyclic structures of what a stranger
sent.
"""

from functools import partial
from io import BytesIO
from typing import Any

import cbor2

from ccfpy.base.errors import Malformed

Tag = cbor2.CBORTag

_DEPTH_MAX = 16
"""Deeper nesting than any structure of ours has; cheap protection for the decoder."""
_INTERPRETED_TAGS = (
    *(0, 1, 2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 37, 52, 54, 100, 256, 258, 260, 261),
    *(1004, 43000, 55799),
)
"""Those that cbor2 turns into something else than a tag and its content."""


def encode(value: object) -> bytes:
    """Write ``value``; maps keep their order."""
    return cbor2.dumps(value)


def decode(data: bytes) -> Any:  # noqa: ANN401 - CBOR holds anything; callers narrow
    """Read exactly one item.

    Raises:
        Malformed: it is none, has bytes after it, is of indefinite length, or a map
            names a key twice.
    """
    stream = BytesIO(data)
    decoder = cbor2.CBORDecoder(
        stream,
        semantic_decoders=_UNINTERPRETED,
        max_depth=_DEPTH_MAX,
        allow_indefinite=False,
        allow_duplicate_keys=False,
    )
    try:
        value = decoder.decode()
    except (cbor2.CBORError, ValueError, TypeError, OverflowError) as error:
        raise Malformed(f"not CBOR: {error}") from error
    rest = len(data) - stream.tell()
    if rest:
        raise Malformed(f"{rest} bytes follow a CBOR item")
    return value


def _tagged(number: int, content: object, _immutable: bool) -> Tag:
    return Tag(number, content)


_UNINTERPRETED = {number: partial(_tagged, number) for number in _INTERPRETED_TAGS}
