"""Questions that a command asks before it does what cannot be undone at once."""

import sys
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
