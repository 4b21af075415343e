from dataclasses import replace

import pytest

from ccfpy.base.ids import NodeId, UserId
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
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.session import Session
from ccfpy.kv.changes import Conflict
from ccfpy.service.tables import nodes, users
from ccfpy.service.tables.nodes import (
    NetInterface,
    NodeInfo,
    QuoteFormat,
    QuoteInfo,
)
from tests.attacks import attack
from tests.unit.endpoints.auth.people import (
    OTHER_KEY,
    add_member,
    add_user,
    certificate,
)
from tests.unit.endpoints.world import NOW_S, StoreNode, context_of, session

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


DAY_US = 86_400 * 1_000_000
REFUSAL = "Could not find matching user certificate"


def context(node: StoreNode, connection: Session) -> Context:
    made = context_of(node)
    return Context(
        request=made.request,
        session=connection,
        node=node,
        endpoint=made.endpoint,
        params={},
        tx=made.tx,
    )


def ask(node: StoreNode, connection: Session) -> UserCertCaller:
    return UserCert().authenticate(context(node, connection))


def remove_user(node: StoreNode, user_id: UserId) -> None:
    tx = node.begin(read_only=False)
    users.CERTS.of(tx).remove(user_id)
    node.commit(tx, None)


@pytest.fixture
def node() -> StoreNode:
    return StoreNode()


@pytest.fixture
def connection(node: StoreNode) -> Session:
    """A connection of a registered user, who has asked once."""
    presented = certificate()
    add_user(node, presented)
    connection = session(presented)
    ask(node, connection)
    return connection


def test_a_user_is_looked_up_once_while_nobody_comes_or_goes(
    node: StoreNode, connection: Session
) -> None:
    first, again = ask(node, connection), context(node, connection)
    assert UserCert().authenticate(again) is first
    assert not again.tx.handles
    assert again.tx.read_version == node.store.version


@attack("tls: a client's certificate that is another's")
def test_a_removed_user_is_refused_at_once(
    node: StoreNode, connection: Session
) -> None:
    user_id = ask(node, connection).user_id
    remove_user(node, user_id)
    for _ in range(2):
        with pytest.raises(Unauthenticated, match=REFUSAL):
            ask(node, connection)
    add_user(node, certificate())
    assert ask(node, connection).user_id == user_id


def test_a_user_whose_registration_was_taken_back_is_refused() -> None:
    node = StoreNode()
    add_user(node, certificate(OTHER_KEY))
    before = node.store.version
    presented = certificate()
    add_user(node, presented)
    connection = session(presented)
    ask(node, connection)
    node.store.rollback(before)
    add_user(node, certificate(from_now_days=-2))  # at the same seqno
    with pytest.raises(Unauthenticated, match=REFUSAL):
        ask(node, connection)


def test_others_who_come_change_nothing(node: StoreNode, connection: Session) -> None:
    known = ask(node, connection)
    add_user(node, certificate(OTHER_KEY))
    assert ask(node, connection) == known


@pytest.mark.parametrize(
    ("unix_time_us", "is_valid"),
    [
        (NOW_S * 1_000_000 - DAY_US - 1, False),
        (NOW_S * 1_000_000 - DAY_US, True),
        (NOW_S * 1_000_000 + 9 * DAY_US - 1, True),
        (NOW_S * 1_000_000 + 9 * DAY_US, False),
    ],
)
def test_a_certificate_expires_on_an_open_connection(
    node: StoreNode, connection: Session, unix_time_us: int, is_valid: bool
) -> None:
    later = replace(node, unix_time_us=unix_time_us)
    fresh = session(connection.caller)
    for each in (connection, fresh):  # as admitted and as looked up
        if is_valid:
            assert ask(later, each).user_id == UserId(certificate().digest_hex)
        else:
            with pytest.raises(Unauthenticated, match="validity period"):
                ask(later, each)


def test_another_certificate_is_another_caller(
    node: StoreNode, connection: Session
) -> None:
    connection.caller = certificate(OTHER_KEY)
    with pytest.raises(Unauthenticated, match=REFUSAL):
        ask(node, connection)


def test_a_write_of_a_user_removed_meanwhile_conflicts(
    node: StoreNode, connection: Session
) -> None:
    request = context(node, connection)
    user_id = UserCert().authenticate(request).user_id
    request.tx.raw("records").put(b"k", b"v")
    remove_user(node, user_id)
    with pytest.raises(Conflict):
        node.commit(request.tx, None)
