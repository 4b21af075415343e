"""``GET /node/api/page``: what the service offers, as a page for people; an extension.

A node serves the page where its configuration says so (``api_page``). The enclave
writes the page: a page that the host writes could name other paths, callers and hosts
than the service has. The page is written once for each version of the app and each
interface, and kept.
"""

from typing import TYPE_CHECKING, Final, NamedTuple

from ccfpy.crypto.hashing import sha256_hex
from ccfpy.endpoints.api_page.document import ApiDocument
from ccfpy.endpoints.api_page.example import CurlCaller
from ccfpy.endpoints.api_page.page import POLICY, page
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.declaration import (
    Endpoint,
    Forwarding,
    Mode,
    Operation,
    Redirection,
)
from ccfpy.endpoints.openapi import document
from ccfpy.endpoints.replies import bytes_reply, empty_reply
from ccfpy.gov.api import OPERATIONS
from ccfpy.gov.operations import ApiVersion
from ccfpy.gov.swagger import document as swagger
from ccfpy.http.etag import Matcher

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ccfpy.http.messages import Response
    from ccfpy.node.running import RunningNode

PATH: Final = "/api/page"
FOLDER: Final = "KEYS"
"""Stands for the caller's own folder of certificates and keys in lines for ``curl``."""
_CONTENT_TYPE: Final = "text/html; charset=utf-8"
_HEADERS: Final = {
    "content-security-policy": f"{POLICY}; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",  # keep the page, but ask whether it is still current
}


class _Kept(NamedTuple):
    """The page of one interface, and the app's endpoints that it describes."""

    endpoints: tuple[Endpoint, ...]
    body: bytes
    tag: str


class ApiPage:
    """Answers with the page, which it keeps until the app changes."""

    def __init__(self, running: "RunningNode") -> None:
        self._running = running
        self._addresses = {
            each.name: each.published_address
            for each in running.configuration.rpc_interfaces
        }
        self._kept: dict[str, _Kept] = {}

    def answer(self, context: Context) -> "Response":
        """Answer with the page, or with nothing to a caller who has it.

        Raises:
            Malformed: the caller's ``If-None-Match`` is none.
        """
        kept = self._page(context.session.interface.name)
        headers = {**_HEADERS, "etag": f'"{kept.tag}"'}
        held = context.request.headers.get("if-none-match")
        if held is not None and Matcher.parse(held).matches(kept.tag):
            return empty_reply(304, headers)
        if context.request.method == "HEAD":
            headers["content-type"] = _CONTENT_TYPE
            headers["content-length"] = str(len(kept.body))
            return empty_reply(200, headers)
        reply = bytes_reply(kept.body, content_type=_CONTENT_TYPE)
        reply.headers |= headers
        return reply

    def _page(self, interface: str) -> _Kept:
        app = self._running.frontends["app"].registry
        endpoints = tuple(app.described())
        kept = self._kept.get(interface)
        # As long as the app is the same, so are these objects: comparing them is short.
        if kept is None or kept.endpoints != endpoints:
            documents = (
                document(app),
                swagger(ApiVersion.V1, OPERATIONS),
                document(self._running.frontends["node"].registry),
            )
            url = f"https://{self._addresses[interface]}"
            caller = CurlCaller(url=url, folder=FOLDER)
            body = page([ApiDocument(each) for each in documents], caller).encode()
            kept = self._kept[interface] = _Kept(endpoints, body, sha256_hex(body))
        return kept


def endpoints(running: "RunningNode") -> "Iterator[Endpoint]":
    """Declare the page, for browsers and for callers who ask for its head alone."""
    answer = ApiPage(running).answer
    for method in ("GET", "HEAD"):
        yield Endpoint(
            method=method,
            path=PATH,
            handler=answer,
            mode=Mode.READ_ONLY,
            forwarding=Forwarding.NEVER,
            redirection=Redirection.NONE,
            operation=Operation(
                summary="The service's OpenAPI documents as a page for people",
                response_schema={"type": "string"},
                response_content_type="text/html",
                also={304: None},
                hidden=method == "HEAD",
            ),
        )
