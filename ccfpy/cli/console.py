"""``ccfpy console``: a service on a web page that this machine serves."""

import asyncio
import contextlib
import os
import secrets
import socket
import sys
import threading
import webbrowser
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from ccfpy.cli import completion
from ccfpy.cli.errors import CommandFailed, Misused
from ccfpy.cli.options import with_options
from ccfpy.cli.output import ask, note, print_line
from ccfpy.cli.place import Place, PlaceOptions
from ccfpy.cli.signing import DecrypterOptions, KeyOptions

if TYPE_CHECKING:
    from ccfpy.client.keys import Identity, ShareDecrypter
    from ccfpy.console.folders import Ledger, Lost
    from ccfpy.console.signing import Confirm, Pen

TOKEN_BYTES = 32

WhoOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--as",
        help="Vote as this member, or call the app as this user.",
        autocompletion=completion.participants,
    ),
]
LedgerOption: TypeAlias = Annotated[
    list[Path] | None,
    typer.Option(
        help="A folder with a ledger to verify and explore, again for another."
    ),
]
LostOption: TypeAlias = Annotated[
    list[Path] | None,
    typer.Option(
        help="A folder with what is left of a lost service, again for another; the "
        "folders in it are searched too."
    ),
]


@with_options
def console(  # noqa: PLR0913  # one parameter for each option
    *,
    who: WhoOption = None,
    keys: KeyOptions,
    opener: DecrypterOptions,
    port: Annotated[int, typer.Option(help="Where; 0 is any port.")] = 0,
    browse: Annotated[
        bool, typer.Option("--open", help="Open the page in a browser.")
    ] = False,
    no_confirm: Annotated[
        bool,
        typer.Option(
            "--no-confirm",
            help="Sign and send for the page without asking. For sandboxes.",
        ),
    ] = False,
    ledger: LedgerOption = None,
    lost: LostOption = None,
    where: PlaceOptions,
) -> None:
    """Show a service on a web page: its nodes, its proposals, and a vote on them.

    The page is served on this machine alone, at the address that is printed.
        With --as, votes are signed here, after a question at this terminal, or
        requests to the app are sent as a user.
        With --ledger, the page shows a ledger's files, also without a service.
        With --lost, it shows what can be restored of a lost service.
    """
    from ccfpy.client.keys import read_text
    from ccfpy.console.guards import Guard
    from ccfpy.console.server import ADDRESS, Console, read_page
    from ccfpy.console.service import Service
    from ccfpy.console.what_if import UNAWAITED_NICENESS, WhatIf

    place = _place(where, is_needed=not ledger and not lost)
    service = None
    if place is not None:
        service = Service(
            urls=place.in_order,
            certificate=read_text(place.service),
            names=place.names,
            pen=_pen(place, who, keys, opener, asks=not no_confirm),
            confirm=None if no_confirm else _terminal(),
        )
    digest = None if service is None else service.digest
    files = _ledger(ledger, digest) if ledger else None
    left = _lost(lost) if lost else None
    page = read_page()
    with _bound(ADDRESS, port) as listening:
        host = f"{ADDRESS}:{listening.getsockname()[1]}"
        guard = Guard(host=host, token=secrets.token_urlsafe(TOKEN_BYTES))
        address = f"http://{host}/#token={guard.token}"
        print_line(address)
        note("Open that address. Press Ctrl-C to stop.")
        if browse:
            webbrowser.open(address)
        with contextlib.suppress(KeyboardInterrupt):
            served = Console(
                service=service,
                ledger=files,
                lost=left,
                guard=guard,
                page=page,
                what_if=WhatIf(),
                unawaited=partial(WhatIf, niceness=UNAWAITED_NICENESS),
            )
            asyncio.run(served.serve(listening))


def _place(where: PlaceOptions, *, is_needed: bool) -> Place | None:
    """Find the service; there need be none where a ledger is shown."""
    try:
        return where.find()
    except CommandFailed:
        if is_needed or where.url is not None or where.cacert is not None:
            raise
        return None


def _ledger(folders: Sequence[Path], service: str | None) -> "Ledger":
    """Return a ledger, whose index is in the user's cache.

    Raises:
        CommandFailed: a folder is none.
    """
    from ccfpy.audit.readers import processors
    from ccfpy.console.folders import Ledger, database_name

    for folder in folders:
        if not folder.is_dir():
            raise CommandFailed(f"{folder} is no folder: --ledger names a ledger's")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ccfpy"
    cache.mkdir(parents=True, exist_ok=True)
    return Ledger(
        folders=folders,
        database=cache / database_name(folders),
        service=service,
        processes=processors(),
    )


def _lost(folders: Sequence[Path]) -> "Lost":
    """Return what is left of a lost service.

    Raises:
        CommandFailed: a folder is none.
    """
    from ccfpy.audit.readers import processors
    from ccfpy.console.folders import Lost

    for folder in folders:
        if not folder.is_dir():
            raise CommandFailed(f"{folder} is no folder: --lost names what is left")
    return Lost(folders=folders, processes=processors())


def _pen(
    place: Place,
    who: str | None,
    keys: KeyOptions,
    opener: DecrypterOptions,
    *,
    asks: bool,
) -> "Pen | None":
    """Find the key that signs votes, if anybody votes here.

    Raises:
        Misused: the terminal is to be asked, and there is none.
    """
    from ccfpy.console.signing import Pen

    if who is None and not keys.is_given:
        return None
    if asks and not sys.stdin.isatty():
        raise Misused(
            "nobody is here to be asked before a vote is signed or a request sent: "
            "start the console in a terminal, or without --as; --no-confirm does "
            "without asking"
        )
    name = who or "the key that you gave"
    signer = keys.signer_or(lambda: place.keys(who or ""))
    return Pen(
        name=name,
        signer=signer,
        confirm=_ask if asks else None,
        opener=_opener(place, who, opener),
        identity=_identity(place, name, keys, who),
    )


def _identity(
    place: Place, name: str, keys: KeyOptions, who: str | None
) -> "Identity | None":
    """Return the files of a key, if that is where the key is: TLS needs them there."""
    from ccfpy.client.keys import ChosenFiles

    if keys.pkcs11 is not None or keys.sign_command is not None:
        return None
    if keys.cert is not None and keys.key is not None:
        return ChosenFiles(name=name, certificate=keys.cert, private_key=keys.key)
    files = place.keys(who or "")
    return ChosenFiles(
        name=name,
        certificate=keys.cert or files.certificate,
        private_key=keys.key or files.private_key,
    )


def _terminal() -> "Confirm":
    """Return what asks the person at the terminal, if there is one."""
    from ccfpy.console.signing import nobody

    return _ask if sys.stdin.isatty() else nobody


def _opener(
    place: Place, who: str | None, opener: DecrypterOptions
) -> "ShareDecrypter | None":
    """Find the key that opens the member's share; most members need none today."""
    if opener.is_given:
        return opener.decrypter(place, who or "")
    if who is None or not place.keys(who).encryption_private_key.is_file():
        return None
    return opener.decrypter(place, who)


async def _ask(lines: Sequence[str]) -> bool:
    """Ask at the terminal; the server goes on meanwhile.

    A thread waits for the line, and does not keep the command from ending.
    """
    for line in lines:
        note(line)
    ask("agree? [y/N]")
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[str] = loop.create_future()

    def read() -> None:
        line = sys.stdin.readline()
        with contextlib.suppress(RuntimeError):  # the command has ended meanwhile
            loop.call_soon_threadsafe(answered.set_result, line)

    threading.Thread(target=read, daemon=True).start()
    return (await answered).strip().lower() in ("y", "yes")


def _bound(address: str, port: int) -> socket.socket:
    try:
        return socket.create_server((address, port))
    except OSError as error:
        raise CommandFailed(
            f"port {port} is taken: leave out --port, or choose another"
        ) from error
