"""The OpenAPI documents of a service, for pages about them."""

from collections.abc import Mapping
from typing import Final

from ccfpy.base.errors import Malformed
from ccfpy.base.json import loads_object
from ccfpy.client.connection import Connection
from ccfpy.client.errors import UnexpectedReply
from ccfpy.endpoints.api_page.document import ApiDocument

BY_FRONTEND: Final[Mapping[str, str]] = {
    "app": "/app/api",
    "gov": "/gov/api?api-version=2024-07-01",
    "node": "/node/api",
}
SERVED: Final = tuple(BY_FRONTEND.values())
"""The documents of a service, as a page shows them."""


async def fetch_documents(connection: Connection) -> list[ApiDocument]:
    """Fetch each document; an application may have none.

    Raises:
        UnexpectedReply: an answer is no document, or there is none at all.
    """
    documents: list[ApiDocument] = []
    for path in SERVED:
        document = await fetch_document(connection, path)
        if document is not None:
            documents.append(document)
    if not documents:
        raise UnexpectedReply("the service gave no OpenAPI document: look at its log")
    return documents


async def fetch_document(connection: Connection, path: str) -> ApiDocument | None:
    """Fetch one document; return nothing where the service has none.

    Raises:
        UnexpectedReply: the answer is no document.
    """
    reply = await connection.request("GET", path)
    if reply.is_error:
        return None
    try:
        return ApiDocument(loads_object(reply.body))
    except Malformed as error:
        raise UnexpectedReply(f"{path} is no OpenAPI document: {error}") from error
