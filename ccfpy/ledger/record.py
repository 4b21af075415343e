"""Fields of JSON records, read into the types they stand for.

Bytes are base64 or, if they are digests, hex; both only at this edge. Each function
names the field it refused. A record whose dataclass says it all is read and written
whole, by ``ccfpy.base.schema``.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Annotated, TypeAlias

from ccfpy.base.annotations import UINT64, IntegerRange
from ccfpy.base.errors import Malformed
from ccfpy.base.ids import Seqno
from ccfpy.base.json import Json

Positive: TypeAlias = Annotated[int, IntegerRange("positive", 1, UINT64.maximum)]
"""A view or seqno, which count from 1."""
Record: TypeAlias = Mapping[str, Json]

DIGEST_BYTES = 32
_SHOWN = 80


def text(record: Record, name: str) -> str:
    """Read text.

    Raises:
        Malformed: the field is missing or something else.
    """
    value = record.get(name)
    if not isinstance(value, str):
        raise Malformed(f"expected text as {name!r}, found {_shown(value)}")
    return value


def optional_text(record: Record, name: str) -> str | None:
    """Read text that may be missing, null or empty.

    Raises:
        Malformed: the field is something else.
    """
    return text(record, name) or None if record.get(name) is not None else None


def optional_seqno(record: Record, name: str) -> Seqno | None:
    """Read a seqno that may be missing.

    Raises:
        Malformed: the field is not a whole number, or negative.
    """
    value = record.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise Malformed(f"expected a seqno as {name!r}, found {_shown(value)}")
    return value


def positive(record: Record, name: str) -> int:
    """Read a view or seqno, which count from 1.

    Raises:
        Malformed: the field is missing or something else.
    """
    value = optional_seqno(record, name)
    if not value:
        raise Malformed(f"expected {name!r} to be at least 1, found {_shown(value)}")
    return value


def digest(record: Record, name: str) -> bytes:
    """Read a SHA-256 digest from hex.

    Raises:
        Malformed: the field is missing or something else.
    """
    return parse_digest(text(record, name), name)


def parse_digest(value: str, name: str) -> bytes:
    """Read a SHA-256 digest from hex.

    Raises:
        Malformed: it is not 64 hex digits.
    """
    try:
        data = bytes.fromhex(value) if value.isalnum() else b""
    except ValueError as error:
        raise Malformed(f"expected hex as {name!r}, found {_shown(value)}") from error
    if len(data) != DIGEST_BYTES:
        raise Malformed(f"expected 32 bytes of hex as {name!r}, found {_shown(value)}")
    return data


def blob(record: Record, name: str) -> bytes:
    """Read bytes from base64.

    Raises:
        Malformed: the field is missing or something else.
    """
    return parse_base64(text(record, name), name)


def parse_base64(value: str, name: str) -> bytes:
    """Read bytes from base64.

    Raises:
        Malformed: it is something else.
    """
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed(
            f"expected base64 as {name!r}, found {_shown(value)}"
        ) from error


def as_base64(data: bytes) -> str:
    """Write bytes as base64."""
    return base64.b64encode(data).decode()


def _shown(value: Json) -> str:
    shown = repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
