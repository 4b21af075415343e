from dataclasses import replace

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
from ccfpy.service.tables import members, nodes, users
from ccfpy.service.tables.members import MemberInfo, MemberStatus
from ccfpy.service.tables.nodes import NetInterface, NodeInfo, QuoteFormat, QuoteInfo
from ccfpy.service.tables.users import UserInfo
from tests.unit.endpoints.world import StoreNode

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
