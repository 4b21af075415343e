"""The ``Accept`` header: which kinds of answer a caller wants, best first."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ccfpy.base import limits
from ccfpy.http.errors import JSON_CONTENT_TYPE, ApiError, ErrorCode

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
