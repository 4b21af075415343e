"""The endpoint that nodes join by: it checks nothing itself but who must answer.

The policy is in `ccfpy.service.join`. There is no authentication beyond TLS: the
client's certificate is self-signed, and its key is what the evidence must be about.
"""

from typing import TYPE_CHECKING

from ccfpy.base import limits
from ccfpy.base.errors import LimitExceeded, Malformed
from ccfpy.base.vocabulary import NodeStatus
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.declaration import Mode
from ccfpy.endpoints.replies import json_reply
from ccfpy.http.errors import ApiError, ErrorCode, internal_error
from ccfpy.node.api.declare import NodeEndpoints, hidden
from ccfpy.node.api.redirects import primary_address
from ccfpy.node.lifecycle import IN_NETWORK, NodeState
from ccfpy.service import join, join_bounds
from ccfpy.service.evidence.refusal import QuoteFault, QuoteRefused
from ccfpy.service.join import Handover, Joiner, JoinFault, JoinRefused
from ccfpy.service.join_messages import (
    JOIN_REQUEST,
    JOIN_RESPONSE,
    CoseSignaturesConfig,
    JoinRequest,
    JoinResponse,
)

if TYPE_CHECKING:
    from ccfpy.base.ids import NodeId
    from ccfpy.http.messages import Response
    from ccfpy.kv.tx import Tx
    from ccfpy.node.running import RunningNode

PATH = "/join"


ENDPOINTS = NodeEndpoints()


@ENDPOINTS.add(hidden, "POST", PATH, local_mode=Mode.READ_WRITE)
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
        join_bounds.check(request)
    except (Malformed, LimitExceeded) as error:
        raise ApiError(400, ErrorCode.InvalidInput, str(error)) from error
    return request
