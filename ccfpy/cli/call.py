"""``ccfpy call``: one request to a service, as curl would send it."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ccfpy.base.errors import Malformed
from ccfpy.base.json import loads
from ccfpy.cli import completion
from ccfpy.cli.errors import ExitCode, Misused
from ccfpy.cli.input import read_input
from ccfpy.cli.options import with_options
from ccfpy.cli.output import is_terminal, note, print_json, print_line, write
from ccfpy.cli.place import JsonOption, PlaceOptions
from ccfpy.client.requests import TXID_HEADER, Reply

if TYPE_CHECKING:
    from ccfpy.client.keys import ChosenFiles


@with_options
def call(  # noqa: PLR0913  # one parameter for each option
    path: Annotated[str, typer.Argument(help="With its query: /app/log/private?id=1.")],
    *,
    who: Annotated[
        str | None,
        typer.Option(
            "--as",
            help="Whose certificate to show, such as user0.",
            autocompletion=completion.participants,
        ),
    ] = None,
    cert: Annotated[
        Path | None, typer.Option("--cert", help="A certificate in a file of its own.")
    ] = None,
    key: Annotated[
        Path | None, typer.Option("--key", help="The certificate's key.")
    ] = None,
    data: Annotated[
        str | None,
        typer.Option("--data", "-d", help="The body; @FILE reads it, @- from stdin."),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option("--request", "-X", help="GET, or POST where there is a body."),
    ] = None,
    header: Annotated[
        list[str] | None, typer.Option("--header", "-H", help="'Name: value'.")
    ] = None,
    commit: Annotated[
        bool, typer.Option("--commit", help="Wait until it can no longer be lost.")
    ] = False,
    include: Annotated[
        bool, typer.Option("--include", "-i", help="Show status and headers too.")
    ] = False,
    where: PlaceOptions,
    json: JsonOption = False,
) -> None:
    """Send one request to a service, as one of its users.

    Prints what comes back, and exits with 1 for an error reply. Addresses of the
    service's nodes are kept beside the keys: if a node fails, another is asked.
        The body is sent as JSON if it is JSON and no content type was given.
    """
    body = None if data is None else _body(data)
    headers = _headers(header or [], body)
    if not path.startswith("/"):
        raise Misused(f"{path!r} is no path: begin it with /, such as /app/commit")
    files = _files(cert, key)
    if files is not None and who is not None:
        raise Misused("--as and --cert both name a certificate: give one of them")
    place = where.find()
    verb = method or ("GET" if body is None else "POST")

    async def exchange() -> Reply:
        async with place.connect(who, files=files) as connection:
            reply = await connection.request(verb, path, body=body, headers=headers)
            if commit and not reply.is_error and reply.txid is not None:
                await connection.wait_committed(reply.txid)
            await place.learn(connection)
            return reply

    reply = asyncio.run(exchange())
    _show(reply, include=include, as_json=json, is_committed=commit)
    raise typer.Exit(ExitCode.FAILED if reply.is_error else ExitCode.OK)


def _files(certificate: Path | None, key: Path | None) -> "ChosenFiles | None":
    from ccfpy.client.keys import ChosenFiles

    if (certificate is None) is not (key is None):
        raise Misused("a certificate is shown with its key: give --cert and --key")
    if certificate is None or key is None:
        return None
    return ChosenFiles(name=certificate.name, certificate=certificate, private_key=key)


def _body(data: str) -> bytes:
    return read_input(data[1:]) if data.startswith("@") else data.encode()


def _headers(given: list[str], body: bytes | None) -> dict[str, str]:
    headers: dict[str, str] = {}
    for item in given:
        name, colon, value = item.partition(":")
        if not colon or not name.strip():
            raise Misused(f"{item!r} is no header: write 'Name: value'")
        headers[name.strip().lower()] = value.strip()
    if body is not None and "content-type" not in headers:
        headers["content-type"] = _type_of(body)
    return headers


def _type_of(body: bytes) -> str:
    try:
        loads(body)
    except Malformed:
        return "text/plain"
    return "application/json"


def _show(reply: Reply, *, include: bool, as_json: bool, is_committed: bool) -> None:
    if as_json:
        try:
            content: object = loads(reply.body)
        except Malformed:
            content = reply.text
        print_json(
            {"status": reply.status, "headers": dict(reply.headers), "body": content}
        )
        return
    if include:
        print_line(f"HTTP {reply.status}")
        for name, value in reply.headers.items():
            print_line(f"{name}: {value}")
        print_line()
    write(reply.body)
    if reply.body and is_terminal():
        print_line()
    if reply.is_error:
        note(f"ccfpy: the service answered with status {reply.status}")
    elif is_committed and TXID_HEADER in reply.headers:
        note(f"committed: {reply.txid}")
