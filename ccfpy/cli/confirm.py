"""Questions that a command asks: whether to go on, and with which of several."""

import contextlib
import sys
from collections.abc import Sequence
from typing import Annotated, TypeAlias

import typer

from ccfpy.cli.errors import CommandFailed, Misused

YesOption: TypeAlias = Annotated[
    bool, typer.Option("--yes", "-y", help="Do it without asking.")
]


def confirm(question: str, *, yes: bool) -> None:
    """Ask whoever is at the terminal; ``yes`` answers for those who are not.

    Raises:
        CommandFailed: the answer is no.
        Misused: there is nobody to ask.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise Misused(f"nobody is here to be asked ({question}): give --yes")
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise CommandFailed("nothing was changed, as you wished")


def choose(question: str, choices: Sequence[str], *, option: str) -> int:
    """Ask which of several is meant, until it is one of them; give its place.

    Args:
        question: without its question mark.
        choices: what each is, on a line.
        option: what a script says in place of an answer, for who is not there to ask.

    Raises:
        CommandFailed: the input ends.
        Misused: there is nobody to ask.
    """
    if not sys.stdin.isatty():
        raise Misused(f"nobody is here to be asked ({question}): {option}")
    numbers = [str(number) for number in range(1, len(choices) + 1)]
    for number, choice in zip(numbers, choices, strict=True):
        print(f"  {number}  {choice}", file=sys.stderr)
    while True:
        print(f"{question} [1-{len(choices)}] ", end="", file=sys.stderr, flush=True)
        answer = sys.stdin.readline()
        if not answer:
            raise CommandFailed("nothing was changed: no answer was given")
        with contextlib.suppress(ValueError):
            return numbers.index(answer.strip())
