"""What the page shows of an answer to a request that a person filled in."""

from collections.abc import Mapping

import pytest

from ccfpy.client.reply import TXID_HEADER, Reply
from ccfpy.console.call_replies import SHOWN_MAX, answer_of, standing_of

JSON = "application/json"


def _reply(
    body: bytes,
    kind: str = JSON,
    *,
    status: int = 200,
    more: Mapping[str, str] | None = None,
) -> Reply:
    headers = {"content-type": kind, **(more or {})}
    return Reply(status=status, headers=headers, body=body)


def test_json_is_indented_and_what_cannot_be_seen_is_shown() -> None:
    more = {TXID_HEADER: "2.10", "x": "\x1b"}
    answer = answer_of(_reply('{"a":[1,"\u202e"]}'.encode(), more=more))
    assert answer.text == '{\n  "a": [\n    1,\n    "⟦U+202E⟧"\n  ]\n}'
    assert (answer.txid, answer.left_out, answer.is_good) == ("2.10", "", True)
    assert [each.value for each in answer.headers] == [JSON, "2.10", "⟦U+001B⟧"]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"a": 1, "a": 2}',
        b'{"a": NaN}',
        b"[-0]",
        b"[1.10]",
        b"[1e400]",
        b"[0.10000000000000000001]",
        b"[" * 100_000,
        b"1" * 5000,
        b"",
    ],
)
def test_what_indenting_would_change_is_shown_as_it_came(body: bytes) -> None:
    assert answer_of(_reply(body)).text == body.decode()


def test_a_number_is_not_rounded() -> None:
    numbers = b"[12345678901234567890123,-1.5]"
    assert answer_of(_reply(numbers)).text.split() == [
        *("[", "12345678901234567890123,", "-1.5", "]")
    ]


def test_an_answer_that_is_no_json_is_a_text_or_is_counted() -> None:
    assert answer_of(_reply(b'{"a":1}', "text/plain")).text == '{"a":1}'
    answer = answer_of(_reply(b"\xff\x00", "application/octet-stream"))
    assert answer.text == ""
    assert answer.left_out.startswith("2 bytes that are no text")


def test_an_answer_is_shown_up_to_a_bound() -> None:
    whole = answer_of(_reply(b"x" * SHOWN_MAX, "text/plain"))
    assert (len(whole.text), whole.left_out) == (SHOWN_MAX, "")
    cut = answer_of(_reply("ü".encode() * SHOWN_MAX, "text/plain"))
    assert len(cut.text) <= SHOWN_MAX
    assert cut.left_out == f"all but the first {SHOWN_MAX:,} of {2 * SHOWN_MAX:,} bytes"
    # A short text can be long once it is indented.
    wide = b"[" + b",".join([b"1"] * (SHOWN_MAX // 3)) + b"]"
    grown = answer_of(_reply(wide))
    assert len(grown.text) == SHOWN_MAX
    assert "characters" in grown.left_out


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (204, "204 No Content: the service answered"),
        (202, "not ready yet"),
        (307, "did not follow"),
        (403, "403 Forbidden: the service refused"),
        (500, "the service failed"),
        (299, "a status that HTTP does not name"),
    ],
)
def test_a_status_is_said_in_words(status: int, said: str) -> None:
    answer = answer_of(_reply(b"", status=status))
    assert said in answer.words
    assert answer.is_good is (status < 400)
    assert answer.txid is None


@pytest.mark.parametrize(
    ("status", "good", "final"),
    [
        ("Committed", True, True),
        ("Pending", True, False),
        ("Invalid", False, True),
        ("Unknown", True, False),
        ("\x1b" * 100, True, False),
    ],
)
def test_a_transactions_standing_is_said_in_words(
    status: str,
    good: bool,
    final: bool,
) -> None:
    told = standing_of(status)
    assert (told.is_good, told.is_final) == (good, final)
    assert "\x1b" not in told.words
    assert len(told.words) < 200
