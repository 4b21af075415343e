"""What commands print: text for people, or one JSON value for programs.

Results go to stdout. Progress and errors go to stderr, so that a pipe carries results
alone.
"""

import sys

import orjson
from rich.console import Console

TABLE_COLUMNS = 200
"""How wide a table may be in a file or a pipe."""


def text_console() -> Console:
    """Make the console for results."""
    return Console(highlight=False, soft_wrap=True, emoji=False)


def progress_console() -> Console:
    """Make the console for progress."""
    return Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)


def table_console(columns: int = TABLE_COLUMNS) -> Console:
    """Make the console for tables; in a file or a pipe they have so many columns."""
    width = None if sys.stdout.isatty() else columns
    return Console(highlight=False, emoji=False, width=width)


def print_json(value: object) -> None:
    """Print one JSON value, indented where a person is looking."""
    option = orjson.OPT_INDENT_2 if sys.stdout.isatty() else 0
    write(orjson.dumps(value, option=option) + b"\n")


def write(data: bytes) -> None:
    """Write bytes as they are."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, such as ``1 file`` or ``2 files``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def note(text: str) -> None:
    """Print a line for people that is not part of the result."""
    print(text, file=sys.stderr, flush=True)
