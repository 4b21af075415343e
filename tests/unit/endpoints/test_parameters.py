import enum
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.annotations import U64, IntegerRange, TextFormat
from ccfpy.base.ids import UserId
from ccfpy.endpoints.binding import parameter_reader


class Colour(enum.Enum):
    RED = "red"
    TWO = 2


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (str, "", ""),
        (str, "x", "x"),
        (bool, "true", True),
        (bool, "false", False),
        (bool, "True", None),
        (int, "-3", -3),
        (int, "+3", None),
        (int, " 3", None),
        (int, "", None),
        (int, "-", None),
        (int, "--3", None),
        (int, "3-", None),
        (int, "²", None),
        (int, "0" * 38 + "3", 3),
        (int, "0" * 39 + "3", None),
        (int, "-" + "0" * 38 + "3", -3),
        (int, "-" + "0" * 39 + "3", None),
        (int, "3_0", None),
        (int, "٣", None),
        (int, str(2**64), None),
        (int, "9" * 5000, None),
        (U64, "-1", None),
        (U64, str(2**64 - 1), 2**64 - 1),
        (U64, str(2**64), None),
        (Annotated[int, "a note"], "4", 4),
        (Annotated[int, IntegerRange("percent", 0, 100)], "101", None),
        (UserId, "aa", "aa"),
        (UserId | None, "aa", "aa"),
        (float, "1.5", 1.5),
        (float, "x", None),
        (int | None, "4", 4),
        (Literal["a", 1], "1", 1),
        (Literal["a", 1], "b", None),
        (date, "2026-01-31", date(2026, 1, 31)),
        (date, "2026-1-31", None),
        (UUID, str(UUID(int=7)), UUID(int=7)),
        (Decimal, "9.90", Decimal("9.90")),
        (Annotated[str, TextFormat("Code", "[A-Z]{3}")], "EUR", "EUR"),
        (Annotated[str, TextFormat("Code", "[A-Z]{3}")], "eur", None),
        (Colour, "2", Colour.TWO),
        (Colour, "TWO", None),
    ],
)
def test_text_is_read_strictly(kind: object, text: str, value: object) -> None:
    assert parameter_reader(kind).parse(text) == value


@given(st.integers(-(2**63), 2**64 - 1))
def test_every_integer_survives_text(value: int) -> None:
    assert parameter_reader(int).parse(str(value)) == value


@pytest.mark.parametrize("kind", [bytes, list[int], int | str, dict, type(None)])
def test_a_type_without_a_text_is_refused_when_declared(kind: object) -> None:
    with pytest.raises(TypeError, match="no form"):
        parameter_reader(kind)


def test_errors_name_flags_as_ccf_does() -> None:
    assert parameter_reader(bool).kind == " as bool"
    assert parameter_reader(int).kind == ""
    assert parameter_reader(int).schema == {"$ref": "#/components/schemas/integer"}
