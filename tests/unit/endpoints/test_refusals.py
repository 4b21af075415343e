"""An answer that refuses says whose fault it is, and what to do next."""

from dataclasses import dataclass

import pytest

from ccfpy.app import Context
from ccfpy.base import json
from ccfpy.base.errors import Unwritable
from ccfpy.base.ids import TxId
from ccfpy.base.limits import BODY_PROBLEMS_MAX
from ccfpy.base.ports import CallStopped
from ccfpy.endpoints.binding import bind
from ccfpy.endpoints.pending import Awaited
from ccfpy.endpoints.refusals import (
    FAILED,
    Marks,
    PolicyRefusal,
    conflicted,
    no_end_of_conflicts,
    not_open,
    too_many_pending,
    unauthenticated,
    unsupported_verb,
    words_for,
)
from ccfpy.endpoints.replies import (
    bytes_reply,
    empty_reply,
    for_who_takes_json,
    json_reply,
    text_reply,
)
from ccfpy.http.errors import ApiError
from tests.unit.endpoints.world import StoreNode, context_of

CERT: PolicyRefusal = ("user_cert", "no certificate", None)
TOKEN: PolicyRefusal = ("jwt", "no token", "Bearer")


def test_a_caller_learns_why_each_policy_refused() -> None:
    error = unauthenticated([CERT, TOKEN])
    assert error.status == 401
    details = error.details or ()
    assert [(each["auth_policy"], each["message"]) for each in details] == [
        ("user_cert", "no certificate"),
        ("jwt", "no token"),
    ]


@pytest.mark.parametrize(
    ("refusals", "challenge"), [([CERT, TOKEN], "Bearer"), ([TOKEN, CERT], None)]
)
def test_the_last_policy_challenges_the_caller(
    refusals: list[PolicyRefusal], challenge: str | None
) -> None:
    headers = unauthenticated(refusals).response().headers
    assert headers.get("www-authenticate") == challenge


@pytest.mark.parametrize("error", [too_many_pending(), no_end_of_conflicts()])
def test_what_was_not_executed_may_be_sent_again(error: ApiError) -> None:
    response = error.response()
    assert response.status == 503
    assert int(response.headers["retry-after"]) > 0


@pytest.mark.parametrize(("error", "status"), [(not_open(), 404), (conflicted(), 409)])
def test_what_would_fail_again_is_not_asked_for_again(
    error: ApiError, status: int
) -> None:
    response = error.response()
    assert response.status == status
    assert "retry-after" not in response.headers


def test_a_caller_learns_the_verbs_of_a_path() -> None:
    response = unsupported_verb("/a", "OPTIONS, GET").response()
    assert (response.status, response.headers["allow"]) == (405, "OPTIONS, GET")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (CallStopped("it took", is_late=True), "Operation took too long to complete."),
        (CallStopped("it took", is_late=False), "Operation took too much memory."),
        (Unwritable("private"), "The answer is too large, or of no form that can be"),
        (KeyError("private"), FAILED),
    ],
)
def test_a_defect_has_its_words(error: Exception, words: str) -> None:
    assert words_for(error).startswith(words)
    assert "private" not in words_for(error)


def test_the_log_names_trace_and_transaction_where_there_are_any() -> None:
    assert str(Marks()) == ""
    assert str(Marks("ab")) == ", trace ab"
    assert str(Marks("ab", TxId(2, 7))) == ", trace ab, transaction 2.7"
    assert str(Marks(transaction=TxId(2, 7))) == ", transaction 2.7"


@dataclass
class Note:
    text: str
    size: int
    tags: list[str]


def _write(_: Context, note: Note) -> None:
    raise AssertionError(note)


def _refusal(body: object) -> ApiError:
    written = body if isinstance(body, bytes) else json.dumps(body)
    with pytest.raises(ApiError) as refused:
        bind(_write, "/x").handler(context_of(StoreNode(), body=written))
    assert (refused.value.status, refused.value.code) == (400, "InvalidInput")
    return refused.value


def test_all_that_is_wrong_is_among_the_details() -> None:
    refusal = _refusal({"text": 1, "tags": ["a", 2]})
    assert refusal.message == "At #/text: expected text, found 1"
    assert json.loads(refusal.body()) == {
        "error": {
            "code": "InvalidInput",
            "message": refusal.message,
            "details": [
                {
                    "code": "InvalidInput",
                    "message": "expected text, found 1",
                    "target": "#/text",
                },
                {
                    "code": "InvalidInput",
                    "message": "missing required field",
                    "target": "#/size",
                },
                {
                    "code": "InvalidInput",
                    "message": "expected text, found 2",
                    "target": "#/tags/1",
                },
            ],
        }
    }


@pytest.mark.parametrize("more", [0, 1])
def test_details_are_bounded(more: int) -> None:
    tags = [1] * (BODY_PROBLEMS_MAX + more)
    details = _refusal({"text": "t", "size": 1, "tags": tags}).details
    assert details is not None
    assert len(details) == BODY_PROBLEMS_MAX


def test_what_is_no_json_has_no_details() -> None:
    assert _refusal(b"{").details is None
    assert [each["target"] for each in _refusal(b"").details or ()] == [
        "#/text",
        "#/size",
        "#/tags",
    ]


def test_json_is_compact_and_sorted() -> None:
    response = json_reply({"b": 1, "a": 2}, status=201, headers={"etag": "x"})
    assert response.status == 201
    assert response.body == b'{"a":2,"b":1}'
    assert response.headers == {"content-type": "application/json", "etag": "x"}
    assert json_reply(1).headers == {"content-type": "application/json"}


def test_text_and_bytes_say_what_they_are() -> None:
    assert text_reply("ü", status=202).body == "ü".encode()
    assert text_reply("x").headers == {"content-type": "text/plain"}
    assert bytes_reply(b"\xff").headers == {"content-type": "application/octet-stream"}
    assert bytes_reply(b"x", content_type="image/png").headers == {
        "content-type": "image/png"
    }


def test_an_empty_reply_has_headers_of_its_own() -> None:
    given = {"allow": "GET"}
    response = empty_reply(405, given)
    response.headers["more"] = "x"
    assert given == {"allow": "GET"}
    assert (empty_reply().status, empty_reply().body) == (204, b"")


def test_a_response_that_comes_later_is_let_through() -> None:
    awaited = Awaited()
    context = context_of(StoreNode(), headers={"accept": "text/html"})
    assert for_who_takes_json(lambda _: awaited)(context) is awaited
