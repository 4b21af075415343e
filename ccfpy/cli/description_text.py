"""Descriptions printed on a terminal, or into a pipe."""

from collections.abc import Iterator
from dataclasses import replace

from ccfpy.cli.terminal import text_console
from ccfpy.client.review.characters import CLOSE, MARK, OPEN, mark
from ccfpy.client.review.description import (
    UNFOLDED_LINES_MAX,
    Change,
    Description,
    Diff,
    Fact,
    warnings,
)
from ccfpy.client.review.differences import CHANGED

INDENT = "  "
LAID_OUT = "the same, laid out by ccfpy to be read; the lines above are the program's"
LINE_CHARACTERS_MAX = 2_000
"""Of a line, what is shown at first; a longer one was written by a program."""
UNKNOWN = " (not known here)"
"""Behind the name of an action or argument that others chose."""
BAR = "│"
"""Before each line of what others say."""
_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def print_description(description: Description, *, full: bool) -> None:
    """Print a description, with colours where a person is looking.

    Args:
        description: what is printed.
        full: print each diff to its end.
    """
    console = text_console()
    for style, line in lines(description, full=full):
        console.shown(line, style, {MARK: "reverse", CHANGED: "bold underline"})


def lines(description: Description, *, full: bool) -> list[tuple[str, str]]:
    """Return the lines of a description, each with its style."""
    found = [("bold", description.title)]
    if warned := warnings(description):
        found += [("", ""), ("bold red", "What you must have seen")]
        for fact in warned:
            found += _fact(replace(fact, depth=0), "bold red")
    for section in description.sections:
        if section.title:
            found += [("", ""), ("bold", section.title)]
        for fact in section.facts:
            if not fact.is_warning:
                found += _fact(fact)
        for diff in section.diffs:
            if diff.change is not Change.UNCHANGED:
                found += _diff(diff, full=full)
    return found


def _fact(fact: Fact, style: str = "") -> list[tuple[str, str]]:
    indent = INDENT * (fact.depth + 1)
    first, *others = fact.text.split("\n")
    label = f"{fact.label}{UNKNOWN}" if fact.is_unknown else fact.label
    label = f"{label}: {first}" if first else label
    return [
        (style, f"{indent}{label}"),
        *(("", f"{indent}{INDENT}{line}") for line in others),
        *_quoted(fact, indent + INDENT),
    ]


def _quoted(fact: Fact, indent: str) -> Iterator[tuple[str, str]]:
    """Yield what others say of a fact: each line of it begins with a bar."""
    for quote in fact.quotes:
        yield ("", f"{indent}{quote.by}:")
        # No text has a line that does not begin so: line breaks are these alone.
        yield from (("", f"{indent}{BAR} {line}") for line in quote.text.split("\n"))


def _diff(diff: Diff, *, full: bool) -> list[tuple[str, str]]:
    found = [("bold", f"{INDENT}{diff.title}"), *_lines(diff.lines, full=full)]
    if diff.laid_out:
        found += [("bold", f"{INDENT}{LAID_OUT}"), *_lines(diff.laid_out, full=full)]
    return found


def _lines(all_lines: tuple[str, ...], *, full: bool) -> list[tuple[str, str]]:
    # More lines are counted and not shown, unless all are asked for.
    count = len(all_lines) if full else UNFOLDED_LINES_MAX
    found = [
        (_STYLES.get(line[:1], ""), f"{INDENT * 2}{line if full else _cut(line)}")
        for line in all_lines[:count]
    ]
    if (left := len(all_lines) - count) > 0:
        found.append(("yellow", f"{INDENT * 2}{left} more lines: say --full"))
    return found


def _cut(line: str) -> str:
    """Return the beginning of a long line, and how much more there is."""
    end = LINE_CHARACTERS_MAX
    if len(line) <= end:
        return line
    # No mark is cut in two.
    begin = line.rfind(OPEN, 0, end)
    end = begin if begin > line.rfind(CLOSE, 0, end) else end
    return line[:end] + mark(f"{len(line) - end:,} more characters: say --full")
