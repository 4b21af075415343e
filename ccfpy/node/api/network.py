"""Endpoints about the service: its status, its nodes, and the request to join it.

The join endpoint has no authentication beyond TLS. The client's certificate is
self-signed, and the attestation evidence must be about its key. The endpoint checks
only which node must answer; `ccfpy.service.join` has the rules for joining.
"""

from typing import TYPE_CHECKING

from ccfpy.base import limits
from ccfpy.base.errors import LimitExceeded, Malformed
from ccfpy.base.ids import NodeId, Seqno
from ccfpy.base.vocabulary import NodeStatus
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.declaration import Mode
from ccfpy.endpoints.replies import empty_reply, json_reply
from ccfpy.http.errors import ApiError, ErrorCode, internal_error, not_found
from ccfpy.node.api.answers import (
    ConsensusAnswer,
    NetworkAnswer,
    NodeAnswer,
    NodesAnswer,
    PeerAnswer,
    PreviousIdentityAnswer,
    ServiceConfigurationAnswer,
)
from ccfpy.node.api.declare import (
    NodeEndpoints,
    hidden,
    local,
    primary_address,
    shared,
    write,
)
from ccfpy.node.boot import node_info
from ccfpy.node.lifecycle import IN_NETWORK, NodeState
from ccfpy.service import join, join_messages
from ccfpy.service.evidence.kind import QuoteFault, QuoteRefused
from ccfpy.service.join import Handover, Joiner, JoinFault, JoinRefused
from ccfpy.service.join_messages import (
    JOIN_REQUEST,
    JOIN_RESPONSE,
    CoseSignaturesConfig,
    JoinRequest,
    JoinResponse,
)
from ccfpy.service.tables import nodes, service
from ccfpy.service.tables.nodes import NET_INTERFACE, NodeInfo

if TYPE_CHECKING:
    from ccfpy.base.json import Json
    from ccfpy.http.messages import Response
    from ccfpy.kv.tx import Tx
    from ccfpy.node.running import RunningNode


NETWORK = NodeEndpoints()


@NETWORK.add(shared, "/network", NetworkAnswer)
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


@NETWORK.add(shared, "/service/previous_identity", PreviousIdentityAnswer)
def previous_identity(_: "RunningNode", context: Context) -> "Response":
    """Answer with the certificate of the service that this one recovered."""
    certificate = service.PREVIOUS_IDENTITY.of(context.tx).get()
    if certificate is None:
        raise not_found("This service is not a recovery of a previous service.")
    return json_reply({"previous_service_identity": certificate})


@NETWORK.add(local, "/service/configuration", ServiceConfigurationAnswer)
def configuration(_: "RunningNode", context: Context) -> "Response":
    """Answer with the configuration of the whole service."""
    configuration = service.CONFIGURATION.of(context.tx).get()
    if configuration is None:
        return json_reply(None)
    return json_reply(service.SERVICE_CONFIGURATION.write(configuration))


@NETWORK.add(local, "/config", dict[str, PeerAnswer], mode=Mode.COMMAND)
def config(running: "RunningNode", _: Context) -> "Response":
    """List the nodes that take part in consensus and where they are reached."""
    addresses = running.address_book.addresses
    nodes = running.replication.raft.nodes
    return json_reply({node: {"address": addresses.get(node, "")} for node in nodes})


@NETWORK.add(local, "/consensus", ConsensusAnswer, mode=Mode.COMMAND)
def consensus(running: "RunningNode", _: Context) -> "Response":
    """Answer with the state of consensus at this node."""
    raft = running.replication.raft
    return json_reply({"details": raft.details(running.address_book.addresses)})


@NETWORK.add(local, "/primary")
def primary(running: "RunningNode", _: Context) -> "Response":
    """Answer 200 where the primary is."""
    if not running.is_primary:
        raise not_found("Node is not primary")
    return empty_reply(200)


@NETWORK.add(local, "/primary", method="HEAD")
def find_primary(running: "RunningNode", context: Context) -> "Response":
    """Answer 200 where the primary is, and elsewhere say where it is."""
    if running.is_primary:
        return empty_reply(200)
    address = primary_address(context, running)
    return empty_reply(308, {"location": f"https://{address}/node/primary"})


@NETWORK.add(local, "/backup")
def backup(running: "RunningNode", _: Context) -> "Response":
    """Answer 200 where a backup is."""
    if running.is_primary:
        raise not_found("Node is not backup")
    return empty_reply(200)


@NETWORK.add(hidden, "POST", "/create")
def create(_: "RunningNode", __: Context) -> "Response":
    """Refuse: a node creates its service itself, before it listens."""
    raise ApiError(403, ErrorCode.InternalError, "Node is not in initial state.")


MEMBERS = NodeEndpoints()


@MEMBERS.add(
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


@MEMBERS.add(local, "/network/nodes/self", NodeAnswer)
def this_node(running: "RunningNode", context: Context) -> "Response":
    """Describe the node that answers, which may not be entered yet."""
    info = nodes.INFO.of(context.tx).get(running.node_id) or node_info(running)
    return json_reply(_describe(running, context, running.node_id, info))


@MEMBERS.add(shared, "/network/nodes/primary", NodeAnswer)
def primary_node(running: "RunningNode", context: Context) -> "Response":
    """Describe the primary."""
    primary = running.primary_id
    if primary is None:
        raise internal_error("Primary unknown")
    return _one(running, context, primary)


@MEMBERS.add(shared, "/network/nodes/{node_id}", NodeAnswer)
def one_node(running: "RunningNode", context: Context) -> "Response":
    """Describe a node."""
    return _one(running, context, NodeId(context.params["node_id"]))


@MEMBERS.add(shared, "/network/removable_nodes", NodesAnswer)
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


@MEMBERS.add(write, "DELETE", "/network/nodes/{node_id}", bool)
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


PATH = "/join"


JOIN = NodeEndpoints()


@JOIN.add(hidden, "POST", PATH, local_mode=Mode.READ_WRITE)
def let_in(running: "RunningNode", context: Context) -> "Response":
    """Enter the node that asks, or tell it how it stands."""
    request = _request(context)
    if running.state not in IN_NETWORK:
        raise internal_error(
            "Target node should be part of network to accept new nodes."
        )
    try:
        response = _decide(running, context, request)
    except JoinRefused as refusal:
        running.outbox.fail(f"Join request refused: {refusal}")
        status = 500 if refusal.fault is JoinFault.NO_SERVICE else 400
        raise ApiError(status, ErrorCode(refusal.fault), str(refusal)) from refusal
    except QuoteRefused as refusal:
        _tell(running, refusal)
        raise ApiError(
            refusal.fault.status, ErrorCode.InvalidQuote, str(refusal)
        ) from refusal
    return json_reply(JOIN_RESPONSE.write(response))


def _decide(
    running: "RunningNode", context: Context, request: JoinRequest
) -> JoinResponse:
    tx = context.tx
    join.check_startup(request, running.startup_seqno)
    certificate = context.session.caller
    if certificate is None:
        raise JoinRefused(
            JoinFault.INVALID_INPUT,
            "a node that joins must show its own certificate in the TLS session",
        )
    joiner = Joiner.of(certificate)
    handover = _handover(running)
    known = join.answer_known(tx, joiner, handover)
    if known is not None:
        if known.node_status is NodeStatus.PENDING:
            _hear(running, context, joiner.node_id)
        return known
    if not running.is_primary:
        raise _primary_instead(running, context)
    response = join.admit(
        tx,
        request,
        joiner,
        handover,
        unix_time_s=running.time.unix_us // 1_000_000,
    )
    if response.node_status is NodeStatus.PENDING:
        _make_room(running, tx, joiner.node_id)
    running.outbox.info(f"Node {joiner.node_id} added as {response.node_status}")
    return response


def _hear(running: "RunningNode", context: Context, node_id: "NodeId") -> None:
    """Note that a node still waits, or send it to the primary, which must hear it.

    Raises:
        ApiError: the redirect.
    """
    running.pending.heard(node_id)
    if (
        not running.is_primary
        and running.primary_id is not None
        and running.pending.is_to_be_sent_on(node_id)
    ):
        raise _primary_instead(running, context)


def _primary_instead(running: "RunningNode", context: Context) -> ApiError:
    address = primary_address(context, running)
    return ApiError(
        308,
        ErrorCode.NodeCannotHandleRequest,
        "Node is not primary; cannot handle write",
        headers={"location": f"https://{address}/node/join"},
    )


def _make_room(running: "RunningNode", tx: "Tx", node_id: "NodeId") -> None:
    """Find a place for a node that waits.

    Raises:
        ApiError: there is none now. As no other refusal, this one is not final.
    """
    try:
        running.tail.after_commit(running.pending.make_room(tx, node_id))
    except LimitExceeded as error:
        raise ApiError(
            503,
            ErrorCode.TooManyPendingNodes,
            str(error),
            headers={"retry-after": str(limits.RETRY_AFTER_S)},
        ) from error


def _handover(running: "RunningNode") -> Handover:
    identity = running.service_identity
    claims = running.cose_claims
    return Handover(
        key=identity.key,
        certificate=identity.certificate,
        secrets=running.tail.secrets,
        cose_signatures=CoseSignaturesConfig(
            issuer=claims.issuer, subject=claims.subject
        ),
        entropy=running.entropy,
        last_recovered_seqno=running.last_recovered_seqno,
        is_public_only=running.state is NodeState.PART_OF_PUBLIC_NETWORK,
    )


def _tell(running: "RunningNode", refusal: QuoteRefused) -> None:
    match refusal.fault:
        case QuoteFault.NOT_VERIFIED:
            text = f"Failed to verify attestation report: {refusal.detail}"
        case QuoteFault.UNKNOWN_UVM:
            text = f"Failed to verify UVM endorsements: {refusal.detail}"
        case _:
            why = "" if refusal.detail is None else f": {refusal.detail}"
            text = f"Join request refused: {refusal}{why}"
    running.outbox.fail(text)


def _request(context: Context) -> JoinRequest:
    try:
        request = JOIN_REQUEST.read(context.body_json())
        join_messages.check(request)
    except (Malformed, LimitExceeded) as error:
        raise ApiError(400, ErrorCode.InvalidInput, str(error)) from error
    return request
