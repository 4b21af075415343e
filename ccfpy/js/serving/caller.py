"""The caller, as scripts see it (``src/js/extensions/ccf/request.cpp``)."""

from ccfpy.base.ids import MemberId, UserId
from ccfpy.base.json import JsonObject
from ccfpy.endpoints.auth import (
    AnyCertCaller,
    CallerOfAll,
    Identity,
    JwtCaller,
    MemberCertCaller,
    MemberCoseSign1Caller,
    UserCertCaller,
    UserCoseSign1Caller,
)
from ccfpy.endpoints.identities import (
    member_certificate,
    member_data,
    user_certificate,
    user_data,
)
from ccfpy.kv.tx import Tx


def caller_json(identity: Identity | None, tx: Tx) -> JsonObject | None:
    """Describe a caller; the engine fills in the signed content later.

    If several policies accepted the caller, ``policy`` lists their names, and each name
    holds what that policy found.
    """
    described: JsonObject
    match identity:
        case None:
            return None
        case CallerOfAll():
            described = {
                name: caller_json(each, tx)
                for name, each in identity.identities.items()
            }
            described["policy"] = [*identity.identities]
        case JwtCaller():
            described = {"jwt": _jwt(identity)}
        case AnyCertCaller():
            described = {"cert": identity.certificate.pem}
        case UserCertCaller():
            described = _user(identity.user_id, tx)
        case UserCoseSign1Caller():
            described = {**_user(identity.user_id, tx), "cose": {}}
        case MemberCertCaller():
            described = _member(identity.member_id, tx)
        case MemberCoseSign1Caller():
            described = {**_member(identity.member_id, tx), "cose": {}}
        case _:
            described = {}
    return {"policy": identity.policy, **described}


def signed_content(identity: Identity | None) -> bytes:
    """Return what a caller signed; empty if it authenticated otherwise."""
    match identity:
        case CallerOfAll():
            contents = map(signed_content, identity.identities.values())
            return next(filter(None, contents), b"")
        case UserCoseSign1Caller() | MemberCoseSign1Caller():
            return identity.content
        case _:
            return b""


def _jwt(caller: JwtCaller) -> JsonObject:
    return {
        "keyIssuer": caller.key_issuer,
        "header": caller.header,
        "payload": caller.payload,
    }


def _user(user_id: UserId, tx: Tx) -> JsonObject:
    return {
        "id": user_id,
        "data": user_data(tx, user_id),
        "cert": user_certificate(tx, user_id),
    }


def _member(member_id: MemberId, tx: Tx) -> JsonObject:
    return {
        "id": member_id,
        "data": member_data(tx, member_id),
        "cert": member_certificate(tx, member_id),
    }
