"""What the endpoints of the classic API share: their form, and who may call them.

All are deprecated, as in CCF 6, and carry CCF 6's description. A member authenticates
by a signature or, for shares and state digests, by the certificate of the connection.
Unlike in the versioned API, a member who is not Active gets 403 after authentication.
"""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from ccfpy.base.schema import schema_of
from ccfpy.endpoints.auth.cert import MEMBER_CERT, MemberCert, MemberCertCaller
from ccfpy.endpoints.auth.cose import CONTENT_TYPE, MemberCoseSign1Caller
from ccfpy.endpoints.auth.policy import Unauthenticated
from ccfpy.endpoints.declaration import (
    Endpoint,
    Forwarding,
    Mode,
    Operation,
    Redirection,
)
from ccfpy.endpoints.replies import for_who_takes_json
from ccfpy.gov.operations import logged
from ccfpy.gov.ports import GovernanceNode
from ccfpy.http.errors import ApiError, ErrorCode
from ccfpy.service.tables import members
from ccfpy.service.tables.members import MemberStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from ccfpy.base.ids import MemberId
    from ccfpy.base.json import Json
    from ccfpy.endpoints.auth.policy import AuthPolicy
    from ccfpy.endpoints.context import Context
    from ccfpy.endpoints.pending import Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One endpoint.

    Attributes:
        takes: the type of the body that is signed or sent.
        gives: the type of the response; ``None`` for 204.
        writes: whether the endpoint changes anything.
        may_be_nothing: the response may be 204 instead.
        is_primarys: whether a backup forwards the request; a write is always forwarded.
    """

    path: str
    handler: "Callable[..., Answer]"
    gives: object
    takes: object = None
    auth: "tuple[AuthPolicy, ...]" = ()
    writes: bool = False
    may_be_nothing: bool = False
    is_primarys: bool = False

    @property
    def operation(self) -> Operation:
        """The description of the endpoint."""
        said = (self.handler.__doc__ or "").strip().splitlines()
        given = None if self.gives is None else schema_of(self.gives)
        taken = None if self.takes is None else schema_of(self.takes)
        components: dict[str, Json] = {}
        for described in (taken, given):
            components.update({} if described is None else described.components)
        return Operation(
            summary=said[0] if said else "",
            request_schema=None if taken is None else taken.schema,
            response_schema=None if given is None else given.schema,
            success_status=204 if self.gives is None else 200,
            deprecated=True,
            also={204: None} if self.may_be_nothing else {},
            components=components,
        )

    def endpoint(self, node: GovernanceNode) -> Endpoint:
        """Return the endpoint."""
        handler = partial(self.handler, node) if self.writes else self.handler
        if not self.auth:
            handler = for_who_takes_json(handler)
        goes = self.writes or self.is_primarys
        return Endpoint(
            method="POST" if self.writes else "GET",
            path=self.path,
            handler=logged(handler, log=node.log),
            mode=Mode.READ_WRITE if self.writes else Mode.READ_ONLY,
            forwarding=Forwarding.ALWAYS if goes else Forwarding.SOMETIMES,
            redirection=Redirection.TO_PRIMARY if goes else Redirection.NONE,
            auth=self.auth,
            operation=self.operation,
        )


class Rows(list[Row]):
    """The endpoints of a module, each declared above its handler."""

    def add(
        self,
        path: str,
        gives: object,
        **more: Any,  # noqa: ANN401 - further fields of `Row`
    ) -> "Callable[[Callable[..., Answer]], Callable[..., Answer]]":
        """Declare the endpoint that the function below answers, as `Row` has it."""

        def declare(handler: "Callable[..., Answer]") -> "Callable[..., Answer]":
            self.append(Row(path=path, handler=handler, gives=gives, **more))
            return handler

        return declare


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
