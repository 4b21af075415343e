import re
from dataclasses import replace

import pytest

from ccfpy.base.ids import MemberId, NodeId, UserId
from ccfpy.base.vocabulary import NodeStatus
from ccfpy.endpoints.identities import (
    member_certificate,
    member_data,
    node_info,
    node_quote,
    trusted_node_quotes,
    user_certificate,
    user_data,
)
from ccfpy.endpoints.scripting import ScriptFailed
from ccfpy.endpoints.session import InterfaceRules
from ccfpy.http.errors import ApiError
from ccfpy.service.tables import members, nodes, users
from ccfpy.service.tables.members import MemberInfo, MemberStatus
from ccfpy.service.tables.nodes import NetInterface, NodeInfo, QuoteFormat, QuoteInfo
from ccfpy.service.tables.users import UserInfo
from tests.unit.endpoints.world import StoreNode, context_of


def test_the_query_is_parsed_once_when_asked_for() -> None:
    context = context_of(StoreNode(), query="a=%20b")
    assert context.query.get("a") == " b"
    assert context.query is context.query


def test_the_body_may_be_read_as_json() -> None:
    assert context_of(StoreNode(), body=b'{"a":1}').body_json() == {"a": 1}


def test_a_body_that_is_no_json_is_the_callers_fault() -> None:
    with pytest.raises(ApiError) as refusal:
        context_of(StoreNode(), body=b"{").body_json()
    assert (refusal.value.status, refusal.value.code) == (400, "InvalidInput")


@pytest.mark.parametrize("slip", [b"", b"\1" * 31, b"\1" * 33, "1" * 32])
def test_a_claim_is_a_digest_or_nothing(slip: object) -> None:
    """Found out later, at the ledger's door, it would cost the node its life."""
    context = context_of(StoreNode())
    assert context.claims_digest is None
    with pytest.raises(ValueError, match="32 bytes"):
        context.claims_digest = slip  # type: ignore[assignment]  # the slip
    assert context.claims_digest is None
    context.claims_digest = b"\1" * 32
    assert context.claims_digest == b"\1" * 32
    context.claims_digest = None
    assert context.claims_digest is None


def test_evidence_is_of_the_node_and_of_the_handlers_data() -> None:
    assert context_of(StoreNode()).evidence(b"key").quote == b"key"


@pytest.mark.parametrize(
    ("is_unsecured", "patterns", "is_accepted"),
    [
        (False, None, True),
        (True, None, False),
        (False, (), False),
        (False, ("/app/.*",), True),
        (True, ("/app/.*",), True),
        (False, ("/app/no", "/app"), False),
        (False, ("/node/.*", "/app/notes/.*"), True),
    ],
)
def test_an_interface_accepts_what_its_rules_match_wholly(
    is_unsecured: bool, patterns: tuple[str, ...] | None, is_accepted: bool
) -> None:
    interface = InterfaceRules(
        name="main",
        unsecured=is_unsecured,
        accepted_endpoints=None
        if patterns is None
        else tuple(re.compile(pattern) for pattern in patterns),
    )
    assert interface.accepts("/app/notes/{note}") is is_accepted


def test_a_failure_says_why_and_whether_the_module_is_at_fault() -> None:
    failure = ScriptFailed("no export", trace=None, has_begun=False)
    assert (str(failure), failure.trace, failure.has_begun) == (
        "no export",
        None,
        False,
    )


USER, MEMBER, NODE, OTHER = UserId("u"), MemberId("m"), NodeId("n"), NodeId("o")


def test_nothing_is_known_of_strangers() -> None:
    tx = StoreNode().begin(read_only=True)
    assert user_certificate(tx, USER) is None
    assert user_data(tx, USER) is None
    assert member_certificate(tx, MEMBER) is None
    assert member_data(tx, MEMBER) is None
    assert node_info(tx, NODE) is None
    assert node_quote(tx, NODE) is None
    assert trusted_node_quotes(tx) == {}


def test_users_and_members_have_certificates_and_data() -> None:
    tx = StoreNode().begin(read_only=False)
    users.CERTS.of(tx).put(USER, "pem")
    users.INFO.of(tx).put(USER, UserInfo(user_data={"isAdmin": True}))
    members.CERTS.of(tx).put(MEMBER, "pem2")
    members.INFO.of(tx).put(
        MEMBER, MemberInfo(status=MemberStatus.ACTIVE, member_data=[1])
    )
    assert user_certificate(tx, USER) == "pem"
    assert user_data(tx, USER) == {"isAdmin": True}
    assert member_certificate(tx, MEMBER) == "pem2"
    assert member_data(tx, MEMBER) == [1]


def test_only_trusted_nodes_count_among_the_services_quotes() -> None:
    tx = StoreNode().begin(read_only=False)
    quote = QuoteInfo(
        format=QuoteFormat.INSECURE_VIRTUAL, quote=b"q", endorsements=b"e"
    )
    info = NodeInfo(
        node_to_node_interface=NetInterface(bind_address="a:1"),
        quote_info=quote,
        encryption_pub_key="",
        status=NodeStatus.TRUSTED,
    )
    nodes.INFO.of(tx).put(NODE, info)
    nodes.INFO.of(tx).put(OTHER, replace(info, status=NodeStatus.PENDING))
    assert node_info(tx, NODE) == info
    assert node_quote(tx, OTHER) == quote
    assert trusted_node_quotes(tx) == {NODE: quote}
