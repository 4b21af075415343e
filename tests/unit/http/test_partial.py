"""Gathering headers and body, and their bounds."""

import pytest

from ccfpy.http.partial import CallbackRefused, PartialMessage, too_large
from ccfpy.http.refusals import BodyTooLarge, HeadersTooLarge, ParserLimits


def _message(**bounds: int) -> PartialMessage:
    return PartialMessage(ParserLimits(**bounds))


def test_names_are_lower_case_however_they_were_spelt() -> None:
    message = _message()
    for name in (b"Content-Type", b"HOST", b"x-Custom", b"accept"):
        message.on_header(name, b"v")
    assert list(message.take()[0]) == ["content-type", "host", "x-custom", "accept"]


def test_values_lose_trailing_blanks_and_keep_every_byte() -> None:
    message = _message()
    message.on_header(b"a", b"\xe9\xff \t")
    assert message.take()[0]["a"].encode("latin-1") == b"\xe9\xff"


def test_of_a_repeated_header_the_first_value_stands() -> None:
    message = _message()
    message.on_header(b"a", b"1")
    message.on_header(b"A", b"2")
    assert message.take()[0] == {"a": "1"}


def test_taking_a_message_makes_room_for_the_next() -> None:
    message = _message(headers_max=2)
    for _ in range(3):
        message.on_header(b"a", b"1")
        message.on_header(b"b", b"1")
        message.body.append(b"x")
        assert message.take() == ({"a": "1", "b": "1"}, b"x")


def test_trailers_are_counted_and_dropped() -> None:
    message = _message(headers_max=2)
    message.on_header(b"Transfer-Encoding", b"chunked")
    message.on_chunk_header()
    message.on_chunk_header()
    message.on_header(b"authorization", b"smuggled")
    with pytest.raises(CallbackRefused):
        message.on_header(b"another", b"x")
    assert "authorization" not in message.headers
    assert isinstance(message.refusal, HeadersTooLarge)


def test_a_body_in_pieces_is_put_together() -> None:
    message = _message()
    message.body.extend([b"a", b"b"])
    assert message.overgrowth(2) is None
    message.body.append(b"c")
    assert message.overgrowth(1) is None
    assert message.take()[1] == b"abc"
    message.body.extend([b"d"])
    assert message.overgrowth(1) is None
    message.body.extend([b"e", b"f"])
    assert message.take()[1] == b"def"
    assert message.take()[1] == b""


def test_a_body_is_refused_as_soon_as_it_is_too_long() -> None:
    message = _message(body_bytes_max=3)
    message.body.append(b"abc")
    assert message.overgrowth(3) is None
    message.body.append(b"d")
    assert isinstance(message.overgrowth(1), BodyTooLarge)


def test_bytes_that_yield_nothing_are_bounded() -> None:
    message = _message(header_bytes_max=1000)
    assert message.overgrowth(4000) is None
    message.on_header(b"a", b"1")
    assert message.overgrowth(9999) is None  # a header came out of these
    assert message.overgrowth(4000) is None
    excess = message.overgrowth(25)
    assert str(excess) == "Header is too large (max size allowed: 1000)"


def test_too_large_names_what_is() -> None:
    refusal = too_large("Request target", ParserLimits(header_bytes_max=7))
    assert str(refusal) == "Request target is too large (max size allowed: 7)"
