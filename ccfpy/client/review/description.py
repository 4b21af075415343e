"""What is shown to people: a title, sections with rows, and diffs.

A description is data. A terminal prints it, and a page may show it.

Texts come from proposals. ``plain`` makes each visible: a text cannot move
the cursor, hide a part of itself or turn its direction around.
"""

import difflib
from dataclasses import dataclass

CONTEXT_LINES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a section.

    Attributes:
        label: what the text is of.
        text: may have several lines.
        depth: how far the row is indented: 0 for the section's own rows.
    """

    label: str
    text: str = ""
    depth: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """A thing before and after.

    Attributes:
        title: what changes, and how: ``new``, ``changed`` or ``removed``.
        lines: as ``diff -u`` has them, each beginning with ``+``, ``-``, ``@`` or a
            space.
    """

    title: str
    lines: tuple[str, ...]

    @classmethod
    def of(cls, title: str, before: str | None, after: str | None) -> "Diff":
        """Compare two texts; ``None`` is a thing that is not there."""
        verb = "new" if before is None else "removed" if after is None else "changed"
        old, new = (_lines(text) for text in (before, after))
        found = list(difflib.unified_diff(old, new, n=CONTEXT_LINES, lineterm=""))
        return cls(title=f"{title}: {verb}", lines=tuple(found[2:]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of a description."""

    title: str
    rows: tuple[Row, ...] = ()
    diffs: tuple[Diff, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """A thing described for people."""

    title: str
    sections: tuple[Section, ...]


def plain(text: str) -> str:
    """Return a text in which each character shows itself.

    What is not printable is written as an escape in Python's form: controls, marks of
    direction, characters without width. Line breaks stay.
    """
    return "".join(
        character
        if character.isprintable() or character == "\n"
        else character.encode("unicode_escape").decode()
        for character in text.replace("\r\n", "\n").expandtabs()
    )


def _lines(text: str | None) -> list[str]:
    return [] if text is None else plain(text).splitlines()
