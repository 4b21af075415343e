"""Whom a policy of an endpoint lets in, in words: for every page and every review."""

from collections.abc import Iterable, Mapping
from typing import Final

ANYBODY: Final = "no_auth"
EVERYBODY: Final = "anybody, without a certificate or a token"
AND: Final = "+"
"""Between the names of policies of which a caller must satisfy each."""
CALLERS: Final[Mapping[str, str]] = {
    "user_cert": "users with a certificate",
    "member_cert": "members with a certificate",
    "node_cert": "nodes with a certificate",
    "any_cert": "anybody with a certificate",
    "jwt": "callers with a token (JWT)",
    "user_cose_sign1": "users who sign each request",
    "typed_user_cose_sign1": "users who sign each request",
    "member_cose_sign1": "members who sign each request",
    "active_member_cose_sign1": "active members who sign each request",
    ANYBODY: EVERYBODY,
}
"""Whom each policy lets in. Other policies have the names that an app gives them."""


def one(name: str) -> str:
    """Return whom one policy lets in."""
    return CALLERS.get(name, f"callers whom the policy {name} accepts")


def all_of(callers: Iterable[str]) -> str:
    """Return in words who is each of some callers.

    Those are one caller: what each policy demands is asked of the same request.
    """
    return f"callers who are all of: {', '.join(callers)}"


def described(name: str) -> str:
    """Return whom a policy lets in, by the name that a document has for the policy."""
    parts = name.split(AND)
    return all_of(map(one, parts)) if len(parts) > 1 else one(name)
