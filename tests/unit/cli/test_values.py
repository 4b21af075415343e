"""How keys and values are printed."""

import pytest

from ccfpy.cli.values import as_text, value_line, writes_as_json


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"plain", "plain"),
        (b"two\nlines", "two\nlines"),
        (b"\0", "00"),
        (b"\xff", "ff"),
    ],
)
def test_what_is_not_printable_is_hex(data: bytes, text: str) -> None:
    assert as_text(data) == text


@pytest.mark.parametrize(
    ("value", "limit", "line"),
    [
        (None, 3, "removed"),
        (b"abc", 3, "abc"),
        (b"abcd", 3, "abc… (4 characters)"),
        (b"a\nb", 3, "a b"),
        (b"a\nb", None, "a\nb"),
        (b'{"a": 1}', None, '{"a":1}'),
        (b'"text"', None, "text"),
    ],
)
def test_a_value_on_a_line(value: bytes | None, limit: int | None, line: str) -> None:
    assert value_line(value, limit) == line


def test_values_that_are_json_are_given_as_what_they_say() -> None:
    writes = {b"a": b"[1]", b"\0": b"text", b"gone": None}
    assert writes_as_json(writes) == {"a": [1], "00": "text", "gone": None}
