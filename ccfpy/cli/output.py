"""What commands print: text for people, or one JSON value for programs.

Results go to stdout. Progress and errors go to stderr, so that a pipe carries results
alone.

Much of what is printed was chosen by others: a stranger's address, a proposal, an
answer, an entry of a ledger. Only this module writes to stdout and stderr, and only
``terminal`` draws. Characters that nobody sees, that move the cursor or that turn a
line around are written as escapes, and a text on one line stays on it.
"""

import re
import sys
from typing import BinaryIO, Final

import orjson

INDENT = "    "
"""Before the further lines of a message, so that none looks like another message."""
_SIGNS: Final = "✓✗│…"
"""What ccfpy's own lines have; each is seen as itself."""
_BEYOND_ASCII: Final = re.compile("[^\n -~]")


def print_line(text: str = "") -> None:
    """Print one line of a result."""
    sys.stdout.write(one_line(text) + "\n")
    sys.stdout.flush()


def print_lines(text: str) -> None:
    """Print the lines of a text that is a result by itself."""
    for line in text.removesuffix("\n").split("\n"):
        print_line(line)


def print_json(value: object) -> None:
    """Print one JSON value, indented where a person is looking.

    In its strings, what nobody sees is written as JSON's escapes, which mean the same.
    """
    option = orjson.OPT_INDENT_2 if is_terminal() else 0
    text = orjson.dumps(value, option=option).decode()
    _write(_BEYOND_ASCII.sub(_escaped, text).encode() + b"\n")


def write(data: bytes) -> None:
    """Write a result of bytes: as they are, but as text where a person is looking."""
    if is_terminal():
        data = visible(data.decode(errors="backslashreplace")).encode()
    _write(data)


def note(text: str) -> None:
    """Print a message that is no part of the result; its further lines are indented."""
    first, *others = text.removesuffix("\n").split("\n")
    told = [one_line(first), *(INDENT + one_line(other) for other in others)]
    sys.stderr.write("\n".join(told) + "\n")
    sys.stderr.flush()


def ask(question: str) -> None:
    """Print a question, and leave the cursor behind it."""
    sys.stderr.write(f"{one_line(question)} ")
    sys.stderr.flush()


def ask_secret(question: str) -> str:
    """Ask for a line that the terminal does not show."""
    import typer

    answer: str = typer.prompt(one_line(question), hide_input=True, err=True)
    return answer


def stream() -> BinaryIO:
    """Return stdout for a node's log."""
    return sys.stdout.buffer


def is_terminal() -> bool:
    """Return whether a person looks at results."""
    return sys.stdout.isatty()


def finish() -> None:
    """Write what is buffered.

    Raises:
        BrokenPipeError: nobody reads it.
    """
    if sys.stdout is not None:  # it was closed before the command began
        sys.stdout.flush()


def give_up() -> None:
    """Write nothing more: nobody reads it."""
    sys.stdout = sys.stderr = None


def visible(text: str) -> str:
    """Return a text in which each character shows itself; line breaks stay."""
    from ccfpy.client.review.characters import plain

    return plain(text)


def one_line(text: str) -> str:
    """Return a text as one line in which each character shows itself."""
    if text.isascii() and text.isprintable():
        return text
    from ccfpy.client.review.characters import inline

    shown = []
    for part in re.split(f"([{_SIGNS}])", text):
        # Spaces before a sign, or before another part of a line, are of the line.
        said = part.rstrip(" ")
        shown += [
            part if part in _SIGNS else inline(said),
            " " * (len(part) - len(said)),
        ]
    return "".join(shown)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, such as ``1 file`` or ``2 files``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _write(data: bytes) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def _escaped(found: re.Match[str]) -> str:
    from ccfpy.client.review.characters import script

    if script(found[0]):
        return found[0]
    units = found[0].encode("utf-16-be").hex()
    return "".join(rf"\u{units[at : at + 4]}" for at in range(0, len(units), 4))
