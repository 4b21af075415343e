"""A user's next request on its connection: let in as the last one, or looked up."""

from dataclasses import replace

import pytest

from ccfpy.base.ids import UserId
from ccfpy.endpoints.auth.cert import UserCert, UserCertCaller
from ccfpy.endpoints.auth.policy import Unauthenticated
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.session import Session
from ccfpy.kv.changes import Conflict
from ccfpy.service.tables import users
from tests.attacks import attack
from tests.unit.endpoints.auth.people import OTHER_KEY, add_user, certificate
from tests.unit.endpoints.world import NOW_S, StoreNode, context_of, session

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
