"""The service as this node sees it: status, identity, configuration, consensus."""

from typing import TYPE_CHECKING

from ccfpy.endpoints.context import Context
from ccfpy.endpoints.declaration import Mode
from ccfpy.endpoints.replies import empty_reply, json_reply
from ccfpy.http.errors import ApiError, ErrorCode, not_found
from ccfpy.node.api.answers import (
    ConsensusAnswer,
    NetworkAnswer,
    PeerAnswer,
    PreviousIdentityAnswer,
    ServiceConfigurationAnswer,
)
from ccfpy.node.api.declare import NodeEndpoints, hidden, local, shared
from ccfpy.node.api.redirects import primary_address
from ccfpy.service.tables import service

if TYPE_CHECKING:
    from ccfpy.base.json import Json
    from ccfpy.http.messages import Response
    from ccfpy.node.running import RunningNode


ENDPOINTS = NodeEndpoints()


@ENDPOINTS.add(shared, "/network", NetworkAnswer)
def network(running: "RunningNode", context: Context) -> "Response":
    """Answer with the service's status, identity and primary."""
    info = service.INFO.of(context.tx).get()
    if info is None:
        raise not_found("Service state not available.")
    body: dict[str, Json] = {
        "service_status": info.status,
        "service_certificate": info.cert,
        "recovery_count": info.recovery_count or 0,
        "service_data": info.service_data,
        "current_view": running.view,
        "primary_id": running.primary_id,
    }
    if info.current_service_create_txid is not None:
        body["current_service_create_txid"] = str(info.current_service_create_txid)
    return json_reply(body)


@ENDPOINTS.add(shared, "/service/previous_identity", PreviousIdentityAnswer)
def previous_identity(_: "RunningNode", context: Context) -> "Response":
    """Answer with the certificate of the service that this one recovered."""
    certificate = service.PREVIOUS_IDENTITY.of(context.tx).get()
    if certificate is None:
        raise not_found("This service is not a recovery of a previous service.")
    return json_reply({"previous_service_identity": certificate})


@ENDPOINTS.add(local, "/service/configuration", ServiceConfigurationAnswer)
def configuration(_: "RunningNode", context: Context) -> "Response":
    """Answer with the configuration of the whole service."""
    configuration = service.CONFIGURATION.of(context.tx).get()
    if configuration is None:
        return json_reply(None)
    return json_reply(service.SERVICE_CONFIGURATION.write(configuration))


@ENDPOINTS.add(local, "/config", dict[str, PeerAnswer], mode=Mode.COMMAND)
def config(running: "RunningNode", _: Context) -> "Response":
    """List the nodes that take part in consensus and where they are reached."""
    addresses = running.address_book.addresses
    nodes = running.replication.raft.nodes
    return json_reply({node: {"address": addresses.get(node, "")} for node in nodes})


@ENDPOINTS.add(local, "/consensus", ConsensusAnswer, mode=Mode.COMMAND)
def consensus(running: "RunningNode", _: Context) -> "Response":
    """Answer with the state of consensus at this node."""
    raft = running.replication.raft
    return json_reply({"details": raft.details(running.address_book.addresses)})


@ENDPOINTS.add(local, "/primary")
def primary(running: "RunningNode", _: Context) -> "Response":
    """Answer 200 where the primary is."""
    if not running.is_primary:
        raise not_found("Node is not primary")
    return empty_reply(200)


@ENDPOINTS.add(local, "/primary", method="HEAD")
def find_primary(running: "RunningNode", context: Context) -> "Response":
    """Answer 200 where the primary is, and elsewhere say where it is."""
    if running.is_primary:
        return empty_reply(200)
    address = primary_address(context, running)
    return empty_reply(308, {"location": f"https://{address}/node/primary"})


@ENDPOINTS.add(local, "/backup")
def backup(running: "RunningNode", _: Context) -> "Response":
    """Answer 200 where a backup is."""
    if running.is_primary:
        raise not_found("Node is not backup")
    return empty_reply(200)


@ENDPOINTS.add(hidden, "POST", "/create")
def create(_: "RunningNode", __: Context) -> "Response":
    """Refuse: a node creates its service itself, before it listens."""
    raise ApiError(403, ErrorCode.InternalError, "Node is not in initial state.")
