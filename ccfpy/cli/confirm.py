"""Questions that a command asks a person: whether to go on, and which of several."""

import contextlib
import sys
from collections.abc import Sequence
from typing import Annotated, TypeAlias

import typer

from ccfpy.cli.errors import CommandFailed, Misused
from ccfpy.cli.output import ask, note

YesOption: TypeAlias = Annotated[
    bool, typer.Option("--yes", "-y", help="Do it without asking.")
]


def confirm(question: str, *, yes: bool) -> None:
    """Ask the person at the terminal whether to go on; ``yes`` answers without asking.

    Raises:
        CommandFailed: the answer is no.
        Misused: there is no terminal to ask on.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise Misused(f"nobody is here to be asked ({question}): give --yes")
    ask(f"{question} [y/N]")
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise CommandFailed("nothing was changed, as you wished")


def choose(question: str, choices: Sequence[str], *, option: str) -> int:
    """Ask which of several is meant, until the answer is one of them; return its index.

    Args:
        question: without its question mark.
        choices: what each is, on a line.
        option: what a script says instead, for the message where there is no terminal.

    Raises:
        CommandFailed: the input ends.
        Misused: there is no terminal to ask on.
    """
    if not sys.stdin.isatty():
        raise Misused(f"nobody is here to be asked ({question}): {option}")
    numbers = [str(number) for number in range(1, len(choices) + 1)]
    for number, choice in zip(numbers, choices, strict=True):
        note(f"  {number}  {choice}")
    while True:
        ask(f"{question} [1-{len(choices)}]")
        answer = sys.stdin.readline()
        if not answer:
            raise CommandFailed("nothing was changed: no answer was given")
        with contextlib.suppress(ValueError):
            return numbers.index(answer.strip())
