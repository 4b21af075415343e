"""The nodes of the service: who they are, and which can be forgotten."""

from typing import TYPE_CHECKING

from ccfpy.base.ids import NodeId, Seqno
from ccfpy.base.vocabulary import NodeStatus
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.replies import json_reply
from ccfpy.http.errors import ApiError, ErrorCode, internal_error, not_found
from ccfpy.node.api.answers import NodeAnswer, NodesAnswer
from ccfpy.node.api.declare import NodeEndpoints, local, shared, write
from ccfpy.node.boot import node_info
from ccfpy.service.tables import nodes
from ccfpy.service.tables.nodes import NET_INTERFACE, NodeInfo

if TYPE_CHECKING:
    from ccfpy.base.json import Json
    from ccfpy.http.messages import Response
    from ccfpy.node.running import RunningNode


ENDPOINTS = NodeEndpoints()


@ENDPOINTS.add(
    shared,
    "/network/nodes",
    NodesAnswer,
    query={"host": str, "port": str, "status": NodeStatus},
)
def all_nodes(running: "RunningNode", context: Context) -> "Response":
    """List the nodes, all or by host, port and status."""
    host, port = context.query.get("host"), context.query.get("port")
    wanted = _status(context.query.get("status"))
    listed = [
        _describe(running, context, node_id, info)
        for node_id, info in nodes.INFO.of(context.tx).items()
        if wanted in (None, info.status) and _is_at(info, host, port)
    ]
    return json_reply({"nodes": listed})


@ENDPOINTS.add(local, "/network/nodes/self", NodeAnswer)
def this_node(running: "RunningNode", context: Context) -> "Response":
    """Describe the node that answers, which may not be entered yet."""
    info = nodes.INFO.of(context.tx).get(running.node_id) or node_info(running)
    return json_reply(_describe(running, context, running.node_id, info))


@ENDPOINTS.add(shared, "/network/nodes/primary", NodeAnswer)
def primary_node(running: "RunningNode", context: Context) -> "Response":
    """Describe the primary."""
    primary = running.primary_id
    if primary is None:
        raise internal_error("Primary unknown")
    return _one(running, context, primary)


@ENDPOINTS.add(shared, "/network/nodes/{node_id}", NodeAnswer)
def one_node(running: "RunningNode", context: Context) -> "Response":
    """Describe a node."""
    return _one(running, context, NodeId(context.params["node_id"]))


@ENDPOINTS.add(shared, "/network/removable_nodes", NodesAnswer)
def removable_nodes(running: "RunningNode", context: Context) -> "Response":
    """List retired nodes that no quorum will ever need again."""
    infos = nodes.INFO.of(context.tx)
    listed = [
        _describe(running, context, node_id, committed)
        for node_id, _ in infos.items()
        if (committed := infos.get_globally_committed(node_id)) is not None
        and _is_gone(committed)
    ]
    return json_reply({"nodes": listed})


@ENDPOINTS.add(write, "DELETE", "/network/nodes/{node_id}", bool)
def remove_node(_: "RunningNode", context: Context) -> "Response":
    """Forget a node whose retirement is final everywhere."""
    node_id = NodeId(context.params["node_id"])
    infos = nodes.INFO.of(context.tx)
    if not infos.has(node_id):
        raise not_found("No such node")
    committed = infos.get_globally_committed(node_id)
    if committed is None or not _is_gone(committed):
        raise ApiError(
            400, ErrorCode.NodeNotRetiredCommitted, "Node is not completely retired"
        )
    infos.remove(node_id)
    nodes.ENDORSED_CERTIFICATES.of(context.tx).remove(node_id)
    return json_reply(value=True)


def _one(running: "RunningNode", context: Context, node_id: NodeId) -> "Response":
    info = nodes.INFO.of(context.tx).get(node_id)
    if info is None:
        raise not_found("Node not found")
    return json_reply(_describe(running, context, node_id, info))


def _describe(
    running: "RunningNode", context: Context, node_id: NodeId, info: NodeInfo
) -> "Json":
    written: Seqno | None = nodes.INFO.of(context.tx).version_of_previous_write(node_id)
    return {
        "node_id": node_id,
        "status": info.status,
        "primary": node_id == running.primary_id,
        "rpc_interfaces": {
            name: NET_INTERFACE.write(interface)
            for name, interface in info.rpc_interfaces.items()
        },
        "node_data": info.node_data,
        "last_written": written or 0,
    }


def _status(text: str | None) -> NodeStatus | None:
    if text is None:
        return None
    try:
        return NodeStatus(text)
    except ValueError as error:
        raise ApiError(
            400,
            ErrorCode.InvalidQueryParameterValue,
            f"Query parameter '{text}' is not a valid node status",
        ) from error


def _is_at(info: NodeInfo, host: str | None, port: str | None) -> bool:
    """Return whether an interface of the node is published at this host and port."""
    for interface in info.rpc_interfaces.values():
        published_host, _, published_port = interface.published_address.rpartition(":")
        if host in (None, published_host) and port in (None, published_port):
            return True
    return False


def _is_gone(info: NodeInfo) -> bool:
    return info.status is NodeStatus.RETIRED and info.retired_committed
