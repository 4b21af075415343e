"""A script's stack, told by the sources that its author wrote.

The engine names places in modules as they are installed. Where a module has a source
map, the author's own file, line and column stand in their place, and the line itself
can be shown. A module without a map is shown as the file that it came from.

Exceptions of an application in Python, as its node's log has them.

The log names the files, lines and functions that an exception came through, the
innermost first, and what led to the exception after it (`ccfpy.node.app`). The
lines of source are read here, from the author's files.
"""

import linecache
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ccfpy.base.errors import Malformed
from ccfpy.devtools.source_maps import SourceMap, inline_map, map_url, resolved
from ccfpy.enclave.code_origin import CodeOrigin, origin_of

_FRAME = re.compile(r"^\s*at (?:(.*) )?\(?/?([^():<>]+):(\d+)(?::(\d+))?\)?$")
_NATIVE = re.compile(r"^\s*at (.*) \(native\)$")
EXCERPT_CHARACTERS_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One call of a stack.

    Attributes:
        function: its name as the author wrote it, if it has one.
        place: ``file:line:column``; nothing where the engine's own code ran.
        excerpt: the source's line, without what is blank before and after.
        is_own: whether it is the author's, not a library's.
    """

    function: str
    place: str
    excerpt: str = ""
    is_own: bool = False

    def __str__(self) -> str:
        """Write it as traces do."""
        return f"at {self.function} ({self.place})" if self.function else self.place


@dataclass(slots=True)
class Sources:
    """Where an application's modules came from.

    Args:
        modules: their sources by name, without a slash in front.
        folder: where their files lie; nowhere if nobody knows.
        project: the folder from which places are told.
    """

    modules: Mapping[str, str]
    folder: Path | None
    project: Path
    _maps: "dict[str, _Map | None]" = field(default_factory=dict)

    def frames(self, trace: str) -> list[Frame]:
        """Read a stack, one call a line, innermost first."""
        read = (self._frame(line) for line in trace.splitlines())
        return [frame for frame in read if frame is not None]

    def _frame(self, line: str) -> Frame | None:
        native = _NATIVE.match(line)
        if native is not None:
            return Frame(function=native[1], place="native")
        found = _FRAME.match(line)
        if found is None:
            text = line.strip()
            return Frame(function="", place=text) if text else None
        function, module, number, column = found.groups()
        source = self.modules.get(module)
        if source is None:
            place = ":".join(filter(None, (module, number, column)))
            return Frame(function=function or "", place=place)
        return self._in_module(function or "", module, int(number), int(column or 1))

    def _in_module(self, function: str, module: str, line: int, column: int) -> Frame:
        text = _line_of(self.modules[module], line)
        units = len(text[: column - 1].encode("utf-16-le", "surrogatepass")) // 2
        mapped = self._map(module)
        place = None if mapped is None else mapped.map.place(line, units + 1)
        if place is None or mapped is None:
            file = self._told(self.folder / module) if self.folder else module
            return Frame(
                function=function,
                place=f"{file}:{line}:{column}",
                excerpt=_excerpt(text),
                is_own=mapped is None,
            )
        content, file = self._source(mapped, place.source)
        return Frame(
            function=function,
            place=f"{file}:{place.line}:{place.column}",
            excerpt=_excerpt(_line_of(content, place.line)),
            is_own="node_modules" not in Path(file).parts,
        )

    def _source(self, mapped: "_Map", source: str) -> tuple[str, str]:
        """Return a source's text, if there is one, and its name."""
        content = mapped.map.content(source)
        if "://" in source or mapped.lies_at is None:
            return content or "", source
        path = Path(resolved(source, mapped.lies_at.resolve().as_posix()))
        if content is None:
            try:
                content = path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                content = ""
        return content, self._told(path)

    def _map(self, module: str) -> "_Map | None":
        """Find a module's map once; one that cannot be read is as good as none."""
        if module not in self._maps:
            try:
                self._maps[module] = self._find_map(module)
            except (Malformed, OSError):
                self._maps[module] = None
        return self._maps[module]

    def _find_map(self, module: str) -> "_Map | None":
        url = map_url(self.modules[module])
        file = None if self.folder is None else self.folder / module
        inline = None if url is None else inline_map(url)
        if inline is not None:
            return _Map(SourceMap.parse(inline), file)
        if file is None:
            return None
        path = file.parent / (f"{file.name}.map" if url is None else url)
        return (
            _Map(SourceMap.parse(path.read_bytes()), path) if path.is_file() else None
        )

    def _told(self, path: Path) -> str:
        """Name a file as its author would, from the project's folder."""
        path = Path(path.resolve())
        project = self.project.resolve()
        if path.is_relative_to(project):
            return path.relative_to(project).as_posix()
        return path.as_posix()


def _line_of(text: str, number: int) -> str:
    lines = text.split("\n")
    return lines[number - 1] if 1 <= number <= len(lines) else ""


def _excerpt(line: str) -> str:
    return line.strip()[:EXCERPT_CHARACTERS_MAX]


@dataclass(frozen=True, slots=True)
class _Map:
    map: SourceMap
    lies_at: Path | None
    """The file from which its sources' paths begin; nowhere if nobody knows."""


_BEGIN = re.compile(r"\| (?P<how>.+) in (?P<where>.+) \(id (?P<id>[0-9a-f]{16})\)$")
_LINK = re.compile(
    r"\| id (?P<id>[0-9a-f]{16}): (?P<after>after )?(?P<kind>\w+)"
    r"(?: \((?P<text>.*)\))? at (?P<places>.*)$"
)
_PLACE = re.compile(r"(?P<file>.+):(?P<line>\d+) (?P<function>\S+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """An exception of a chain.

    Attributes:
        thrown: its kind and its text.
        frames: the calls it came through, innermost first.
    """

    thrown: str
    frames: tuple[Frame, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A failure of the application's code.

    Attributes:
        id: under which the log has it.
        how: what happened, such as ``Unhandled KeyError``.
        where: the endpoint, or whatever else the node called.
        links: the exception, then those that led to it.
    """

    id: str
    how: str
    where: str
    links: tuple[Link, ...] = ()


@dataclass(slots=True)
class FailureReader:
    """Reads failures from the lines of a log.

    All lines of one failure are written at once, one after the other.
    """

    _begun: Failure | None = field(default=None)

    def read(self, lines: Iterable[str]) -> Iterator[Failure]:
        """Return the failures in lines of the log that were written together."""
        for line in lines:
            begun = _BEGIN.search(line)
            if begun is not None:
                yield from self._taken()
                self._begun = Failure(
                    id=begun["id"], how=begun["how"], where=begun["where"]
                )
                continue
            link = _LINK.search(line)
            if link is not None and self._begun and self._begun.id == link["id"]:
                self._begun = Failure(
                    id=self._begun.id,
                    how=self._begun.how,
                    where=self._begun.where,
                    links=(*self._begun.links, _link(link)),
                )
        yield from self._taken()

    def _taken(self) -> Iterator[Failure]:
        if self._begun is not None:
            yield self._begun
        self._begun = None


def _link(found: re.Match[str]) -> Link:
    text = found["text"]
    return Link(
        thrown=found["kind"] + (f": {text}" if text else ""),
        frames=tuple(map(_frame, found["places"].split(" < "))),
    )


def _frame(place: str) -> Frame:
    found = _PLACE.fullmatch(place)
    if found is None:
        return Frame(function="", place=place)
    file, line = found["file"], int(found["line"])
    is_own = file.startswith("/") and origin_of(file) is CodeOrigin.APP
    linecache.checkcache(file)
    return Frame(
        function=found["function"],
        place=f"{file}:{line}",
        excerpt=linecache.getline(file, line).strip()[:EXCERPT_CHARACTERS_MAX],
        is_own=is_own,
    )
