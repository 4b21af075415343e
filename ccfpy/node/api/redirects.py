"""Sending a caller to the node that can answer.

The answer names the target's published address on the interface that the caller used,
so that the redirect stays within the caller's network
(``src/node/rpc/node_frontend.h``).
"""

from typing import TYPE_CHECKING

from ccfpy.base.ids import NodeId
from ccfpy.http.errors import internal_error
from ccfpy.service.tables import nodes

if TYPE_CHECKING:
    from ccfpy.endpoints.context import Context
    from ccfpy.node.running import RunningNode


def address_for(context: "Context", running: "RunningNode", node_id: NodeId) -> str:
    """Return the address at which a caller reaches another node.

    Raises:
        ApiError: the node is not known, or has no such interface.
    """
    info = nodes.INFO.of(context.tx).get(node_id)
    if info is None:
        running.outbox.fail(f"Node redirection error: Unknown node {node_id}")
        raise internal_error(
            f"Cannot find node info to produce redirect response for node {node_id}"
        )
    name = context.session.interface.name
    interface = info.rpc_interfaces.get(name)
    if interface is None:
        running.outbox.fail(
            f"Node redirection error: Target missing interface {name}",
        )
        raise internal_error(
            f"Cannot redirect request. Received on RPC interface {name}, which is not "
            f"present on target node {node_id}"
        )
    return interface.published_address


def primary_address(context: "Context", running: "RunningNode") -> str:
    """Return the address at which a caller reaches the primary.

    Raises:
        ApiError: the primary is unknown, or it has no such interface.
    """
    primary = running.primary_id
    if primary is None:
        raise internal_error("Primary unknown")
    return address_for(context, running, primary)
