"""``ccfpy completion``: the words that a shell offers when TAB is pressed.

The script that the command prints makes the shell run ``ccfpy`` at each TAB, with the
words typed so far in the environment. The program then answers with words in place of
running a command. Scripts and answers are Typer's.

Values are offered too: sample apps, participants whose keys are here, actions, and open
proposals. Where nothing is offered, the shell offers files. What is offered becomes a
part of the command line, and services and files choose some of it, so:

1. Only plain words are offered. Shells would read others as more than a word, and
   Typer's answer to zsh does not escape all of them.
2. Whatever fails offers nothing and prints nothing. Nothing is asked of the person.
3. Only the service that the command would ask is asked, once and for a second at most.
"""

import asyncio
import contextlib
import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer
from typer._completion_shared import get_completion_script

from ccfpy.cli.entries import COMPLETION_VARIABLE
from ccfpy.cli.output import write

if TYPE_CHECKING:
    from ccfpy.client.requests import Reply

ASK_TIMEOUT_S = 1.0
"""For a service's answer, names of hosts and connections included."""
Offers: TypeAlias = Callable[[typer.Context], list[str]]
"""Returns words for the value at the cursor; Typer keeps those that fit what it has."""

_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_ID = re.compile(r"[0-9a-f]+")
_USER = re.compile(r"user[0-9]+")
"""Names that a sandbox gives to users, whose files look like those of members."""
_COMMENT = re.compile(r"^[ \t]*//.*$", re.MULTILINE)
_DEFINED = re.compile(
    rf'\b(?:define|\w*[aA]ction)\(\s*"({_WORD.pattern})"'
    rf'|"({_WORD.pattern})",\s*new Action\('
)
"""An action's name where a constitution's text defines it, as ours and CCF's do."""


class Shell(StrEnum):
    """A shell with programmable completion."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(
    shell: Annotated[Shell, typer.Argument(help="Whose script is printed.")],
) -> None:
    """Print a shell's script that completes commands.

    No file of the shell is changed: say eval "$(ccfpy completion bash)" in ~/.bashrc,
    the same with zsh in ~/.zshrc behind compinit, or write what is printed into
    ~/.config/fish/completions/ccfpy.fish.
    """
    script = get_completion_script(
        prog_name="ccfpy", complete_var=COMPLETION_VARIABLE, shell=shell.value
    )
    write(script.encode() + b"\n")


def typed_words() -> Sequence[str]:
    """Return the whole words that were typed behind the program's name.

    The word at the cursor is left out. Quotes are not looked at: they do not occur in
    the names of commands.
    """
    if "COMP_WORDS" in os.environ:  # of bash
        count = os.environ.get("COMP_CWORD", "")
        words = os.environ["COMP_WORDS"].split()
        return words[1 : int(count)] if count.isdecimal() else []
    line = os.environ.get("_TYPER_COMPLETE_ARGS", "")
    words = line.split()[1:]
    return words if line.endswith(" ") else words[:-1]


def _offers(words: Callable[[typer.Context], Iterable[str]]) -> Offers:
    """Return what offers the plain ones of some words; those found before a failure."""

    def offered(ctx: typer.Context) -> list[str]:
        found: set[str] = set()
        with contextlib.suppress(Exception):  # any text would spoil the command line
            found.update(words(ctx))
        return sorted(filter(_WORD.fullmatch, found))

    return offered


@_offers
def apps(_: typer.Context) -> Iterator[str]:
    """Yield the names of sample apps in Python."""
    from ccfpy.client.share import share_root

    for package in (share_root() / "apps").glob("*/__init__.py"):
        yield package.parent.name


@_offers
def participants(ctx: typer.Context) -> Iterator[str]:
    """Yield the names of those whose certificate and key the command would find."""
    return _names(ctx)


@_offers
def members(ctx: typer.Context) -> Iterator[str]:
    """Yield participants' names, without those that a sandbox gives to users."""
    return (name for name in _names(ctx) if not _USER.fullmatch(name))


@_offers
def actions(ctx: typer.Context) -> Iterator[str]:
    """Yield CCF's actions, and those that the text of the constitution defines.

    The constitution is not run, which would take longer than a person waits at TAB.
    """
    from ccfpy.client.review.actions import RENDERINGS

    yield from RENDERINGS
    yield from defined_actions(_ask(ctx, "service/constitution").text)


@_offers
def proposals(ctx: typer.Context) -> Iterator[str]:
    """Yield the ids of the proposals that are open."""
    from ccfpy.service.tables.proposals import ProposalState

    listed: Any = _ask(ctx, "members/proposals").json()
    for fields in listed["value"]:
        is_open = fields["proposalState"] == ProposalState.OPEN.value
        if is_open and _ID.fullmatch(fields["proposalId"]):
            yield fields["proposalId"]


def defined_actions(constitution: str) -> Iterator[str]:
    """Yield the names of actions that are written out in a constitution."""
    for one, other in _DEFINED.findall(_COMMENT.sub("", constitution)):
        yield one or other


def _names(ctx: typer.Context) -> Iterator[str]:
    from ccfpy.cli.place import CERTIFICATE_END
    from ccfpy.client.keys import KeyFiles, NotAName

    folder = _folder(ctx)
    for path in folder.glob(f"*{CERTIFICATE_END}"):
        with contextlib.suppress(NotAName):
            name = path.name.removesuffix(CERTIFICATE_END)
            if KeyFiles(folder=folder, name=name).private_key.is_file():
                yield name


def _folder(ctx: typer.Context) -> Path:
    """Return the folder with keys that the command would use; the shell left ``~``."""
    from ccfpy.cli.place import SHARED_DEFAULT

    return Path(ctx.params.get("common") or SHARED_DEFAULT).expanduser()


def _ask(ctx: typer.Context, path: str) -> "Reply":
    """Return what the service that the command would ask answers at a path of /gov.

    Another thread asks, because a name that is looked up cannot be given up; the
    process ends without that thread. What it needs is imported before the time runs.

    Raises:
        TimeoutError: there is no answer in time, or none at all.
    """
    from ccfpy.cli.place import Place, is_open
    from ccfpy.client.connection import Connection
    from ccfpy.client.governance import API_VERSION
    from ccfpy.client.keys import read_text

    trust = ctx.params.get("cacert")
    place = Place.find(
        ctx.params.get("url"),
        _folder(ctx),
        None if trust is None else Path(trust).expanduser(),
    )
    certificate = read_text(place.service)
    replies: list[Reply] = []

    async def ask(url: str) -> None:
        async with (
            asyncio.timeout(ASK_TIMEOUT_S),
            Connection(url, service_certificate=certificate) as connection,
        ):
            asked = f"/gov/{path}?api-version={API_VERSION}"
            replies.append(await connection.get(asked))

    def find_and_ask() -> None:
        with contextlib.suppress(Exception):  # of a thread, it would be printed
            asyncio.run(ask(next(filter(is_open, place.urls))))

    thread = threading.Thread(target=find_and_ask, daemon=True)
    thread.start()
    thread.join(ASK_TIMEOUT_S)
    if not replies:
        raise TimeoutError
    return replies[0]
