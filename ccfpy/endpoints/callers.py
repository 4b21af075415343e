"""Whom a call is made for: an identity that a policy vouches for, or an address.

A certificate that nobody vouches for names nobody, and neither does that of a node that
has only asked to join: a stranger can make any number of them.
"""

from ipaddress import AddressValueError, IPv6Address
from typing import TYPE_CHECKING, Final

from ccfpy.endpoints.auth.all_of import CallerOfAll
from ccfpy.endpoints.auth.cert import MemberCertCaller, UserCertCaller
from ccfpy.endpoints.auth.cose import MemberCoseSign1Caller, UserCoseSign1Caller
from ccfpy.endpoints.auth.credentials import AppCaller
from ccfpy.endpoints.auth.jwt import JwtCaller

if TYPE_CHECKING:
    from ccfpy.endpoints.auth.policy import Identity
    from ccfpy.endpoints.context import Context

THE_NODE: Final = "the node"
"""The caller of what a node does by itself."""
_OTHERS_BITS: Final = 64
"""The part of an address of version 6 that a customer of a network chooses."""


def caller_of(context: "Context | None") -> str:
    """Name the caller of a request.

    Args:
        context: of the request, if one is answered.
    """
    if context is None:
        return THE_NODE
    identity = context.caller
    known = None if identity is None else _known(identity)
    return f"somebody at {place_of(context.session.origin)}" if known is None else known


def _known(identity: "Identity") -> str | None:
    """Name somebody; nobody if nothing vouches for the name."""
    match identity:
        case UserCertCaller() | UserCoseSign1Caller():
            return f"user {identity.user_id}"
        case MemberCertCaller() | MemberCoseSign1Caller():
            return f"member {identity.member_id}"
        case JwtCaller():
            subject = identity.payload.get("sub")
            return f"subject {subject!r} of {identity.key_issuer}"
        case AppCaller():
            return f"{identity.policy} {identity.id}"
        case CallerOfAll():
            names = map(_known, identity.identities.values())
            return next((name for name in names if name is not None), None)
        case _:
            return None


def place_of(origin: str) -> str:
    """Name where a connection comes from; one network of version 6 is one place."""
    try:
        address = IPv6Address(origin.partition("%")[0])
    except AddressValueError:
        return origin
    mapped = address.ipv4_mapped
    return str(mapped or IPv6Address(int(address) >> _OTHERS_BITS << _OTHERS_BITS))
