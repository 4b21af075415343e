"""The log of users' actions on an application, and requests sent twice."""

from collections.abc import Callable

import pytest

from ccfpy.base.limits import CREATED_AT_AHEAD_MS, RECENT_ACTIONS, RECENT_PER_SECOND_MAX
from ccfpy.crypto import cbor, cose
from ccfpy.crypto.hashing import sha256
from ccfpy.endpoints.auth.cose import UserCoseSign1
from ccfpy.endpoints.context import Context
from ccfpy.http.errors import ApiError
from ccfpy.js.serving import ActionFormat, ActionLog
from ccfpy.kv.store import Store
from ccfpy.kv.tx import Tx
from ccfpy.service.recent import key_of
from tests.attacks import attack
from tests.unit.endpoints.auth.people import add_user, certificate, signed
from tests.unit.endpoints.world import NOW_S, StoreNode, context_of

LOG = ActionLog("public:mine")
RECENT, AUTHORS = "public:mine.recent_actions", "public:mine.recent_actions_by"
UNIT = b"\0" * 8
CERTIFICATE = certificate()
AHEAD_S = CREATED_AT_AHEAD_MS // 1000
COSE = {"content-type": "application/cose"}


@pytest.fixture
def node() -> StoreNode:
    node = StoreNode()
    add_user(node, CERTIFICATE)
    return node


@pytest.fixture
def tx(node: StoreNode) -> Tx:
    return node.begin(read_only=False)


def request(created_at: int | None, action: bytes = b"a") -> bytes:
    header: dict[cose.Label, object] = {}
    if created_at is not None:
        header["ccf.msg.created_at"] = created_at
    return signed(CERTIFICATE, action, header)


def refusal(node: StoreNode, tx: Tx, body: bytes) -> str | None:
    plain = context_of(node, headers=COSE, body=body)
    context = Context(plain.request, plain.session, node, plain.endpoint, {}, tx)
    try:
        LOG.refuse_replay(context, UserCoseSign1().authenticate(context))
    except ApiError as error:
        return f"{error.status} {error.code}: {error.message}"
    return None


@pytest.mark.parametrize("form", ActionFormat)
def test_a_request_is_kept_beside_what_it_did(form: ActionFormat) -> None:
    tx = Store().begin()
    LOG.record(tx, form, user_id="me", action="PUT /x", body=b"\xff")
    assert tx.raw("public:mine.audit.input").get(UNIT) == b'"/w=="'
    assert tx.raw("public:mine.audit.info").get(UNIT) == (
        b'{"action_name":"PUT /x","format":"%s","user_id":"me"}' % form.encode()
    )


def rewritten(body: bytes, form: int, unprotected: cose.Header) -> bytes:
    message = cose.parse(body)
    signature = message.signature_forms[form]
    parts = [message.protected_bytes, unprotected, message.payload, signature]
    return cbor.encode(cbor.Tag(cose.SIGN1_TAG, parts))


REPEATED: dict[str, Callable[[bytes], bytes]] = {
    "as it was": lambda body: body,
    "with the other form of its signature": lambda body: rewritten(body, 1, {}),
    "with something in its unprotected header": lambda body: rewritten(
        body, 0, {99: b""}
    ),
}


@pytest.mark.parametrize("how", REPEATED)
@attack("gov: an action that a user signed, again")
def test_a_signed_request_counts_once(node: StoreNode, tx: Tx, how: str) -> None:
    again = REPEATED[how](request(5, b"a"))
    assert refusal(node, tx, request(5, b"a")) is None
    assert refusal(node, tx, request(5, b"b")) is None
    assert refusal(node, tx, again) == "500 InvalidInput: Action was already applied"


@pytest.mark.parametrize("how", REPEATED)
@pytest.mark.parametrize("first", list(REPEATED)[:2])
@attack("gov: an action that a user signed, again")
def test_what_was_remembered_by_its_bytes_is_refused(
    node: StoreNode, tx: Tx, first: str, how: str
) -> None:
    body = request(5)
    key = key_of(5, sha256(REPEATED[first](body)))
    tx.raw(RECENT).put(b'"%s"' % key.encode(), b'""')
    assert refusal(node, tx, REPEATED[how](body)) == (
        "500 InvalidInput: Action was already applied"
    )


def test_a_request_must_say_when_it_was_made(node: StoreNode, tx: Tx) -> None:
    assert (
        refusal(node, tx, request(None))
        == "500 InvalidInput: Action has no created_at timestamp"
    )


@attack("gov: an action that a user signed, from the future")
def test_a_time_may_be_so_far_ahead_of_the_clock(node: StoreNode, tx: Tx) -> None:
    assert refusal(node, tx, request(NOW_S + AHEAD_S)) is None
    assert refusal(node, tx, request(NOW_S + AHEAD_S + 1)) == (
        "500 InvalidInput: Action created_at timestamp is ahead of the node's clock"
    )


@attack("gov: an action that a user signed, from the future")
def test_what_is_ahead_of_the_clock_shuts_out_nobody(node: StoreNode, tx: Tx) -> None:
    for time in (NOW_S - 10, *(9_999_999_999,) * 3):
        key = key_of(time, bytes([len(list(tx.raw(RECENT).keys()))]))
        tx.raw(RECENT).put(b'"%s"' % key.encode(), b'""')
    assert refusal(node, tx, request(NOW_S - 11, b"a")) == (
        "500 InvalidInput: Action created_at timestamp is too old"
    )
    assert refusal(node, tx, request(NOW_S - 9, b"b")) is None


@attack("gov: a window that one member moves")
def test_no_users_times_bound_another(node: StoreNode, tx: Tx) -> None:
    for number in range(RECENT_ACTIONS):
        key = key_of(NOW_S + number, b"%d" % number)
        tx.raw(RECENT).put(b'"%s"' % key.encode(), b'""')
        tx.raw(AUTHORS).put(b'"%s"' % key.encode(), b'"another"')
    assert refusal(node, tx, request(NOW_S - 9)) is None
    assert refusal(node, tx, request(NOW_S - 9)) == (
        "500 InvalidInput: Action was already applied"
    )


def test_nothing_is_taken_where_nobody_knows_what_was_forgotten(
    node: StoreNode, tx: Tx
) -> None:
    tx.raw(RECENT).put(b'"%s"' % key_of(9_999_999_999, b"").encode(), b'""')
    assert (
        refusal(node, tx, request(NOW_S))
        == "500 InvalidInput: Action created_at timestamp is too old"
    )


def test_a_request_older_than_half_of_those_of_late_comes_too_late(
    node: StoreNode, tx: Tx
) -> None:
    for moment in (10, 20, 30):
        assert refusal(node, tx, request(moment)) is None
    assert (
        refusal(node, tx, request(19, b"b"))
        == "500 InvalidInput: Action created_at timestamp is too old"
    )
    assert refusal(node, tx, request(20, b"b")) is None


def test_moments_are_compared_as_numbers(node: StoreNode, tx: Tx) -> None:
    assert refusal(node, tx, request(999_999_999)) is None
    assert refusal(node, tx, request(1_000_000_000)) is None
    assert (
        refusal(node, tx, request(999_999_999, b"b"))
        == "500 InvalidInput: Action created_at timestamp is too old"
    )


def test_so_many_of_one_second_are_taken(node: StoreNode, tx: Tx) -> None:
    user = CERTIFICATE.digest_hex
    for number in range(RECENT_PER_SECOND_MAX - 1):
        key = key_of(5, b"%d" % number)
        tx.raw(RECENT).put(b'"%s"' % key.encode(), b'""')
        tx.raw(AUTHORS).put(b'"%s"' % key.encode(), b'"%s"' % user.encode())
    assert refusal(node, tx, request(5, b"a")) is None
    assert (
        refusal(node, tx, request(5, b"b"))
        == "500 InvalidInput: Action created_at timestamp is too old"
    )


def test_only_so_many_are_remembered(node: StoreNode, tx: Tx) -> None:
    for moment in range(RECENT_ACTIONS + 5):
        assert refusal(node, tx, request(1000 + moment)) is None
    recent = sorted(tx.raw(RECENT).keys())
    assert len(recent) == RECENT_ACTIONS
    assert recent[0].startswith(b'"0000001005:')
