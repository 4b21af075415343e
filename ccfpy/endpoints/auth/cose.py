"""Callers who sign the request itself: the body is a COSE_Sign1.

Such a signature can be kept and shown to auditors, and the carrier of the request need
not be trusted. The signer names itself in ``kid``; the certificate that the service
holds under that id verifies the signature. Texts and header names are those of
``src/endpoints/authentication/cose_auth.cpp``, but a member's body that is no
COSE_Sign1 is the caller's fault here (401), where CCF answers 500 as to users.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.ids import MemberId, UserId
from ccfpy.base.limits import CERTIFICATES_CACHED_MAX
from ccfpy.crypto import cose
from ccfpy.crypto.certs import Certificate
from ccfpy.endpoints.auth.policy import SecurityScheme, Unauthenticated
from ccfpy.http.errors import internal_error
from ccfpy.service.tables import members, users

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ccfpy.base.json import Json
    from ccfpy.endpoints.context import Context

USER_COSE_SIGN1 = "user_cose_sign1"
TYPED_USER_COSE_SIGN1 = "typed_user_cose_sign1"
MEMBER_COSE_SIGN1 = "member_cose_sign1"
ACTIVE_MEMBER_COSE_SIGN1 = "active_member_cose_sign1"

CONTENT_TYPE = "application/cose"
CHALLENGE = 'COSE-SIGN1 realm="Signed request access"'

GOV_TYPE = "ccf.gov.msg.type"
GOV_PROPOSAL_ID = "ccf.gov.msg.proposal_id"
GOV_CREATED_AT = "ccf.gov.msg.created_at"
USER_TYPE = "ccf.msg.type"
USER_CREATED_AT = "ccf.msg.created_at"

_I64_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class UserCoseSign1Caller:
    """A registered user who signed the request.

    Attributes:
        certificate: the one that verified the signature, PEM.
        envelope: the request's body, taken apart. An app that takes each request once
            remembers its ``signed_digest``: anybody can change the signature, and the
            body, into others that verify.
        content: what was signed, besides the headers.
        message_type: what the signer says the request is, if anything.
        created_at: when, by the signer's clock, if it says so.
    """

    user_id: UserId
    certificate: str
    envelope: cose.Sign1
    content: bytes
    message_type: str | None
    created_at: int | None
    policy: str = USER_COSE_SIGN1


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberCoseSign1Caller:
    """A member who signed the request.

    Attributes:
        certificate: the one that verified the signature, PEM.
        envelope: the request's body, taken apart.
        content: what was signed, besides the headers.
        message_type: which governance operation the signature is for.
        proposal_id: which proposal it is for.
        created_at: seconds since 1970 by the signer's clock.
    """

    member_id: MemberId
    certificate: str
    envelope: cose.Sign1
    content: bytes
    message_type: str | None
    proposal_id: str | None
    created_at: int
    policy: str = MEMBER_COSE_SIGN1


def _scheme(name: str, whose: str) -> SecurityScheme:
    definition: Mapping[str, Json] = {
        "type": "http",
        "scheme": "cose_sign1",
        "description": "The request's body is a COSE Sign1 message with the expected "
        f"protected headers, signed by a {whose} of this service.",
    }
    return SecurityScheme(name, definition)


_USER_SCHEME = _scheme(USER_COSE_SIGN1, "user")
_MEMBER_SCHEME = _scheme(MEMBER_COSE_SIGN1, "member")


class UserCoseSign1:
    """Accepts a request signed by a registered user.

    An app may choose the names of the headers that carry a message's type and time.
    """

    name = USER_COSE_SIGN1
    security_scheme = _USER_SCHEME

    def __init__(
        self, *, type_header: str = USER_TYPE, created_at_header: str = USER_CREATED_AT
    ) -> None:
        self._type_header = type_header
        self._created_at_header = created_at_header

    def authenticate(self, context: "Context") -> UserCoseSign1Caller:
        """Name the user.

        Raises:
            ApiError: 500 as in CCF, whatever other policies there are: the body says
                that it is COSE and is none.
            Unauthenticated: see ``AuthPolicy``.
        """
        try:
            envelope, kid = _read(context)
        except _NotCose as refusal:
            raise internal_error(str(refusal)) from refusal
        message_type = _text(envelope, self._type_header)
        created_at = _number(envelope, self._created_at_header)
        _check_algorithm(envelope)
        pem = users.CERTS.of(context.tx).get(UserId(kid))
        if pem is None:
            raise _refusal("Signer is not a known user")
        return UserCoseSign1Caller(
            user_id=UserId(kid),
            certificate=pem,
            envelope=envelope,
            content=_verify(envelope, pem),
            message_type=message_type,
            created_at=created_at if created_at and created_at > 0 else None,
        )


class TypedUserCoseSign1(UserCoseSign1):
    """Accepts a user's signature only on messages of one type."""

    name = TYPED_USER_COSE_SIGN1

    def __init__(
        self,
        message_type: str,
        *,
        type_header: str = USER_TYPE,
        created_at_header: str = USER_CREATED_AT,
    ) -> None:
        super().__init__(type_header=type_header, created_at_header=created_at_header)
        self._message_type = message_type

    def authenticate(self, context: "Context") -> UserCoseSign1Caller:
        """Name the user."""
        caller = super().authenticate(context)
        if caller.message_type != self._message_type:
            raise _refusal(
                f"Unexpected message type: {caller.message_type}, expected: "
                f"{self._message_type}"
            )
        return caller


class MemberCoseSign1:
    """Accepts a request signed by a member, active or not.

    With a message type, only signatures made for that operation are accepted.
    """

    name = MEMBER_COSE_SIGN1
    security_scheme = _MEMBER_SCHEME

    def __init__(self, message_type: str | None = None) -> None:
        self._message_type = message_type

    def authenticate(self, context: "Context") -> MemberCoseSign1Caller:
        """Name the member."""
        envelope, kid = _read(context)
        message_type = _text(envelope, GOV_TYPE)
        proposal_id = _text(envelope, GOV_PROPOSAL_ID)
        created_at = _number(envelope, GOV_CREATED_AT)
        if created_at is None:
            raise _refusal("Missing created_at in protected header")
        if created_at < 0:
            raise _refusal("Header parameter created_at must be positive")
        _check_algorithm(envelope)
        pem = members.CERTS.of(context.tx).get(MemberId(kid))
        if pem is None:
            raise _refusal("Signer is not a known member")
        content = _verify(envelope, pem)
        self._check_type(message_type)
        return MemberCoseSign1Caller(
            member_id=MemberId(kid),
            certificate=pem,
            envelope=envelope,
            content=content,
            message_type=message_type,
            proposal_id=proposal_id,
            created_at=created_at,
        )

    def _check_type(self, found: str | None) -> None:
        wanted = self._message_type
        if wanted is None or found == wanted:
            return
        if found is None:
            raise _refusal(f"Missing {GOV_TYPE}, expected {GOV_TYPE} to be {wanted}")
        raise _refusal(
            f"Found {GOV_TYPE} set to {found}, expected {GOV_TYPE} to be {wanted}"
        )


class ActiveMemberCoseSign1(MemberCoseSign1):
    """Accepts a request signed by a member who has acknowledged the service's state."""

    name = ACTIVE_MEMBER_COSE_SIGN1

    def authenticate(self, context: "Context") -> MemberCoseSign1Caller:
        """Name the member."""
        caller = super().authenticate(context)
        info = members.INFO.of(context.tx).get(caller.member_id)
        if info is None or info.status is not members.MemberStatus.ACTIVE:
            raise _refusal("Signer is not an ACTIVE member")
        return replace(caller, policy=ACTIVE_MEMBER_COSE_SIGN1)


def _refusal(message: str) -> Unauthenticated:
    return Unauthenticated(message, challenge=CHALLENGE)


class _NotCose(Unauthenticated):
    """The body says that it is COSE and is none."""


def _read(context: "Context") -> tuple[cose.Sign1, str]:
    """Parse the body; return it with the id that the signer claims."""
    content_type = context.request.headers.get("content-type")
    if content_type is None:
        raise _refusal("Missing content-type header")
    if content_type != CONTENT_TYPE:
        raise _refusal(f"Content type is not set to {CONTENT_TYPE}")
    try:
        envelope = cose.parse(context.request.body)
    except Malformed as error:
        raise _NotCose(
            f"Failed to parse COSE_Sign1: {error}", challenge=CHALLENGE
        ) from error
    kid = envelope.key_id
    if kid is None:
        raise _refusal("Missing kid in protected header")
    return envelope, kid.decode("ascii", errors="replace")


def _check_algorithm(envelope: cose.Sign1) -> None:
    algorithm = envelope.protected[cose.ALG]
    if algorithm not in cose.ALGORITHMS.values():
        raise _refusal(f"Unsupported algorithm: {algorithm}")


def _text(envelope: cose.Sign1, label: str) -> str | None:
    value = envelope.protected.get(label)
    if not isinstance(value, str | None):
        raise _refusal(f"Failed to decode protected header: {label} is not text")
    return value


def _number(envelope: cose.Sign1, label: str) -> int | None:
    value = envelope.protected.get(label)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > _I64_MAX:
        raise _refusal(f"Failed to decode protected header: {label} is no number")
    return value


def _verify(envelope: cose.Sign1, pem: str) -> bytes:
    """Check the signature; give what it covers."""
    if envelope.payload is None:
        raise _refusal("Failed to validate COSE Sign1")
    try:
        envelope.verify(_certificate(pem).public_key)
    except (Malformed, VerificationFailed) as error:
        raise _refusal("Failed to validate COSE Sign1") from error
    return envelope.payload


@lru_cache(maxsize=CERTIFICATES_CACHED_MAX)
def _certificate(pem: str) -> Certificate:
    return Certificate.from_pem(pem)
