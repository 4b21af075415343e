"""The indexes that this node keeps, for operators."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ccfpy.endpoints.context import Context
from ccfpy.endpoints.declaration import Endpoint
from ccfpy.endpoints.replies import json_reply
from ccfpy.node.api.declare import local

if TYPE_CHECKING:
    from ccfpy.http.messages import Response
    from ccfpy.node.running import RunningNode


class IndexingEndpoints:
    """Reads about indexes."""

    def __init__(self, running: "RunningNode") -> None:
        self._running = running

    def endpoints(self) -> Iterator[Endpoint]:
        """Return the endpoints."""
        yield local("/index/strategies", self.strategies, Any)

    def strategies(self, _: Context) -> "Response":
        """List the indexes that this node keeps of the ledger, and how far each is."""
        return json_reply(self._running.indexing.describe())
