"""The OpenAPI documents of a service, for pages about them."""

from ccfpy.base.errors import Malformed
from ccfpy.base.json import loads_object
from ccfpy.client.connection import Connection
from ccfpy.client.errors import UnexpectedReply
from ccfpy.endpoints.api_page.document import ApiDocument

SERVED = (
    "/app/api",
    "/gov/api?api-version=2024-07-01",
    "/node/api",
)
"""The documents of a service, as a page shows them."""


async def fetch_documents(connection: Connection) -> list[ApiDocument]:
    """Fetch each document; an application may have none.

    Raises:
        UnexpectedReply: an answer is no document, or there is none at all.
    """
    documents: list[ApiDocument] = []
    for path in SERVED:
        reply = await connection.request("GET", path)
        if reply.is_error:
            continue
        try:
            documents.append(ApiDocument(loads_object(reply.body)))
        except Malformed as error:
            raise UnexpectedReply(f"{path} is no OpenAPI document: {error}") from error
    if not documents:
        raise UnexpectedReply("the service gave no OpenAPI document: look at its log")
    return documents
