"""Callers as scripts see them."""

import pytest

from ccfpy.base.errors import StoredMalformed
from ccfpy.base.ids import MemberId, UserId
from ccfpy.crypto import cose
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.endpoints.auth import (
    AnyCertCaller,
    CallerOfAll,
    Identity,
    JwtCaller,
    MemberCertCaller,
    MemberCoseSign1Caller,
    Nobody,
    UserCertCaller,
    UserCoseSign1Caller,
)
from ccfpy.js.extensions.request import encode_caller
from ccfpy.js.serving.current_request import caller_json, encoded_caller, signed_content
from ccfpy.kv.store import Store
from ccfpy.kv.tx import Tx
from ccfpy.service.tables import members, users
from ccfpy.testing.entropy import SeededEntropy
from tests.unit.js.conftest import Authority

USER, MEMBER = UserId("11" * 32), MemberId("22" * 32)
JWT = JwtCaller(key_issuer="https://i", header={"kid": "k"}, payload={"sub": "s"})


def envelope() -> cose.Sign1:
    key = KeyPair.generate(SeededEntropy(b"signer"), Curve.SECP256R1)
    return cose.parse(cose.sign(key, protected={}, payload=b"content"))


SIGNING_USER = UserCoseSign1Caller(
    user_id=USER,
    certificate="pem",
    envelope=envelope(),
    content=b"content",
    message_type=None,
    created_at=None,
)
SIGNING_MEMBER = MemberCoseSign1Caller(
    member_id=MEMBER,
    certificate="pem",
    envelope=envelope(),
    content=b"content",
    message_type=None,
    proposal_id=None,
    created_at=1,
)


def known() -> Tx:
    tx = Store().begin()
    users.CERTS.of(tx).put(USER, "user's PEM")
    users.INFO.of(tx).put(USER, users.UserInfo(user_data={"isAdmin": True}))
    members.CERTS.of(tx).put(MEMBER, "member's PEM")
    return tx


def test_nobody_was_asked_or_anybody_may_call() -> None:
    assert caller_json(None, known()) is None
    assert caller_json(Nobody(), known()) == {"policy": "no_auth"}
    assert signed_content(Nobody()) == b""


def test_users_and_members_come_with_certificate_and_data() -> None:
    user = {"id": USER, "data": {"isAdmin": True}, "cert": "user's PEM"}
    member = {"id": MEMBER, "data": None, "cert": "member's PEM"}
    tx = known()
    caller = caller_json(UserCertCaller(user_id=USER), tx)
    assert caller == {"policy": "user_cert", **user}
    caller = caller_json(MemberCertCaller(member_id=MEMBER), tx)
    assert caller == {"policy": "member_cert", **member}
    caller = caller_json(SIGNING_USER, tx)
    assert caller == {"policy": "user_cose_sign1", **user, "cose": {}}
    caller = caller_json(SIGNING_MEMBER, tx)
    assert caller == {"policy": "member_cose_sign1", **member, "cose": {}}


def test_a_stranger_has_a_certificate_and_nothing_else(authority: Authority) -> None:
    caller = caller_json(AnyCertCaller(certificate=authority.certificate), known())
    assert caller == {"policy": "any_cert", "cert": authority.certificate.pem}


def test_a_token_is_given_whole() -> None:
    assert caller_json(JWT, known()) == {
        "policy": "jwt",
        "jwt": {
            "keyIssuer": "https://i",
            "header": {"kid": "k"},
            "payload": {"sub": "s"},
        },
    }


def test_several_at_once_are_told_by_their_policies() -> None:
    both = CallerOfAll(
        policy="jwt+user_cose_sign1",
        identities={"jwt": JWT, "user_cose_sign1": SIGNING_USER},
    )
    caller = caller_json(both, known())
    assert caller is not None
    assert caller["policy"] == ["jwt", "user_cose_sign1"]
    assert caller["jwt"] == caller_json(JWT, known())
    assert signed_content(both) == b"content"
    assert signed_content(CallerOfAll(policy="jwt", identities={"jwt": JWT})) == b""
    assert signed_content(SIGNING_MEMBER) == b"content"


CALLERS = (
    Nobody(),
    JWT,
    UserCertCaller(user_id=USER),
    MemberCertCaller(member_id=MEMBER),
    SIGNING_USER,
    SIGNING_MEMBER,
)


def test_a_caller_crosses_as_the_tables_describe_it_now() -> None:
    assert encoded_caller(None, known()) is None
    changed = known()
    users.CERTS.of(changed).put(USER, "another PEM")
    users.INFO.of(changed).put(USER, users.UserInfo(user_data=None))
    members.CERTS.of(changed).remove(MEMBER)
    members.INFO.of(changed).put(
        MEMBER, members.MemberInfo(status=members.MemberStatus.ACTIVE)
    )
    for tx in (known(), changed, known(), Store().begin()):
        for caller in CALLERS:
            described = caller_json(caller, tx)
            assert described is not None
            assert encoded_caller(caller, tx) == encode_caller(described)


def test_what_is_read_of_a_caller_is_read_in_each_transaction() -> None:
    user = UserCertCaller(user_id=USER)
    for _ in range(2):
        tx = Store().begin()
        encoded_caller(user, tx)
        assert {*tx.handles} == {users.CERTS.name, users.INFO.name}
        assert all(USER.encode() in handle.reads for handle in tx.handles.values())


@pytest.mark.parametrize("caller", CALLERS[2:4])
@pytest.mark.parametrize("table", [users.INFO.name, members.INFO.name])
def test_a_record_that_cannot_be_read_says_so(caller: Identity, table: str) -> None:
    is_read = ("users" in table) is isinstance(caller, UserCertCaller)
    for _ in range(2):
        tx = known()
        tx.raw(table).put(USER.encode(), b"{")
        tx.raw(table).put(MEMBER.encode(), b"{")
        if is_read:
            with pytest.raises(StoredMalformed):
                encoded_caller(caller, tx)
        else:
            assert encoded_caller(caller, tx) is not None
