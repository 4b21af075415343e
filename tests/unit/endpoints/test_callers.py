"""Whom a call is made for: somebody who is known, or whoever is at an address."""

from types import SimpleNamespace
from typing import Any

import pytest

from ccfpy.base.ids import MemberId, NodeId, UserId
from ccfpy.endpoints.auth import (
    AnyCertCaller,
    AppCaller,
    CallerOfAll,
    JwtCaller,
    MemberCertCaller,
    NodeCertCaller,
    UserCertCaller,
)
from ccfpy.endpoints.auth.no_auth import Nobody
from ccfpy.endpoints.callers import THE_NODE, caller_of

SOMEBODY = "somebody at 10.0.0.1"
CERTIFICATE: Any = None
USER = UserCertCaller(user_id=UserId("u1"))
TOKEN = JwtCaller(key_issuer="issuer", header={}, payload={"sub": "ann"})


def _caller(identity: object, origin: str = "10.0.0.1") -> str:
    context: Any = SimpleNamespace(
        caller=identity, session=SimpleNamespace(origin=origin)
    )
    return caller_of(context)


@pytest.mark.parametrize(
    ("identity", "name"),
    [
        (USER, "user u1"),
        (MemberCertCaller(member_id=MemberId("m1")), "member m1"),
        (TOKEN, "subject 'ann' of issuer"),
        (AppCaller(policy="key", id="ann", data={"x": 1}), "key ann"),
        (CallerOfAll(policy="a+b", identities={"a": Nobody(), "b": USER}), "user u1"),
        (CallerOfAll(policy="a", identities={"a": Nobody()}), SOMEBODY),
        (None, SOMEBODY),
        (Nobody(), SOMEBODY),
        (AnyCertCaller(certificate=CERTIFICATE), SOMEBODY),
        (NodeCertCaller(node_id=NodeId("n1")), SOMEBODY),
    ],
)
def test_a_caller_is_who_is_vouched_for_or_else_an_address(
    identity: object, name: str
) -> None:
    assert _caller(identity) == name


@pytest.mark.parametrize(
    ("origin", "place"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("node n1", "node n1"),
        ("", ""),
    ],
)
def test_a_network_of_version_6_is_one_place(origin: str, place: str) -> None:
    assert _caller(None, origin) == f"somebody at {place}"


def test_what_a_node_does_by_itself_has_a_caller_too() -> None:
    assert caller_of(None) == THE_NODE
