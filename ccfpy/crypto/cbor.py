"""CBOR as COSE needs it: definite, in the order given, strict about repeated keys."""

from io import BytesIO
from typing import Any

import cbor2

from ccfpy.base.errors import Malformed

Tag = cbor2.CBORTag

_DEPTH_MAX = 16
"""Deeper nesting than any structure of ours has; cheap protection for the decoder."""


def encode(value: object) -> bytes:
    """Write ``value``; maps keep their order."""
    return cbor2.dumps(value)


def decode(data: bytes) -> Any:  # noqa: ANN401 - CBOR holds anything; callers narrow
    """Read exactly one item.

    Raises:
        Malformed: it is none, has bytes after it, or a map names a key twice.
    """
    stream = BytesIO(data)
    decoder = cbor2.CBORDecoder(
        stream, max_depth=_DEPTH_MAX, allow_duplicate_keys=False
    )
    try:
        value = decoder.decode()
    except (cbor2.CBORError, ValueError, TypeError, RecursionError) as error:
        raise Malformed(f"not CBOR: {error}") from error
    except (MemoryError, OverflowError) as error:
        raise Malformed("not CBOR: a length beyond reason") from error
    rest = len(data) - stream.tell()
    if rest:
        raise Malformed(f"{rest} bytes follow a CBOR item")
    return value
