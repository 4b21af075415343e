"""``ccfpy api``: what a service offers, as one page that needs no network."""

import asyncio
import webbrowser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Annotated

import typer

from ccfpy.base.errors import Malformed
from ccfpy.base.json import loads_object
from ccfpy.cli.errors import CommandFailed, Misused, no_such_file
from ccfpy.cli.options import with_options
from ccfpy.cli.output import note
from ccfpy.cli.place import ADDRESS_DEFAULT, Place, PlaceOptions
from ccfpy.endpoints.api_page.document import ApiDocument


@with_options
def api(  # one parameter for each option
    document: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Files with OpenAPI documents, instead of a service's own."
        ),
    ] = None,
    *,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write the page to this file.")
    ] = None,
    port: Annotated[
        int,
        typer.Option(help="Show the page here if it is not written; 0 is any port."),
    ] = 0,
    browse: Annotated[
        bool, typer.Option("--open", help="Open the page in a browser.")
    ] = False,
    where: PlaceOptions,
) -> None:
    """Show what a service offers, as a page that works offline.

    Every endpoint has its parameters, schemas, who may call it, and curl lines.
        The page is one file. It loads nothing, and runs nothing but its own search.
    """
    from ccfpy.endpoints.api_page.example import CurlCaller
    from ccfpy.endpoints.api_page.page import page

    if document:
        documents = [_read(path) for path in document]
        address = where.url or ADDRESS_DEFAULT
    else:
        place = where.find()
        documents, address = asyncio.run(_fetch(place)), place.url
    text = page(
        documents, CurlCaller(url=address.rstrip("/"), folder=str(where.common))
    )
    if out is None:
        _show(text.encode(), port=port, browse=browse)
        return
    _write(out, text)
    note(f"written: {out}")
    if browse:
        webbrowser.open(out.resolve().as_uri())


async def _fetch(place: Place) -> list[ApiDocument]:
    from ccfpy.console.app import fetch_documents

    async with place.connect() as connection:
        return await fetch_documents(connection)


def _read(path: Path) -> ApiDocument:
    try:
        return _parsed(path.read_bytes(), str(path))
    except OSError as error:
        raise no_such_file(str(path), error) from error


def _parsed(text: bytes, source: str) -> ApiDocument:
    try:
        return ApiDocument(loads_object(text))
    except Malformed as error:
        raise CommandFailed(f"{source} is no OpenAPI document: {error}") from error


def _write(path: Path, text: str) -> None:
    """Write the page; the only file that it may replace is another page of ours."""
    from ccfpy.endpoints.api_page.page import MARK

    if path.exists() and MARK not in path.read_text("utf-8", "replace")[:200]:
        raise Misused(f"{path} is another file: choose a name that is free")
    path.write_text(text, "utf-8")


def page_server(content: bytes, port: int) -> ThreadingHTTPServer:
    """Make a server, on this machine only, of one page."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path != "/":
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("content-type", "text/html; charset=utf-8")
            self.send_header("content-length", str(len(content)))
            self.send_header("x-content-type-options", "nosniff")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


def _show(content: bytes, *, port: int, browse: bool) -> None:
    with page_server(content, port) as server:
        address = f"http://127.0.0.1:{server.server_port}/"
        note(f"{address} (Ctrl-C ends it)")
        if browse:
            webbrowser.open(address)
        server.serve_forever()
