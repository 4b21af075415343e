"""How a member acknowledges the service's state, and so becomes Active.

A member asks for the root of the last signature and signs it. The signed root stays in
the ledger: the member can prove it if the service later shows a different past.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import MemberId
from ccfpy.base.vocabulary import ServiceStatus
from ccfpy.crypto import cose
from ccfpy.endpoints.auth.cose import GOV_CREATED_AT, MemberCoseSign1
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.replies import empty_reply, json_reply
from ccfpy.gov.definitions import StateDigestBody
from ccfpy.gov.operations import GovernanceNode, Operations
from ccfpy.gov.requests import SignedRequest, require_signer, signed_request
from ccfpy.http.errors import ApiError, ErrorCode, internal_error
from ccfpy.service import members as membership
from ccfpy.service.records import Refused
from ccfpy.service.tables import members, service
from ccfpy.service.tables.members import MemberAck
from ccfpy.service.tables.service import SIGNATURES

if TYPE_CHECKING:
    from ccfpy.http.messages import Response
    from ccfpy.kv.tx import Tx

OPERATIONS: Operations = Operations()


@OPERATIONS.read(
    "/members/state-digests/{memberId}", "StateDigests_Get", StateDigestBody
)
def read_state_digest(context: Context) -> "Response":
    """Return the digest that a member was last asked to sign."""
    member_id = _named(context)
    ack = members.ACKS.of(context.tx).get(member_id)
    if ack is None:
        raise _no_record(404, ErrorCode.ResourceNotFound, member_id)
    return json_reply({"memberId": member_id, "stateDigest": ack.state_digest})


@OPERATIONS.signed(
    "/members/state-digests/{memberId}:update",
    "StateDigests_Update",
    StateDigestBody,
    MemberCoseSign1("state_digest"),
)
def update_state_digest(_: GovernanceNode, context: Context) -> "Response":
    """Ask a member to sign the root of the last signature."""
    member_id = _named(context)
    require_signer(member_id, signed_request(context))
    signature = SIGNATURES.of(context.tx).get()
    if signature is None:
        raise internal_error("Service has no signatures to ack yet - try again soon.")
    acks = members.ACKS.of(context.tx)
    digest = signature.root.hex()
    acks.put(
        member_id, replace(acks.get(member_id) or MemberAck(), state_digest=digest)
    )
    return json_reply({"memberId": member_id, "stateDigest": digest})


@OPERATIONS.signed(
    "/members/state-digests/{memberId}:ack",
    "StateDigests_Acknowledge",
    None,
    MemberCoseSign1("ack"),
)
def acknowledge(node: GovernanceNode, context: Context) -> "Response":
    """Record a member's signature over the digest, and make the member Active."""
    member_id = _named(context)
    signed = signed_request(context)
    require_signer(member_id, signed)
    acks = members.ACKS.of(context.tx)
    ack = acks.get(member_id)
    if ack is None:
        raise _no_record(403, ErrorCode.AuthorizationFailed, member_id)
    received = signed.text("stateDigest")
    if ack.state_digest != received:
        raise ApiError(
            400,
            ErrorCode.StateDigestMismatch,
            "Submitted state digest is not valid.\n"
            f"Expected\n {ack.state_digest}\nReceived\n {received}",
        )
    if is_repeated(context.tx, ack, signed):
        return empty_reply(204)
    acks.put(member_id, replace(ack, signed_req=None, cose_sign1_req=signed.envelope))
    _activate(node, context.tx, member_id)
    return empty_reply(204)


def _activate(node: GovernanceNode, tx: "Tx", member_id: MemberId) -> None:
    try:
        newly_active = membership.activate_member(tx, member_id)
    except Refused as error:
        raise internal_error(f"Error activating member: {error}") from error
    if newly_active:
        issue_share(node, tx, member_id)


def issue_share(node: GovernanceNode, tx: "Tx", member_id: MemberId) -> None:
    """Issue new shares if the member recovers the service and the service is open.

    Raises:
        ApiError: 500: there is no service, or the shares cannot be issued.
    """
    if not membership.is_recovery_member(tx, member_id):
        return
    info = service.INFO.of(tx).get()
    if info is None:
        raise internal_error("No service currently available.")
    if info.status is not ServiceStatus.OPEN:
        return
    try:
        node.trigger_recovery_shares_refresh(tx)
    except Refused as error:
        raise internal_error(f"Error issuing new recovery shares: {error}") from error


def is_repeated(tx: "Tx", ack: MemberAck, signed: SignedRequest) -> bool:
    """Return whether the acknowledgement is recorded already, and the member Active.

    Acknowledgements are public: a stranger who sends one again must not make the
    service write, let alone write the acknowledgement in other bytes.

    Raises:
        ApiError: 400: the recorded acknowledgement is later than this one, or it is the
            same with the other form of the signature, which no signer sends.
    """
    info = members.INFO.of(tx).get(signed.member_id)
    is_active = info is not None and info.status is members.MemberStatus.ACTIVE
    if not is_active or ack.cose_sign1_req is None:
        return False
    try:
        recorded = cose.parse(ack.cose_sign1_req)
    except Malformed:  # the ledger may hold what `parse` refuses
        return False
    if recorded.signed_digest == signed.message.signed_digest:
        if signed.message.signature == recorded.signature_forms[1]:
            raise ApiError(
                400,
                ErrorCode.InvalidAuthenticationInfo,
                f"Member m[{signed.member_id}] has acknowledged the state already, and "
                "this is the other form of the signature.",
            )
        return True
    recorded_at = recorded.protected.get(GOV_CREATED_AT)
    if isinstance(recorded_at, int) and signed.created_at < recorded_at:
        raise ApiError(
            400,
            ErrorCode.InvalidCreatedAt,
            f"Member m[{signed.member_id}] has acknowledged the state later than that, "
            f"created_at must not be less than {recorded_at}",
        )
    return False


def _named(context: Context) -> MemberId:
    return MemberId(context.params["memberId"])


def _no_record(status: int, code: ErrorCode, member_id: MemberId) -> ApiError:
    return ApiError(status, code, f"No ACK record exists for member m[{member_id}].")
