"""The answers to what cannot be read."""

import orjson
import pytest

from ccfpy.base import limits
from ccfpy.http.refusals import (
    BodyTooLarge,
    HeadersTooLarge,
    ParseFailure,
    ParserLimits,
    UnreadableRequest,
)


def test_all_headers_together_have_room_for_a_few_large_ones() -> None:
    usual = limits.HTTP_HEAD_BYTES_MAX
    assert ParserLimits().head_bytes_max == usual
    assert ParserLimits(header_bytes_max=usual // 4).head_bytes_max == usual
    assert ParserLimits(header_bytes_max=usual // 4 + 1).head_bytes_max == usual + 4


def test_a_parse_failure_gives_the_fragment_back_byte_for_byte() -> None:
    refusal = ParseFailure(b"\x00\xff\r\n", "bad")
    assert refusal.response.status == 400
    assert refusal.response.headers == {"content-type": "text/plain"}
    assert refusal.response.close
    assert refusal.response.body == (
        b"Unable to parse data as a HTTP request. Error message is: bad\n"
        b"Error occurred while parsing fragment:\n\x00\xff\r\n"
    )


@pytest.mark.parametrize(
    ("refusal", "status", "code", "message"),
    [
        (
            BodyTooLarge(5),
            413,
            "RequestBodyTooLarge",
            "HTTP request body is too large (max size allowed: 5)",
        ),
        (HeadersTooLarge("big"), 431, "RequestHeaderTooLarge", "big"),
    ],
)
def test_too_much_is_answered_with_an_odata_error(
    refusal: UnreadableRequest, status: int, code: str, message: str
) -> None:
    assert refusal.response.status == status
    assert refusal.response.close
    error = orjson.loads(refusal.response.body)["error"]
    assert error == {"code": code, "message": message}
    assert refusal.completed == []
