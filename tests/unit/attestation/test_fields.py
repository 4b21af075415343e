"""Records that others wrote are read strictly."""

from collections.abc import Callable

import pytest

from ccfpy.attestation.fields import Fields
from ccfpy.base.errors import Malformed
from ccfpy.base.json import JsonObject

RECORD: JsonObject = {
    "text": "t",
    "hex": "00ff",
    "n": 3,
    "flag": True,
    "o": {"a": 1},
    "l": [1],
}


def test_each_field_is_read_as_what_it_is() -> None:
    fields = Fields(RECORD, "a record")
    assert fields.text("text") == "t"
    assert fields.hexadecimal("hex", 2) == b"\x00\xff"
    assert fields.number("n", 3) == 3
    assert fields.flag("flag") is True
    assert fields.object("o") == {"a": 1}
    assert fields.array("l") == [1]
    fields.end()


@pytest.mark.parametrize(
    ("read", "reason"),
    [
        (lambda f: f.text("n"), "a record: n is not text"),
        (lambda f: f.hexadecimal("hex", 3), "hex is not 3 bytes in lower-case hex"),
        (lambda f: f.hexadecimal("text", 1), "text is not 1 bytes"),
        (lambda f: f.number("n", 2), "n is not a number from 0 to 2"),
        (lambda f: f.number("flag", 2), "flag is not a number"),
        (lambda f: f.flag("n"), "n is not true or false"),
        (lambda f: f.object("l"), "l is not an object"),
        (lambda f: f.array("o"), "o is not an array"),
        (lambda f: f.text("none"), "a record lacks none"),
        (lambda f: f.end(), "a record: unknown flag, hex, l, n, o, text"),
    ],
)
def test_anything_else_is_refused(
    read: Callable[[Fields], object], reason: str
) -> None:
    with pytest.raises(Malformed, match=reason):
        read(Fields(RECORD, "a record"))


@pytest.mark.parametrize("text", ["00FF", "0 0ff", " 00ff", "00f"])
def test_hex_is_written_one_way(text: str) -> None:
    with pytest.raises(Malformed):
        Fields({"hex": text}, "a record").hexadecimal("hex", 2)


def test_a_field_is_read_once() -> None:
    fields = Fields(RECORD, "a record")
    fields.text("text")
    with pytest.raises(Malformed, match="lacks text"):
        fields.text("text")
