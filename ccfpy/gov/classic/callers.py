"""Who calls the classic API, and whether it is a member who may act.

A member is known by its signature or, for shares and state digests, by the certificate
of its connection. Unlike in the versioned API a member who is not Active is told so
(403) once it has authenticated.
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

    Who signed is then asked of the signature: whoever carries a signed request may show
    a certificate of its own.
    """

    name = MEMBER_CERT
    security_scheme = None

    def __init__(self) -> None:
        self._certificate = MemberCert()

    def authenticate(self, context: "Context") -> MemberCertCaller:
        """Name the member."""
        if context.request.headers.get("content-type") == CONTENT_TYPE:
            raise Unauthenticated("The request's body is signed")
        return self._certificate.authenticate(context)


def caller_of(context: "Context") -> "MemberId":
    """Name the member who calls, by either kind of proof."""
    caller = context.caller
    assert isinstance(caller, MemberCertCaller | MemberCoseSign1Caller), (
        "the endpoint asks for a member"
    )
    return caller.member_id


def is_active(context: "Context", member_id: "MemberId") -> bool:
    """Tell whether a member has acknowledged the service's state."""
    info = members.INFO.of(context.tx).get(member_id)
    return info is not None and info.status is MemberStatus.ACTIVE


def require_active(context: "Context", otherwise: str | None = None) -> "MemberId":
    """Name the member who calls, who must be Active.

    Args:
        context: the request.
        otherwise: what other members are told; that they are not active by default.

    Raises:
        ApiError: 403, it is not.
    """
    member_id = caller_of(context)
    if not is_active(context, member_id):
        message = otherwise or f"Member m[{member_id}] is not active."
        raise ApiError(403, ErrorCode.AuthorizationFailed, message)
    return member_id
