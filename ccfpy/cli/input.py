"""What commands read: files, stdin by the name ``-``, and answers to questions."""

import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from ccfpy.base.errors import CcfpyError
from ccfpy.cli.errors import CommandFailed, Misused, no_such_file
from ccfpy.cli.output import ask, note

if TYPE_CHECKING:
    from ccfpy.crypto.certs import Certificate


STDIN = "-"


def read_input(path: str | Path) -> bytes:
    """Return the bytes of a file, or of stdin if the path is ``-``.

    Raises:
        CommandFailed: the file cannot be read.
    """
    if str(path) == STDIN:
        return sys.stdin.buffer.read()
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise no_such_file(str(path), error) from error


def read_certificate(file: Path) -> "Certificate":
    """Return the certificate of a service.

    Raises:
        CommandFailed: the file cannot be read, or has no certificate.
    """
    from ccfpy.client.keys import read_text
    from ccfpy.crypto.certs import Certificate

    try:
        return Certificate.from_pem(read_text(file))
    except CcfpyError as error:
        raise CommandFailed(
            f"no service's certificate: {error}; name it with --cacert"
        ) from error


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
