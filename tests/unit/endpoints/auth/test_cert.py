from dataclasses import replace

import pytest

from ccfpy.base.ids import NodeId
from ccfpy.crypto.hashing import sha256_hex
from ccfpy.endpoints.auth.cert import (
    AnyCert,
    AnyCertCaller,
    MemberCert,
    MemberCertCaller,
    NodeCert,
    NodeCertCaller,
    UserCert,
    UserCertCaller,
)
from ccfpy.endpoints.auth.policy import AuthPolicy, Unauthenticated
from ccfpy.service.tables import nodes
from ccfpy.service.tables.nodes import (
    NetInterface,
    NodeInfo,
    QuoteFormat,
    QuoteInfo,
)
from tests.attacks import attack
from tests.unit.endpoints.auth.people import add_member, add_user, certificate
from tests.unit.endpoints.world import NOW_S, StoreNode, context_of

DAY_S = 86_400


@pytest.mark.parametrize(
    ("policy", "whose"),
    [
        (UserCert(), "user "),
        (MemberCert(), "member "),
        (NodeCert(), "node "),
        (AnyCert(), ""),
    ],
)
def test_who_presents_no_certificate_is_refused(policy: AuthPolicy, whose: str) -> None:
    with pytest.raises(Unauthenticated) as refusal:
        policy.authenticate(context_of(StoreNode()))
    assert str(refusal.value) == f"No caller {whose}certificate"
    assert refusal.value.challenge is None
    assert policy.security_scheme is None


@attack("tls: a client's certificate that is another's")
@pytest.mark.parametrize(
    ("policy", "whose"),
    [(UserCert(), "user"), (MemberCert(), "member"), (NodeCert(), "node")],
)
def test_a_stranger_is_refused(policy: AuthPolicy, whose: str) -> None:
    context = context_of(StoreNode(), caller=certificate())
    with pytest.raises(Unauthenticated) as refusal:
        policy.authenticate(context)
    assert str(refusal.value) == f"Could not find matching {whose} certificate"


def test_a_user_is_named_by_its_certificate() -> None:
    node = StoreNode()
    user_id = add_user(node, certificate())
    caller = UserCert().authenticate(context_of(node, caller=certificate()))
    assert caller == UserCertCaller(user_id=user_id)
    assert caller.policy == "user_cert"


def test_a_member_is_no_user() -> None:
    node = StoreNode()
    member_id = add_member(node, certificate())
    context = context_of(node, caller=certificate())
    assert MemberCert().authenticate(context) == MemberCertCaller(member_id=member_id)
    with pytest.raises(Unauthenticated):
        UserCert().authenticate(context)


def test_anybody_with_a_certificate_may_be_accepted() -> None:
    presented = certificate()
    caller = AnyCert().authenticate(context_of(StoreNode(), caller=presented))
    assert caller == AnyCertCaller(certificate=presented)


def test_a_node_is_known_by_its_key_whatever_its_certificate() -> None:
    node = StoreNode()
    node_id = NodeId(sha256_hex(certificate().public_key_der))
    tx = node.begin(read_only=False)
    nodes.INFO.of(tx).put(
        node_id,
        NodeInfo(
            node_to_node_interface=NetInterface(bind_address="a:1"),
            quote_info=QuoteInfo(
                format=QuoteFormat.INSECURE_VIRTUAL, quote=b"", endorsements=b""
            ),
            encryption_pub_key="",
        ),
    )
    node.commit(tx, None)
    renewed = certificate(from_now_days=-2)
    caller = NodeCert().authenticate(context_of(node, caller=renewed))
    assert caller == NodeCertCaller(node_id=node_id)


@pytest.mark.parametrize("policy", [UserCert(), AnyCert()])
@pytest.mark.parametrize(
    ("begins_in_days", "message"),
    [
        (
            1,
            (
                f"Current time {NOW_S} is before certificate's Not Before validity "
                f"period {NOW_S + DAY_S}"
            ),
        ),
        (
            -11,
            (
                f"Current time {NOW_S} is after certificate's Not After validity "
                f"period {NOW_S - DAY_S - 1}"
            ),
        ),
    ],
)
def test_a_certificate_out_of_date_is_refused(
    policy: AuthPolicy, begins_in_days: int, message: str
) -> None:
    node = StoreNode()
    presented = certificate(from_now_days=begins_in_days)
    add_user(node, presented)
    with pytest.raises(Unauthenticated) as refusal:
        policy.authenticate(context_of(node, caller=presented))
    assert str(refusal.value) == message


def test_the_first_and_last_seconds_of_validity_count() -> None:
    node = StoreNode()
    presented = certificate(from_now_days=0)
    add_user(node, presented)
    for now in (NOW_S, NOW_S + 10 * DAY_S - 1):
        there = replace(node, unix_time_us=now * 1_000_000)
        UserCert().authenticate(context_of(there, caller=presented))


def test_members_govern_whatever_the_clock_says() -> None:
    node = StoreNode()
    presented = certificate(from_now_days=-100)
    add_member(node, presented)
    MemberCert().authenticate(context_of(node, caller=presented))
