"""The endpoint that nodes join by: it checks nothing itself but who must answer.

The policy is in `ccfpy.service.join`. There is no authentication beyond TLS: the
client's certificate is self-signed, and its key is what the evidence must be about.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ccfpy.base.errors import Malformed
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.declaration import Endpoint, Forwarding, Operation, Redirection
from ccfpy.endpoints.replies import json_reply
from ccfpy.http.errors import ApiError, ErrorCode
from ccfpy.node.api.redirects import primary_address
from ccfpy.node.lifecycle import NodeState
from ccfpy.service import join
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
    from ccfpy.http.messages import Response
    from ccfpy.node.replica import Replica

PATH = "/join"
_ACCEPTING = frozenset(
    {
        NodeState.PART_OF_NETWORK,
        NodeState.PART_OF_PUBLIC_NETWORK,
        NodeState.READING_PRIVATE_LEDGER,
    }
)


class JoinEndpoints:
    """Where a node asks to be let in, once and again until it is trusted."""

    def __init__(self, replica: "Replica") -> None:
        self._replica = replica

    def endpoints(self) -> Iterator[Endpoint]:
        """Give the endpoint."""
        yield Endpoint(
            method="POST",
            path=PATH,
            handler=self.join,
            forwarding=Forwarding.NEVER,
            redirection=Redirection.NONE,
            operation=Operation(hidden=True),
        )

    def join(self, context: Context) -> "Response":
        """Enter the node that asks, or tell it how it stands."""
        request = _request(context)
        if self._replica.state not in _ACCEPTING:
            raise ApiError(
                500,
                ErrorCode.InternalError,
                "Target node should be part of network to accept new nodes.",
            )
        try:
            response = self._decide(context, request)
        except JoinRefused as refusal:
            self._replica.outbox.fail(f"Join request refused: {refusal}")
            status = 500 if refusal.fault is JoinFault.NO_SERVICE else 400
            raise ApiError(status, ErrorCode(refusal.fault), str(refusal)) from refusal
        except QuoteRefused as refusal:
            self._tell(refusal)
            raise ApiError(
                refusal.fault.status, ErrorCode.InvalidQuote, str(refusal)
            ) from refusal
        return json_reply(JOIN_RESPONSE.write(response))

    def _decide(self, context: Context, request: JoinRequest) -> JoinResponse:
        replica = self._replica
        tx = context.tx
        join.check_startup(request, replica.startup_seqno)
        certificate = context.session.caller
        if certificate is None:
            raise JoinRefused(
                JoinFault.INVALID_INPUT,
                "a node that joins must show its own certificate in the TLS session",
            )
        joiner = Joiner.of(certificate)
        handover = self._handover()
        known = join.answer_known(tx, joiner, handover)
        if known is not None:
            return known
        if not replica.is_primary:
            raise ApiError(
                308,
                ErrorCode.NodeCannotHandleRequest,
                "Node is not primary; cannot handle write",
                headers={
                    "location": f"https://{primary_address(context, replica)}/node/join"
                },
            )
        response = join.admit(
            tx,
            request,
            joiner,
            handover,
            unix_time_s=replica.time.unix_us // 1_000_000,
        )
        replica.outbox.info(f"Node {joiner.node_id} added as {response.node_status}")
        return response

    def _handover(self) -> Handover:
        replica = self._replica
        identity = replica.service_identity
        claims = replica.cose_claims
        return Handover(
            key=identity.key,
            certificate=identity.certificate,
            secrets=replica.sequence.secrets,
            cose_signatures=CoseSignaturesConfig(
                issuer=claims.issuer, subject=claims.subject
            ),
            entropy=replica.entropy,
            last_recovered_seqno=replica.last_recovered_seqno,
            is_public_only=replica.state is NodeState.PART_OF_PUBLIC_NETWORK,
        )

    def _tell(self, refusal: QuoteRefused) -> None:
        match refusal.fault:
            case QuoteFault.NOT_VERIFIED:
                text = f"Failed to verify attestation report: {refusal.detail}"
            case QuoteFault.UNKNOWN_UVM:
                text = f"Failed to verify UVM endorsements: {refusal.detail}"
            case _:
                why = "" if refusal.detail is None else f": {refusal.detail}"
                text = f"Join request refused: {refusal}{why}"
        self._replica.outbox.fail(text)


def _request(context: Context) -> JoinRequest:
    try:
        return JOIN_REQUEST.read(context.body_json())
    except Malformed as error:
        raise ApiError(400, ErrorCode.InvalidInput, str(error)) from error
