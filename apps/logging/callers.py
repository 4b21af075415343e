"""Who calls the logging application: a policy of its own, and callers in words."""

import json
from dataclasses import dataclass

from ccfpy.app import (
    AnyCertCaller,
    CallerOfAll,
    Context,
    CustomAuth,
    Identity,
    Json,
    JwtCaller,
    MemberCertCaller,
    Nobody,
    Unauthenticated,
    UserCertCaller,
    UserCoseSign1Caller,
    member_certificate,
    member_data,
    user_certificate,
    user_data,
)

NAME_HEADER = "x-custom-auth-name"
AGE_HEADER = "x-custom-auth-age"
EXPLODE_HEADER = "x-custom-auth-explode"
AGE_MIN = 16


class Explosion(Exception):
    """What a carelessly written policy might raise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfDescribed:
    """A caller who says who it is and is believed."""

    name: str
    age: int
    policy: str = "CustomAuthPolicy"


def _authenticate(ctx: Context) -> SelfDescribed:
    headers = ctx.request.headers
    if EXPLODE_HEADER in headers:
        raise Explosion(headers[EXPLODE_HEADER])
    name = _required(ctx, NAME_HEADER)
    if not name:
        raise Unauthenticated("Name must not be empty")
    text = _required(ctx, AGE_HEADER)
    if not text.isdecimal() or not text.isascii():
        raise Unauthenticated(f"Unable to parse age header as a number: {text}")
    age = int(text)
    if age < AGE_MIN:
        raise Unauthenticated(f"Caller age must be at least {AGE_MIN}")
    return SelfDescribed(name=name, age=age)


def _required(ctx: Context, header: str) -> str:
    value = ctx.request.headers.get(header)
    if value is None:
        raise Unauthenticated(f"Missing required header {header}")
    return value


self_described = CustomAuth("CustomAuthPolicy", _authenticate)


def describe(ctx: Context, caller: Identity | None) -> str:
    """Say who a caller is, and all that is known of it."""
    match caller:
        case UserCertCaller(user_id=user_id):
            certificate = user_certificate(ctx.tx, user_id)
            known = _known("user", certificate, user_data(ctx.tx, user_id))
            words = f"User TLS cert\nThe caller is a user with ID: {user_id}{known}"
        case MemberCertCaller(member_id=member_id):
            certificate = member_certificate(ctx.tx, member_id)
            known = _known("member", certificate, member_data(ctx.tx, member_id))
            words = (
                f"Member TLS cert\nThe caller is a member with ID: {member_id}{known}"
            )
        case AnyCertCaller(certificate=presented):
            words = f"Any TLS cert\nThe caller's cert is:\n{presented.pem}"
        case JwtCaller():
            words = (
                "JWT\nThe caller is identified by a JWT issued by: "
                f"{caller.key_issuer}\nThe JWT header is:\n{_indented(caller.header)}"
                f"\nThe JWT payload is:\n{_indented(caller.payload)}"
            )
        case UserCoseSign1Caller():
            words = (
                "User COSE Sign1\nThe caller is identified by a COSE Sign1 signed by "
                f"kid: {caller.user_id}\nThe caller is identified by a COSE Sign1 with "
                f"content of size: {len(caller.content)}"
            )
        case CallerOfAll():
            parts = "".join(
                f"\n\n{name}:\n{describe(ctx, part)}"
                for name, part in caller.identities.items()
            )
            words = f"Conjoined auth policy: {caller.policy}{parts}"
        case _:
            assert isinstance(caller, Nobody)
            words = "Unauthenticated"
    return words


def _known(kind: str, certificate: str | None, data: Json) -> str:
    compact = json.dumps(
        data, separators=(",", ":"), sort_keys=True, ensure_ascii=False
    )
    return (
        f"\nThe caller's cert is:\n{certificate}"
        f"\nThe caller's {kind} data is: {compact}"
    )


def _indented(value: Json) -> str:
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)
