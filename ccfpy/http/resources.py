"""``If-Match`` and ``If-None-Match``: which versions of a resource a caller means.

Every entity tag of RFC 9110 (section 8.8.3) is taken, strong or weak. CCF takes strong
tags of hex digits only, and needs no comma between them (``include/ccf/http_etag.h``).

The ``Range`` header as CCF reads it: one range of bytes, its end not included.

RFC 9110 includes the end; clients of CCF rely on it being left out, and so do the
``Content-Range`` headers that answer them (``src/node/rpc/node_frontend.h``).

The ``Accept`` header: which kinds of answer a caller wants, best first.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

from ccfpy.base import limits
from ccfpy.base.errors import Malformed
from ccfpy.http.errors import JSON_CONTENT_TYPE, ApiError, ErrorCode

_BETWEEN = r"[ \t\n\v\f\r,]*"
_TAG = re.compile(rf'(W/)?"([!\x23-\x7e\x80-\U0010ffff]*)"{_BETWEEN}')
_BEGIN = re.compile(_BETWEEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Matcher:
    """The condition that one such header states.

    Attributes:
        tags: what it lists, without quotes; ``None`` stands for ``*``, any version.
        weak: those of them that stand for like versions, and not for the same bytes.
    """

    tags: frozenset[str] | None
    weak: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, header: str) -> Self:
        """Read a header's value.

        Raises:
            Malformed: it is neither ``*`` nor a list of quoted tags.
        """
        if header.strip(" \t") == "*":
            return cls(tags=None)
        strong: set[str] = set()
        weak: set[str] = set()
        begin = _BEGIN.match(header)
        assert begin is not None, "it may be empty"
        position = begin.end()
        while match := _TAG.match(header, position):
            (weak if match[1] else strong).add(match[2])
            position = match.end()
        if position != len(header) or not (strong or weak):
            raise Malformed("Invalid If-Match header")
        return cls(tags=frozenset(strong | weak), weak=frozenset(weak - strong))

    def matches(self, etag: str, *, strongly: bool = False) -> bool:
        """Return whether the condition names this tag, which has no quotes.

        Args:
            etag: of the resource.
            strongly: as ``If-Match`` compares: a weak tag names nothing.
        """
        if self.tags is None:
            return True
        return etag in self.tags and not (strongly and etag in self.weak)


_DIGITS_MAX = 19


class ByteRange(NamedTuple):
    """Bytes from ``start`` up to but without ``stop``."""

    start: int
    stop: int


def parse_range(header: str, size: int) -> ByteRange:
    """Read a ``Range`` header for something of ``size`` bytes.

    ``a-b`` and ``a-`` count from the start, ``-n`` names the last ``n`` bytes; what
    reaches beyond the end is cut to it.

    Raises:
        ApiError: 400 ``InvalidHeaderValue``; so do those below.
    """
    unit, _, ranges = header.partition("=")
    if unit != "bytes":
        raise _invalid("Only 'bytes' is supported as a Range header unit")
    if "," in ranges:
        raise _invalid("Multiple ranges are not supported")
    first, separator, last = ranges.partition("-")
    if not separator or "-" in last:
        raise _invalid(f"Invalid format, cannot parse range in {header}")
    if first:
        return _from_start(first, last, size, header)
    if last:
        count = _number(last, "end of range offset value", header)
        return ByteRange(max(size - count, 0), size)
    raise _invalid("Invalid range: Must contain range-start or range-end")


def _from_start(first: str, last: str, size: int, header: str) -> ByteRange:
    start = _number(first, "start of range value", header)
    if start > size:
        raise _invalid(f"Start of range {start} is larger than total file size {size}")
    if not last:
        return ByteRange(start, size)
    stop = min(_number(last, "end of range value", header), size)
    if stop < start:
        raise _invalid(f"Invalid range: Start ({start}) and end ({stop}) out of order")
    return ByteRange(start, stop)


def _number(text: str, what: str, header: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX):
        raise _invalid(f"Unable to parse {what} {text} in {header}")
    return int(text)


def _invalid(message: str) -> ApiError:
    return ApiError(400, ErrorCode.InvalidHeaderValue, message)


_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptField:
    """One media range and how much it is wanted."""

    mime_type: str
    mime_subtype: str
    q_factor: float = 1.0

    def matches(self, mime: str) -> bool:
        """Return whether ``type/subtype`` falls in this range."""
        mime_type, _, mime_subtype = mime.partition("/")
        return self.mime_type in ("*", mime_type) and self.mime_subtype in (
            "*",
            mime_subtype,
        )

    @property
    def _rank(self) -> tuple[float, bool, bool, str, str]:
        return (
            self.q_factor,
            self.mime_type != "*",
            self.mime_subtype != "*",
            self.mime_type,
            self.mime_subtype,
        )


def parse_accept(header: str) -> list[AcceptField]:
    """Read the header, most wanted and most specific first; empty means nothing said.

    Raises:
        ApiError: 400 ``InvalidHeaderValue``, naming the entry that is no media range;
            or there are more than ``limits.ACCEPT_RANGES_MAX``.
    """
    text = header.replace(" ", "")
    if not text:
        return []
    entries = text.split(",", limits.ACCEPT_RANGES_MAX)
    if len(entries) > limits.ACCEPT_RANGES_MAX:
        raise ApiError(
            400,
            ErrorCode.InvalidHeaderValue,
            f"Accept header has more than {limits.ACCEPT_RANGES_MAX} entries",
        )
    fields = [_field(entry) for entry in entries]
    # Ties are settled by name, downwards, so that the order of entries never matters.
    return sorted(fields, key=lambda field: field._rank, reverse=True)  # noqa: SLF001


def preferred_kind(header: str | None, kinds: Sequence[str]) -> str | None:
    """Return the kind of answer that a caller wants most; ``None`` if it wants none.

    The most specific range that matches a kind says how much the kind is wanted; a
    quality of 0 refuses it (RFC 9110, 12.5.1). Among equals the first kind is chosen.

    Args:
        header: the caller's ``Accept``; without one every kind is as good.
        kinds: what can be answered, as ``type/subtype``, the best first.

    Raises:
        ApiError: 400 ``InvalidHeaderValue``, naming the entry that is no media range.
    """
    fields = [] if header is None else parse_accept(header)
    if not fields:
        return kinds[0] if kinds else None
    wanted = {kind: _quality(kind, fields) for kind in kinds}
    best = max(kinds, key=wanted.__getitem__, default=None)
    return best if best is not None and wanted[best] > 0 else None


def _quality(kind: str, fields: Sequence[AcceptField]) -> float:
    matching = [field for field in fields if field.matches(kind)]
    closest = max(
        matching,
        key=lambda field: (field.mime_type != "*", field.mime_subtype != "*"),
        default=None,
    )
    return 0.0 if closest is None else closest.q_factor


def require_json(header: str | None) -> None:
    """Refuse a caller that would not take JSON; no header takes everything.

    Raises:
        ApiError: 406 ``UnsupportedContentType``, or 400 if the header is malformed.
    """
    if header is None or header == "*/*":
        return
    if not any(field.matches(JSON_CONTENT_TYPE) for field in parse_accept(header)):
        raise ApiError(
            406,
            ErrorCode.UnsupportedContentType,
            f"No supported content type in accept header: {header}\n"
            f"Only {JSON_CONTENT_TYPE} is currently supported",
        )


def _field(entry: str) -> AcceptField:
    media_range, _, quality = entry.partition(";q=")
    mime_type, _, mime_subtype = media_range.partition("/")
    if not mime_type or not mime_subtype:
        raise ApiError(
            400,
            ErrorCode.InvalidHeaderValue,
            f"Entry in Accept header is not a valid MIME type: {entry}",
        )
    if not quality:
        return AcceptField(mime_type=mime_type, mime_subtype=mime_subtype)
    number = _NUMBER.match(quality)
    q_factor = math.nan if number is None else float(number[0])
    if not math.isfinite(q_factor):
        raise ApiError(
            400,
            ErrorCode.InvalidHeaderValue,
            f"Could not parse q-factor from MIME type in Accept header: {entry}",
        )
    return AcceptField(
        mime_type=mime_type, mime_subtype=mime_subtype, q_factor=q_factor
    )
