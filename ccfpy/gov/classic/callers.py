"""The callers of the classic API, and whether a member may act.

A member authenticates by a signature or, for shares and state digests, by the
certificate of the connection. Unlike in the versioned API, a member who is not Active
gets 403 after authentication.
"""

from typing import TYPE_CHECKING

from ccfpy.endpoints.auth.cert import MEMBER_CERT, MemberCert, MemberCertCaller
from ccfpy.endpoints.auth.cose import CONTENT_TYPE, MemberCoseSign1Caller
from ccfpy.endpoints.auth.policy import Unauthenticated
from ccfpy.http.errors import ApiError, ErrorCode
from ccfpy.service.tables import members
from ccfpy.service.tables.members import MemberStatus

if TYPE_CHECKING:
    from ccfpy.base.ids import MemberId
    from ccfpy.endpoints.context import Context


class MemberCertOfPlainBody:
    """Accepts the certificate of a member, unless the body is signed.

    The signature then names the member, because the sender of a signed request may have
    another certificate.
    """

    name = MEMBER_CERT
    security_scheme = None

    def __init__(self) -> None:
        self._certificate = MemberCert()

    def authenticate(self, context: "Context") -> MemberCertCaller:
        """Return the member."""
        if context.request.headers.get("content-type") == CONTENT_TYPE:
            raise Unauthenticated("The request's body is signed")
        return self._certificate.authenticate(context)


def caller_of(context: "Context") -> "MemberId":
    """Return the calling member, by either kind of proof."""
    caller = context.caller
    assert isinstance(caller, MemberCertCaller | MemberCoseSign1Caller), (
        "the endpoint asks for a member"
    )
    return caller.member_id


def is_active(context: "Context", member_id: "MemberId") -> bool:
    """Return whether a member is Active."""
    info = members.INFO.of(context.tx).get(member_id)
    return info is not None and info.status is MemberStatus.ACTIVE


def require_active(context: "Context", otherwise: str | None = None) -> "MemberId":
    """Return the calling member, who must be Active.

    Args:
        context: the request.
        otherwise: the message for other members.

    Raises:
        ApiError: 403: the member is not Active.
    """
    member_id = caller_of(context)
    if not is_active(context, member_id):
        message = otherwise or f"Member m[{member_id}] is not active."
        raise ApiError(403, ErrorCode.AuthorizationFailed, message)
    return member_id
