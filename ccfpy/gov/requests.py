"""What a governance request says: the ids in its path, and its signer.

The protected header of a signed request names what the path names. The two must agree,
or a signature for one thing could be used for another.
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from ccfpy.base import json
from ccfpy.base.errors import Malformed
from ccfpy.base.ids import MemberId, NodeId, ProposalId, UserId
from ccfpy.crypto.cose import Sign1
from ccfpy.endpoints.auth.cose import MemberCoseSign1Caller
from ccfpy.endpoints.context import Context
from ccfpy.http.errors import ApiError, ErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from ccfpy.base.json import Json

Id = TypeVar("Id", MemberId, NodeId, ProposalId, UserId)

_HEX_ID = re.compile(r"[0-9A-Fa-f]{64}")


def invalid_name(message: str) -> ApiError:
    """Return the error for a path that names nothing."""
    return ApiError(400, ErrorCode.InvalidResourceName, message)


def _path_id(context: Context, name: str, kind: str, make: "Callable[[str], Id]") -> Id:
    text = context.params[name]
    if _HEX_ID.fullmatch(text) is None:
        raise invalid_name(f"'{text}' is not a valid hex-encoded {kind} ID")
    return make(text)


def member_id(context: Context) -> MemberId:
    """Return the member id in the path.

    Raises:
        ApiError: 400: it is no id. The next three functions raise the same.
    """
    return _path_id(context, "memberId", "member", MemberId)


def user_id(context: Context) -> UserId:
    """Return the user id in the path."""
    return _path_id(context, "userId", "user", UserId)


def node_id(context: Context) -> NodeId:
    """Return the node id in the path."""
    return _path_id(context, "nodeId", "node", NodeId)


def proposal_id(context: Context) -> ProposalId:
    """Return the proposal id in the path."""
    return _path_id(context, "proposalId", "proposal", ProposalId)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRequest:
    """A member's signed request.

    Attributes:
        member_id: the signer.
        payload: the signed content, without the headers.
        message: the parsed COSE_Sign1.
        envelope: the whole COSE_Sign1, kept for auditors. Neither these bytes nor the
            signature identify the request: ``message.signed_digest`` does.
        created_at: seconds since 1970 by the member's clock, which is not trusted.
        proposal_id: the proposal of a ballot or a withdrawal.
    """

    member_id: MemberId
    payload: bytes
    message: Sign1
    envelope: bytes
    created_at: int
    proposal_id: str | None

    def json(self) -> "Json":
        """Parse the payload as JSON.

        Raises:
            Malformed: the payload is no JSON.
        """
        return json.loads(self.payload)

    def text(self, name: str) -> str:
        """Return a text field of the payload.

        Raises:
            Malformed: the payload lacks it.
        """
        fields = self.json()
        value = fields.get(name) if isinstance(fields, dict) else None
        if not isinstance(value, str):
            raise Malformed(f"the signed request lacks the text {name!r}")
        return value


def signed_request(context: Context) -> SignedRequest:
    """Return the signed request, which the endpoint's policy has verified."""
    caller = context.caller
    assert isinstance(caller, MemberCoseSign1Caller), (
        "the endpoint asks for a signature"
    )
    return SignedRequest(
        member_id=caller.member_id,
        payload=caller.content,
        message=caller.envelope,
        envelope=context.request.body,
        created_at=caller.created_at,
        proposal_id=caller.proposal_id,
    )


def signed_proposal_id(context: Context, signed: SignedRequest) -> ProposalId:
    """Return the proposal id in the path, which the signature must name too."""
    named = proposal_id(context)
    if signed.proposal_id != named:
        raise invalid_name("Authenticated proposal id does not match URL")
    return named


def signed_member_id(context: Context, signed: SignedRequest) -> MemberId:
    """Return the member id in the path, which must be the signer's."""
    named = member_id(context)
    if signed.member_id != named:
        raise invalid_name("Authenticated member id does not match URL")
    return named


def require_signer(named: MemberId, signed: SignedRequest) -> None:
    """Raise if the request acts for a member who did not sign it."""
    if signed.member_id != named:
        raise ApiError(
            400,
            ErrorCode.InvalidAuthenticationInfo,
            f"Member ID from path parameter (m[{named}]) does not match member ID from "
            f"body signature (m[{signed.member_id}]).",
        )
