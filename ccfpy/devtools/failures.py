"""Exceptions of an application in Python, as its node's log has them.

The log names the files, lines and functions that an exception came through, the
innermost first, and what led to the exception after it (`ccfpy.node.app`). The
lines of source are read here, from the author's files.
"""

import linecache
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ccfpy.devtools.script_traces import EXCERPT_CHARACTERS_MAX, Frame
from ccfpy.enclave.code_origin import CodeOrigin, origin_of

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
