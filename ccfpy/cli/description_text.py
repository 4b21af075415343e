"""Descriptions printed on a terminal, or into a pipe."""

from rich.text import Text

from ccfpy.cli.output import text_console
from ccfpy.client.review.description import (
    UNFOLDED_LINES_MAX,
    Change,
    Description,
    Diff,
    Fact,
)

INDENT = "  "
_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def print_description(description: Description, *, full: bool) -> None:
    """Print a description, with colours where a person is looking.

    Args:
        description: what is printed.
        full: print each diff to its end.
    """
    console = text_console()
    for style, line in lines(description, full=full):
        console.print(Text(line, style=style))


def lines(description: Description, *, full: bool) -> list[tuple[str, str]]:
    """Return the lines of a description, each with its style."""
    found = [("bold", description.title)]
    for section in description.sections:
        if section.title:
            found += [("", ""), ("bold", section.title)]
        for fact in section.facts:
            found += _fact(fact)
        for diff in section.diffs:
            if diff.change is not Change.UNCHANGED:
                found += _diff(diff, full=full)
    return found


def _fact(fact: Fact) -> list[tuple[str, str]]:
    indent = INDENT * (fact.depth + 1)
    first, *others = fact.text.splitlines() or [""]
    label = f"{fact.label}: {first}" if first else fact.label
    return [
        ("", f"{indent}{label}"),
        *(("", f"{indent}{INDENT}{line}") for line in others),
    ]


def _diff(diff: Diff, *, full: bool) -> list[tuple[str, str]]:
    # More lines are counted and not shown, unless all are asked for.
    count = len(diff.lines) if full else UNFOLDED_LINES_MAX
    found = [("bold", f"{INDENT}{diff.title}")]
    found += [
        (_STYLES.get(line[:1], ""), f"{INDENT * 2}{line}")
        for line in diff.lines[:count]
    ]
    if (left := len(diff.lines) - count) > 0:
        found.append(("yellow", f"{INDENT * 2}{left} more lines: say --full"))
    return found
