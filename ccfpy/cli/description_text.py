"""Descriptions printed on a terminal, or into a pipe."""

from rich.text import Text

from ccfpy.cli.output import text_console
from ccfpy.client.review.description import Description, Diff, Row

INDENT = "  "
DIFF_LINES_MAX = 40
"""More lines of a diff are counted and not shown, unless all are asked for."""

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
        for row in section.rows:
            found += _row(row)
        for diff in section.diffs:
            found += _diff(diff, full=full)
    return found


def _row(row: Row) -> list[tuple[str, str]]:
    indent = INDENT * (row.depth + 1)
    first, *others = row.text.splitlines() or [""]
    label = f"{row.label}: {first}" if first else row.label
    return [
        ("", f"{indent}{label}"),
        *(("", f"{indent}{INDENT}{line}") for line in others),
    ]


def _diff(diff: Diff, *, full: bool) -> list[tuple[str, str]]:
    count = len(diff.lines) if full else DIFF_LINES_MAX
    found = [("bold", f"{INDENT}{diff.title}")]
    found += [
        (_STYLES.get(line[:1], ""), f"{INDENT * 2}{line}")
        for line in diff.lines[:count]
    ]
    if (left := len(diff.lines) - count) > 0:
        found.append(("yellow", f"{INDENT * 2}{left} more lines: say --full"))
    return found
