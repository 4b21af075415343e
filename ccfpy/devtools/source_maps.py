"""Source maps, version 3 (ECMA-426): from a place in a module to where it was written.

A map says of each line, from which column on which place of which source counts. It
comes beside the module or inside it, from a tool that the author chose; yet its size is
bounded, and what is malformed is refused, because a trace must never fail to be shown.

Its numbers are written in Base64 VLQ (ECMA-426, section 9): five bits at a time, the
lowest first; a sixth bit says that more follow. The lowest bit of the whole is its
sign, and the rest is at most 31 bits wide.
"""

import base64
import binascii
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import unquote_to_bytes, urljoin

from ccfpy.base.errors import Malformed
from ccfpy.base.json import Json, JsonObject, dumps, loads_object
from ccfpy.base.limits import SOURCE_MAP_BYTES_MAX, SOURCE_MAP_LINES_MAX

VERSION = 3
_COMMENT = re.compile(r"^[ \t]*//[#@] sourceMappingURL=(\S+)[ \t]*$", re.MULTILINE)
_DATA = re.compile(
    r"data:application/json(?:;charset=[\w-]+)?(;base64)?,(.*)", re.IGNORECASE
)
_FIELDS = (1, 4, 5)
_WITH_NAME = 5


class Place(NamedTuple):
    """A place in a source as its author wrote it.

    Attributes:
        source: its URL, relative to the map's own unless absolute.
        line: from 1.
        column: from 1, in UTF-16 code units.
        name: what the thing there was called, if it is called otherwise now.
    """

    source: str
    line: int
    column: int
    name: str | None = None


class _Segment(NamedTuple):
    """From this column on; nothing is known of it where ``source`` is -1."""

    column: int
    source: int = -1
    line: int = 0
    source_column: int = 0
    name: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceMap:
    """A map of one module.

    Attributes:
        sources: URLs; nothing where the tool does not tell.
        contents: of those sources that the map itself holds.
    """

    sources: Sequence[str | None]
    contents: Sequence[str | None]
    _names: Sequence[str]
    _lines: Sequence[Sequence[_Segment]]

    @classmethod
    def parse(cls, data: bytes) -> "SourceMap":
        """Read a map.

        Raises:
            Malformed: it is none, or larger than ``SOURCE_MAP_BYTES_MAX``.
        """
        if len(data) > SOURCE_MAP_BYTES_MAX:
            raise Malformed(f"a source map of more than {SOURCE_MAP_BYTES_MAX} bytes")
        fields = loads_object(data)
        if fields.get("version") != VERSION:
            raise Malformed(f"not a source map of version {VERSION}")
        sections = fields.get("sections")
        if sections is not None:
            return _joined(sections)
        root = fields.get("sourceRoot")
        prefix = f"{root.rstrip('/')}/" if isinstance(root, str) and root else ""
        sources = [
            None if source is None else prefix + source
            for source in _texts(fields, "sources")
        ]
        mappings = fields.get("mappings")
        if not isinstance(mappings, str):
            raise Malformed("a source map needs its mappings as text")
        names = [name or "" for name in _texts(fields, "names")]
        return cls(
            sources=sources,
            contents=_texts(fields, "sourcesContent"),
            _names=names,
            _lines=_read_mappings(mappings, len(sources), len(names)),
        )

    def place(self, line: int, column: int) -> Place | None:
        """Return the source and place of a generated place.

        Args:
            line: in the module, from 1.
            column: in the module, from 1, in UTF-16 code units.
        """
        if not 1 <= line <= len(self._lines):
            return None
        segments = self._lines[line - 1]
        index = bisect_right(segments, column - 1, key=_column_of) - 1
        if index < 0:
            return None
        found = segments[index]
        source = self.sources[found.source] if found.source >= 0 else None
        if source is None:
            return None
        return Place(
            source=source,
            line=found.line + 1,
            column=found.source_column + 1,
            name=self._names[found.name] if found.name >= 0 else None,
        )

    def content(self, source: str) -> str | None:
        """Return a source's text, if the map holds it."""
        for known, text in zip(self.sources, self.contents, strict=False):
            if known == source:
                return text
        return None


def map_url(source: str) -> str | None:
    """Find where a module says that its map is: the last such comment counts."""
    found = _COMMENT.findall(source)
    return found[-1] if found else None


def inline_map(url: str) -> bytes | None:
    """Return the map in a ``data:`` URL; nothing for another URL.

    Raises:
        Malformed: it holds something else.
    """
    if not url.startswith("data:"):
        return None
    found = _DATA.fullmatch(url)
    if found is None:
        raise Malformed("a data URL that holds no JSON")
    if not found[1]:
        return unquote_to_bytes(found[2])
    try:
        return base64.b64decode(found[2], validate=True)
    except binascii.Error as error:
        raise Malformed(f"not base64: {error}") from error


def resolved(source: str, map_at: str) -> str:
    """Return a source's URL or path, relative to its map."""
    return urljoin(map_at, source)


def _column_of(segment: _Segment) -> int:
    return segment.column


def _texts(fields: JsonObject, name: str) -> list[str | None]:
    value = fields.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise Malformed(f"a source map's {name} must be a list")
    texts: list[str | None] = []
    for item in value:
        if item is not None and not isinstance(item, str):
            raise Malformed(f"a source map's {name} must be texts")
        texts.append(item)
    return texts


def _read_mappings(text: str, sources: int, names: int) -> list[list[_Segment]]:
    """Read lines of segments; each number but the column goes on from the last one.

    Raises:
        Malformed: a number leads out of what there is.
    """
    lines: list[list[_Segment]] = []
    state = [0, 0, 0, 0]  # source, line, column there, name
    limits = (sources, 2**31, 2**31, names)
    parts = text.split(";")
    if len(parts) > SOURCE_MAP_LINES_MAX:
        raise Malformed(f"a source map of more than {SOURCE_MAP_LINES_MAX} lines")
    for part in parts:
        segments: list[_Segment] = []
        column = 0
        for written in filter(None, part.split(",")):
            numbers = decode(written)
            if len(numbers) not in _FIELDS:
                raise Malformed(f"a segment of {len(numbers)} numbers")
            column += numbers[0]
            if column < 0:
                raise Malformed("a column before the first")
            for index, number in enumerate(numbers[1:]):
                state[index] += number
                if not 0 <= state[index] < limits[index]:
                    raise Malformed("a segment that leads out of its source map")
            if len(numbers) == 1:
                segments.append(_Segment(column))
            else:
                name = state[3] if len(numbers) == _WITH_NAME else -1
                segments.append(_Segment(column, state[0], state[1], state[2], name))
        segments.sort(key=_column_of)
        lines.append(segments)
    return lines


def _joined(sections: Json) -> SourceMap:
    """Join the maps of an index map, each beginning where the one before ends."""
    if not isinstance(sections, list):
        raise Malformed("a source map's sections must be a list")
    sources: list[str | None] = []
    contents: list[str | None] = []
    names: list[str] = []
    lines: list[list[_Segment]] = []
    for section in sections:
        at_line, at_column, part = _section(section)
        if at_line > SOURCE_MAP_LINES_MAX:
            raise Malformed(f"a source map of more than {SOURCE_MAP_LINES_MAX} lines")
        if at_line < len(lines) - 1:
            raise Malformed("a section of a source map begins before the last one ends")
        lines += [[] for _ in range(len(lines), at_line + 1)]
        for number, segments in enumerate(part._lines):  # noqa: SLF001 - a map too
            moved = [
                _Segment(
                    column=segment.column + (0 if number else at_column),
                    source=segment.source + len(sources) if segment.source >= 0 else -1,
                    line=segment.line,
                    source_column=segment.source_column,
                    name=segment.name + len(names) if segment.name >= 0 else -1,
                )
                for segment in segments
            ]
            if number:
                lines.append(moved)
            else:
                lines[at_line] = sorted([*lines[at_line], *moved], key=_column_of)
        pads = [None] * (len(part.sources) - len(part.contents))
        contents += [*part.contents[: len(part.sources)], *pads]
        sources += part.sources
        names += part._names  # noqa: SLF001 - the same
    return SourceMap(sources=sources, contents=contents, _names=names, _lines=lines)


def _section(value: Json) -> tuple[int, int, SourceMap]:
    fields = value if isinstance(value, dict) else {}
    offset, inner = fields.get("offset"), fields.get("map")
    if not isinstance(offset, dict) or not isinstance(inner, dict):
        raise Malformed("a section of a source map needs an offset and a map")
    if "sections" in inner:
        raise Malformed("a section of a source map has no sections of its own")
    line, column = offset.get("line"), offset.get("column")
    if (
        not isinstance(line, int)
        or not isinstance(column, int)
        or min(line, column) < 0
    ):
        raise Malformed("a section of a source map begins at a line and a column")
    return line, column, SourceMap.parse(dumps(inner))


_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_DIGITS = {character: value for value, character in enumerate(_ALPHABET)}
_MORE = 0b10_0000
_BITS = 5
_WIDTH_MAX = 32
"""With the sign."""


def decode(text: str) -> list[int]:
    """Read numbers that follow each other.

    Raises:
        Malformed: a character is no digit, a number has no end, or is too large.
    """
    numbers: list[int] = []
    number, shift = 0, 0
    for character in text:
        digit = _DIGITS.get(character)
        if digit is None:
            raise Malformed(f"not a base64 digit: {character!r}")
        number |= (digit & ~_MORE) << shift
        if number >> _WIDTH_MAX or shift > _WIDTH_MAX:
            raise Malformed("a number wider than 32 bits")
        if digit & _MORE:
            shift += _BITS
            continue
        numbers.append(-(number >> 1) if number & 1 else number >> 1)
        number, shift = 0, 0
    if shift:
        raise Malformed("a number that does not end")
    return numbers


def encode(number: int) -> str:
    """Write one number."""
    rest = -number << 1 | 1 if number < 0 else number << 1
    written = ""
    while True:
        digit = rest & ~-_MORE
        rest >>= _BITS
        written += _ALPHABET[digit | _MORE if rest else digit]
        if not rest:
            return written
