"""The query string's parameters, and CCF's words for what is wrong with them.

``name`` and ``name=`` mean the same; a repeated name keeps every value, of which most
readers take the first. Names and values are first separated and then percent-decoded,
so that an escaped ``&`` stays part of its value (CCF decodes first).
"""

import re
from typing import Final

from ccfpy.http.errors import ApiError, ErrorCode

U64_MAX = 2**64 - 1

_ESCAPE: Final = re.compile(rb"%([0-9a-fA-F]{2})")
_DECIMAL: Final = re.compile(r"[0-9]+")
_U64_DIGITS = 20


def decode_component(text: str) -> str:
    """Resolve ``%XX`` and ``+``; whatever is no escape stands for itself.

    Bytes that are not UTF-8 become U+FFFD.
    """
    if "%" not in text and "+" not in text:
        return text
    raw = text.replace("+", " ").encode()
    return _ESCAPE.sub(_escaped, raw).decode(errors="replace")


def _escaped(match: re.Match[bytes]) -> bytes:
    return bytes((int(match[1], 16),))


class Query:
    """The parameters of one request, in their order."""

    __slots__ = ("_first", "_further")

    def __init__(
        self, first: dict[str, str], further: dict[str, list[str]] | None = None
    ) -> None:
        """Make one of each name's first value, and of those further ones there are."""
        self._first = first
        self._further = further

    def __contains__(self, name: str) -> bool:
        return name in self._first

    def get(self, name: str) -> str | None:
        """Return the first value of a parameter, ``None`` if there is none."""
        return self._first.get(name)

    def all(self, name: str) -> list[str]:
        """Return every value of a parameter."""
        first = self._first.get(name)
        if first is None:
            return []
        further = self._further
        return [first] if further is None else [first, *further.get(name, ())]

    def text(self, name: str) -> str:
        """Return a parameter that must be there.

        Raises:
            ApiError: 400 ``InvalidQueryParameterValue``; so do the readers below.
        """
        value = self.get(name)
        if value is None:
            raise _invalid(f"Missing query parameter '{name}'")
        return value

    def integer(self, name: str, *, maximum: int = U64_MAX) -> int:
        """Return a parameter that must be a decimal number in ``0..maximum``."""
        value = self.text(name)
        if (number := _integer(value, maximum)) is None:
            raise _invalid(f"Unable to parse value '{value}' in parameter '{name}'")
        return number

    def boolean(self, name: str) -> bool:
        """Return a parameter that must be ``true`` or ``false``."""
        value = self.text(name)
        if value not in ("true", "false"):
            raise _invalid(
                f"Unable to parse value '{value}' as bool in parameter '{name}'"
            )
        return value == "true"

    def integer_or_none(self, name: str, *, maximum: int = U64_MAX) -> int | None:
        """Return an optional number; as in CCF, an unreadable one counts as absent."""
        value = self.get(name)
        return None if value is None else _integer(value, maximum)


def parse_query(query: str) -> Query:
    """Read a query string as it stood in the target, without its ``?``."""
    first: dict[str, str] = {}
    if not query:
        return Query(first)
    further: dict[str, list[str]] | None = None
    has_escapes = "%" in query or "+" in query
    for part in query.split("&"):
        name, _, value = part.partition("=")
        if has_escapes:
            name, value = decode_component(name), decode_component(value)
        if name not in first:
            first[name] = value
            continue
        if further is None:
            further = {}
        further.setdefault(name, []).append(value)
    return Query(first, further)


def _integer(value: str, maximum: int) -> int | None:
    if not _DECIMAL.fullmatch(value):
        return None
    digits = value.lstrip("0") or "0"
    if len(digits) > _U64_DIGITS:  # int() refuses very long texts in its own way
        return None
    number = int(digits)
    return number if number <= maximum else None


def _invalid(message: str) -> ApiError:
    return ApiError(400, ErrorCode.InvalidQueryParameterValue, message)
