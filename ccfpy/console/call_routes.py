"""Answers about requests that people fill in on the page, and the requests' sending."""

from typing import TYPE_CHECKING

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import TxId
from ccfpy.base.json import loads_object
from ccfpy.client.api_documents import fetch_document
from ccfpy.client.reply import text_field
from ccfpy.console.call_replies import answer_of, standing_of
from ccfpy.console.calls import (
    BODY_BYTES_MAX,
    FIELDS_MAX,
    VALUE_CHARACTERS_MAX,
    NoSuchEndpoint,
    document_path,
    form_of,
    may_write,
    operation_of,
    request_of,
)
from ccfpy.console.ledger_routes import answer

if TYPE_CHECKING:
    from aiohttp import web

    from ccfpy.console.service import Service
    from ccfpy.console.signing import Desk
    from ccfpy.endpoints.api_page.document import ApiDocument, DescribedOperation

ESCAPED = 6
"""Characters that JSON takes at most for a byte of a text."""
QUESTION_BYTES_MAX = ESCAPED * (BODY_BYTES_MAX + FIELDS_MAX * VALUE_CHARACTERS_MAX)
"""The most bytes in which a page asks for a request: its body and its fields."""


class CallRoutes:
    """Requests to one service."""

    def __init__(self, service: "Service", desk: "Desk") -> None:
        self._service, self._desk = service, desk

    async def form(self, request: "web.Request") -> "web.Response":
        """Answer what is filled in for an endpoint."""
        verb, path = request.query.get("verb", ""), request.query.get("path", "")
        document, operation = await self._described(verb, path)
        sender = await self._service.sender()
        return answer(
            form_of(document, operation, sender=sender.words, asks=self._desk.may_ask)
        )

    async def send(self, request: "web.Request") -> "web.Response":
        """Send a request that was filled in, and answer with what came back.

        Raises:
            NoSuchEndpoint: no document of the service has the endpoint.
            Malformed: the endpoint has no such request.
            NotSigned: the request may write, and nobody agreed.
            OutcomeUnknown: no answer came, and the request may have been applied.
        """
        # Bodies of this route and of another may be longer than what pages ask.
        asked = loads_object(
            await request.clone(client_max_size=QUESTION_BYTES_MAX).read()
        )
        verb, path = asked.get("verb"), asked.get("path")
        if not isinstance(verb, str) or not isinstance(path, str):
            raise Malformed("a request has verb and path")
        _, operation = await self._described(verb, path)
        made = request_of(operation, asked)
        sender = await self._service.sender()
        if may_write(operation):
            await self._desk.agreed(made.lines(sender.words))
        async with self._service.connect_as(sender.identity) as connection:
            reply = await connection.request(
                made.verb, made.path, body=made.body, headers=made.headers
            )
        return answer(answer_of(reply))

    async def standing(self, request: "web.Request") -> "web.Response":
        """Answer whether a transaction is committed, without waiting for it."""
        txid = TxId.parse(request.match_info["txid"])
        async with self._service.connect() as connection:
            reply = await connection.get(f"/node/tx?transaction_id={txid}")
        return answer(standing_of(text_field(reply.object(), "status")))

    async def _described(
        self, verb: str, path: str
    ) -> "tuple[ApiDocument, DescribedOperation]":
        """Return the document that has an endpoint, as it is now, and the endpoint.

        Raises:
            NoSuchEndpoint: there is none.
        """
        async with self._service.connect() as connection:
            document = await fetch_document(connection, document_path(path))
        if document is None:
            raise NoSuchEndpoint("the service has no document for this path")
        return document, operation_of(document, verb=verb, path=path)
