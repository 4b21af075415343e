"""pytest shows of an answer the parts that its reader needs."""

import pytest

from ccfpy.base import json
from ccfpy.client.requests import EXCERPT_CHARACTERS
from ccfpy.testing.apps import Answer


def answer(status: int, body: bytes, logged: tuple[str, ...] = ()) -> Answer:
    return Answer(
        status=status, headers={}, body=body, asked="GET /app/x as ann", logged=logged
    )


REFUSAL = json.dumps({"error": {"code": "NotFound", "message": "No note 1."}})


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (answer(204, b""), "<GET /app/x as ann: 204>"),
        (answer(200, b'"hello"'), '<GET /app/x as ann: 200 "hello">'),
        (answer(404, REFUSAL), "<GET /app/x as ann: 404 NotFound: No note 1.>"),
        (
            answer(500, b"oops", ("one", "two")),
            "<GET /app/x as ann: 500 oops; logged: one | two>",
        ),
        (answer(200, b"fine", ("one",)), "<GET /app/x as ann: 200 fine>"),
    ],
)
def test_an_answer_tells_what_was_asked_and_what_came(given: Answer, told: str) -> None:
    assert repr(given) == told


def test_a_long_body_is_told_in_part() -> None:
    told = repr(answer(200, b"x" * (EXCERPT_CHARACTERS + 1)))
    assert told.endswith(f"{'x' * EXCERPT_CHARACTERS}… (201 bytes)>")


def test_a_refusal_has_a_code_and_a_message() -> None:
    refusal = answer(404, REFUSAL)
    assert (refusal.error, refusal.message) == ("NotFound", "No note 1.")


@pytest.mark.parametrize(
    "body", [b"", b"text", b"[]", b'{"error": 1}', b'{"error":{}}']
)
def test_whatever_else_has_neither(body: bytes) -> None:
    other = answer(400, body)
    assert (other.error, other.message) == ("", "")
