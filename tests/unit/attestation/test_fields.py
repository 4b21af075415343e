"""Records that others wrote are read strictly."""

from dataclasses import dataclass
from typing import Annotated

import pytest

from ccfpy.attestation.fields import hexadecimal, inlined_fields, read_exactly
from ccfpy.base.annotations import IntegerRange
from ccfpy.base.errors import Malformed
from ccfpy.base.json import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    hex: Annotated[bytes, hexadecimal(2)]
    n: Annotated[int, IntegerRange("n", 0, 3)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    part: Part
    flag: bool
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    data: bytes
    flag: bool
    more: str


RECORD: JsonObject = {"hex": "00ff", "n": 3, "flag": True, "data": "AQI="}
WHOLE = Whole(part=Part(hex=b"\x00\xff", n=3), flag=True, data=b"\1\2")


def test_a_part_has_its_fields_beside_the_others() -> None:
    assert read_exactly(Whole, RECORD, "a record", "part") == WHOLE
    assert inlined_fields(WHOLE, "part") == RECORD


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"hex": "00"}, "a record: .*hex: expected 2 bytes in hex"),
        ({"hex": "none"}, "hex: expected 2 bytes in hex"),
        ({"hex": 1}, "hex: expected 2 bytes in hex"),
        ({"n": 4}, r"expected an integer in \[0, 3\]"),
        ({"n": -1}, "expected an integer"),
        ({"n": True}, "expected an integer"),
        ({"n": 3.0}, "expected an integer"),
        ({"flag": 1}, "flag: expected a boolean"),
        ({"data": "%"}, "data: expected base64"),
        ({"more": None}, "unknown fields"),
        ({"part": {"hex": "00ff", "n": 3}}, "unknown fields"),
    ],
)
def test_anything_else_is_refused(change: JsonObject, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        read_exactly(Whole, RECORD | change, "a record", "part")


@pytest.mark.parametrize("name", RECORD)
def test_no_field_may_lack(name: str) -> None:
    left = {key: value for key, value in RECORD.items() if key != name}
    lacks = f"required field '{name}'" if name in ("hex", "n") else f"lacks {name}"
    with pytest.raises(Malformed, match=lacks):
        read_exactly(Whole, left, "a record", "part")


def test_a_record_that_lacks_a_field_is_not_told() -> None:
    record: JsonObject = {"data": "c2VjcmV0", "flag": True}
    with pytest.raises(Malformed) as refused:
        read_exactly(Secret, record, "a record")
    assert str(refused.value) == "a record lacks more"


@pytest.mark.parametrize("text", ["00FF", "00 ff", " 00ff", "00f"])
def test_hex_is_written_one_way(text: str) -> None:
    with pytest.raises(Malformed):
        read_exactly(Whole, RECORD | {"hex": text}, "a record", "part")
