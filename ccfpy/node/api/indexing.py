"""The indexes that this node keeps, for operators."""

from typing import TYPE_CHECKING, Any

from ccfpy.endpoints.context import Context
from ccfpy.endpoints.replies import json_reply
from ccfpy.node.api.declare import NodeEndpoints, local

if TYPE_CHECKING:
    from ccfpy.http.messages import Response
    from ccfpy.node.running import RunningNode


ENDPOINTS = NodeEndpoints()


@ENDPOINTS.add(local, "/index/strategies", Any)
def strategies(running: "RunningNode", _: Context) -> "Response":
    """List the indexes that this node keeps of the ledger, and how far each is."""
    return json_reply(running.indexing.describe())
