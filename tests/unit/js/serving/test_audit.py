"""What users did to an application, and signed requests sent twice."""

import pytest

from ccfpy.base.limits import RECENT_ACTIONS
from ccfpy.http.errors import ApiError
from ccfpy.js.serving import ActionFormat, ActionLog
from ccfpy.kv.store import Store
from ccfpy.kv.tx import Tx

LOG = ActionLog("public:mine")
UNIT = b"\0" * 8


def refusal(tx: Tx, created_at: int, action: bytes) -> str | None:
    try:
        LOG.refuse_replay(tx, created_at=created_at, action=action)
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


def test_a_signed_request_counts_once() -> None:
    tx = Store().begin()
    assert refusal(tx, 5, b"a") is None
    assert refusal(tx, 5, b"b") is None
    assert refusal(tx, 5, b"a") == "500 InvalidInput: Action was already applied"


def test_a_request_older_than_half_of_those_of_late_comes_too_late() -> None:
    tx = Store().begin()
    for moment in (10, 20, 30):
        assert refusal(tx, moment, b"a") is None
    assert (
        refusal(tx, 19, b"b")
        == "500 InvalidInput: Action created_at timestamp is too old"
    )
    assert refusal(tx, 20, b"b") is None


def test_moments_are_compared_as_numbers() -> None:
    tx = Store().begin()
    assert refusal(tx, 999_999_999, b"a") is None
    assert refusal(tx, 1_000_000_000, b"a") is None
    assert (
        refusal(tx, 999_999_999, b"b")
        == "500 InvalidInput: Action created_at timestamp is too old"
    )


def test_only_so_many_are_remembered() -> None:
    tx = Store().begin()
    for moment in range(RECENT_ACTIONS + 5):
        assert refusal(tx, 1000 + moment, b"a") is None
    recent = sorted(tx.raw("public:mine.recent_actions").keys())
    assert len(recent) == RECENT_ACTIONS
    assert recent[0].startswith(b'"0000001005:')
