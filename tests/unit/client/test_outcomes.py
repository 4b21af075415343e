"""The table of what follows an attempt, row by row and as properties."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base import json
from ccfpy.client.call import (
    MOVES,
    NOT_EXECUTED,
    Move,
    Outcome,
    Repeatability,
    move_after,
    outcome_of,
    repeatability,
)
from ccfpy.client.requests import TXID_HEADER, Reply
from ccfpy.http.errors import ErrorCode

READ, IDEMPOTENT, ONCE = Repeatability
TXID = {TXID_HEADER: "2.5"}
LOCATION = {"location": "https://there"}
SOON = {"retry-after": "1"}


def reply(status: int, code: str = "", headers: dict[str, str] | None = None) -> Reply:
    body = json.dumps({"error": {"code": code, "message": "x"}}) if code else b""
    return Reply(status=status, headers=headers or {}, body=body)


@pytest.mark.parametrize(
    ("outcome", "read", "idempotent", "once"),
    [
        (Outcome.NOT_SENT, Move.ASK_NEXT, Move.ASK_NEXT, Move.ASK_NEXT),
        (Outcome.REDIRECTED, Move.FOLLOW, Move.FOLLOW, Move.FOLLOW),
        (Outcome.NOT_EXECUTED, Move.REPEAT, Move.REPEAT, Move.REPEAT),
        (Outcome.VIEW_CHANGED, Move.REPEAT, Move.RETURN, Move.RETURN),
        (Outcome.NO_ANSWER, Move.REPEAT, Move.REPEAT, Move.GIVE_UP),
        (Outcome.FORWARD_LOST, Move.REPEAT, Move.REPEAT, Move.GIVE_UP),
        (Outcome.ANSWERED, Move.RETURN, Move.RETURN, Move.RETURN),
    ],
)
def test_each_row_of_the_table(
    outcome: Outcome, read: Move, idempotent: Move, once: Move
) -> None:
    assert MOVES[outcome] == {READ: read, IDEMPOTENT: idempotent, ONCE: once}


def test_the_table_has_every_case() -> None:
    assert set(MOVES) == set(Outcome)
    assert all(set(row) == set(Repeatability) for row in MOVES.values())


def test_independent_calls_survive_a_change_of_view() -> None:
    for repeat in Repeatability:
        moved = move_after(Outcome.VIEW_CHANGED, repeat, has_independent_calls=True)
        assert moved is Move.REPEAT


@given(st.sampled_from(Outcome), st.booleans())
def test_what_may_have_been_applied_is_never_repeated_unasked(
    outcome: Outcome, independent: bool
) -> None:
    moved = move_after(outcome, ONCE, has_independent_calls=independent)
    if outcome in (Outcome.NO_ANSWER, Outcome.FORWARD_LOST):
        assert moved is Move.GIVE_UP


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (reply(200), Outcome.ANSWERED),
        (reply(204, headers=SOON), Outcome.ANSWERED),
        (reply(202, headers=SOON), Outcome.ANSWERED),
        (reply(307, headers=LOCATION), Outcome.REDIRECTED),
        (reply(308, headers=LOCATION), Outcome.REDIRECTED),
        (reply(307), Outcome.ANSWERED),
        (reply(302, headers=LOCATION), Outcome.ANSWERED),
        (reply(404, "X"), Outcome.ANSWERED),
        (reply(429, "X", SOON), Outcome.ANSWERED),
        (reply(500, "InternalError"), Outcome.ANSWERED),
        (reply(500, "SessionConsistencyLost"), Outcome.VIEW_CHANGED),
        (reply(503), Outcome.ANSWERED),
        (reply(503, headers=SOON), Outcome.NOT_EXECUTED),
        (reply(503, "NodeCannotHandleRequest"), Outcome.ANSWERED),
        (reply(503, "TooManyPendingTransactions"), Outcome.NOT_EXECUTED),
        (reply(503, "TooManyPendingTransactions", TXID), Outcome.ANSWERED),
        (reply(503, "TransactionInvalid", TXID | SOON), Outcome.ANSWERED),
        (reply(504), Outcome.FORWARD_LOST),
        (reply(504, "TransactionPendingOrUnknown", TXID), Outcome.ANSWERED),
    ],
)
def test_what_an_answer_says_of_its_request(answer: Reply, outcome: Outcome) -> None:
    assert outcome_of(answer) is outcome


def test_each_code_of_the_table_is_one_of_ccfs() -> None:
    assert set(ErrorCode) >= NOT_EXECUTED


@given(
    st.integers(200, 599),
    st.sampled_from(["", "X", *NOT_EXECUTED, "SessionConsistencyLost"]),
)
def test_an_executed_transaction_is_never_repeated(status: int, code: str) -> None:
    outcome = outcome_of(reply(status, code, TXID))
    assert outcome is Outcome.ANSWERED


@pytest.mark.parametrize(
    ("method", "says_so", "expected"),
    [
        ("GET", False, READ),
        ("head", False, READ),
        ("OPTIONS", False, READ),
        ("POST", False, ONCE),
        ("PUT", False, ONCE),
        ("DELETE", False, ONCE),
        ("PATCH", True, IDEMPOTENT),
        ("PUT", True, IDEMPOTENT),
        ("GET", True, READ),
    ],
)
def test_a_write_is_repeatable_where_its_caller_says_so(
    method: str, says_so: bool, expected: Repeatability
) -> None:
    assert repeatability(method, is_idempotent=says_so) is expected


def test_the_client_in_typescript_has_the_same_table() -> None:
    source = Path(__file__).resolve().parents[3] / "clients/typescript/src/outcomes.ts"
    text = source.read_text()
    table = {
        outcome: dict(re.findall(r'(\w+): "(\w+)"', row))
        for outcome, row in re.findall(r"^  (\w+): \{(.*)\},$", text, re.MULTILINE)
    }
    ours = {
        outcome.name.lower(): {
            repeat.name.lower(): move.name.lower() for repeat, move in row.items()
        }
        for outcome, row in MOVES.items()
    }
    assert table == ours
    listed = text.partition("new Set([")[2].partition("])")[0]
    assert set(re.findall(r'"(\w+)"', listed)) == NOT_EXECUTED
