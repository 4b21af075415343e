"""The request that is being answered, in every form that extensions ask for.

Extensions are made once for an interpreter and hold this object. The request's context
is put in before the call and taken out after it, so a reused interpreter cannot reach
anything of an earlier request.

The caller, as scripts see it (``src/js/extensions/ccf/request.cpp``).
"""

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from ccfpy.base.errors import Malformed, StoredMalformed
from ccfpy.base.ids import MemberId, UserId
from ccfpy.base.json import Json, JsonObject
from ccfpy.endpoints.auth import (
    AnyCertCaller,
    AppCaller,
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
from ccfpy.http.query import decode_component
from ccfpy.js.extensions.request import Description, EncodedCaller, encode_caller
from ccfpy.kv.maps import STRING
from ccfpy.kv.tx import MapHandle, Tx
from ccfpy.service.tables import members, users

if TYPE_CHECKING:
    from ccfpy.endpoints.context import Context


_CALLERS_KEPT: Final = 256
_USER_INFO: Final = users.INFO.name
_USER_CERTS: Final = users.CERTS.name
_MEMBER_INFO: Final = members.INFO.name
_MEMBER_CERTS: Final = members.CERTS.name


def encoded_caller(identity: Identity | None, tx: Tx) -> EncodedCaller | None:
    """Describe a caller for the engine.

    Users and members with certificates call again and again: the descriptions of those
    that called last are kept, each by the bytes in the tables that it was made of.
    """
    match identity:
        case None:
            return None
        case UserCertCaller():
            user_id = identity.user_id
            key = user_id.encode()
            info = tx.raw(_USER_INFO).get(key)
            pem = tx.raw(_USER_CERTS).get(key)
            return _user_of(identity.policy, user_id, info, pem)
        case MemberCertCaller():
            member_id = identity.member_id
            key = member_id.encode()
            info = tx.raw(_MEMBER_INFO).get(key)
            pem = tx.raw(_MEMBER_CERTS).get(key)
            return _member_of(identity.policy, member_id, info, pem)
        case _:
            described = caller_json(identity, tx)
            assert described is not None, "somebody called"
            return encode_caller(described)


@lru_cache(_CALLERS_KEPT)
def _user_of(
    policy: str, user_id: UserId, info: bytes | None, pem: bytes | None
) -> EncodedCaller:
    try:
        data = None if info is None else users.INFO.value_codec.decode(info).user_data
        return _certified(policy, user_id, data, pem)
    except Malformed as error:
        raise StoredMalformed(str(error)) from error


@lru_cache(_CALLERS_KEPT)
def _member_of(
    policy: str, member_id: MemberId, info: bytes | None, pem: bytes | None
) -> EncodedCaller:
    decode = members.INFO.value_codec.decode
    try:
        data = None if info is None else decode(info).member_data
        return _certified(policy, member_id, data, pem)
    except Malformed as error:
        raise StoredMalformed(str(error)) from error


def _certified(policy: str, name: str, data: Json, pem: bytes | None) -> EncodedCaller:
    cert = None if pem is None else STRING.decode(pem)
    return encode_caller({"policy": policy, "id": name, "data": data, "cert": cert})


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
        case AppCaller():
            described = {"id": identity.id, "data": identity.data}
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


class CurrentRequest:
    """The request that is being answered, in every form that extensions ask for."""

    def __init__(self) -> None:
        self._context: Context | None = None

    @property
    def context(self) -> "Context":
        """The request's context."""
        assert self._context is not None, "scripts run only while a request is answered"
        return self._context

    def enter(self, context: "Context") -> None:
        """Set the request."""
        self._context = context

    def leave(self) -> None:
        """Forget the request."""
        self._context = None

    # ccf.kv

    def raw(self, name: str) -> MapHandle:
        """Return a table in the request's transaction."""
        return self.context.tx.raw(name)

    # The request itself

    def described(self) -> Description:
        """Return the request without its body.

        The query is percent-decoded as a whole, before it is split into parameters, and
        the path is not decoded: apps written for CCF expect this.
        """
        context = self.context
        request = context.request
        query, path = request.query, request.path
        if query:
            query = decode_component(query)
        headers = request.headers
        if not "".join(headers.values()).isascii():
            headers = {name: _utf8(value) for name, value in headers.items()}
        return Description(
            headers=headers,
            query=query,
            path=path,
            method=request.method,
            hostname=headers.get("host"),
            route=f"/app{context.endpoint.path}",
            url=f"{path}?{query}" if query else path,
            params=context.params,
            caller=encoded_caller(context.caller, context.tx),
        )

    @property
    def body(self) -> bytes:
        """The request's body."""
        return self.context.request.body

    @property
    def signed_content(self) -> bytes:
        """What the caller signed."""
        return signed_content(self.context.caller)


def _utf8(value: str) -> str:
    """Decode a header's bytes as UTF-8, with replacement characters."""
    return value.encode("latin-1").decode(errors="replace")
