"""All that is wrong with a value is found, wherever it is."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.annotations import U64, closed
from ccfpy.base.errors import Malformed
from ccfpy.base.ids import TxId
from ccfpy.base.json import Json
from ccfpy.base.problems import problems_of
from ccfpy.base.schema import schema_of


@closed
@dataclass(frozen=True)
class Item:
    name: str
    size: U64 = 0

    def __post_init__(self) -> None:
        if self.name == "odd":
            raise ValueError("an odd name")


@dataclass(frozen=True)
class Order:
    items: list[Item]
    by: dict[str, Item] = field(default_factory=dict)
    note: Item | None = None
    after: TxId | None = None


SHAPE = schema_of(Order)


def _problems(value: Json) -> list[str]:
    return [str(problem) for problem in problems_of(SHAPE, value)]


def test_every_part_is_looked_at() -> None:
    value: Json = {
        "items": [{"name": 1}, {"name": "a"}, {"size": -1, "colour": "red"}, 5],
        "by": {"ann": {"name": "odd"}},
        "note": {"name": "b", "size": None},
        "after": "x",
    }
    assert _problems(value) == [
        "At #/items/0/name: expected text, found 1",
        "At #/items/2/name: missing required field",
        "At #/items/2/size: expected an integer in [0, 18446744073709551615], found -1",
        "At #/items/2/colour: unknown field",
        "At #/items/3: expected an object, found 5",
        "At #/by/ann: an odd name",
        "At #/note/size: expected an integer in [0, 18446744073709551615], found null",
        "At #/after: not a transaction id: 'x'",
    ]


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, "At #/: expected an object, found null"),
        ({}, "At #/items: missing required field"),
        ({"items": 1}, "At #/items: expected an array"),
        ({"items": [], "by": 1}, "At #/by: expected an object"),
    ],
)
def test_what_is_no_object_or_list_at_all_is_one_problem(
    value: Json, problem: str
) -> None:
    assert _problems(value) == [problem]


_LEAVES: st.SearchStrategy[Json] = st.sampled_from([None, 1, "a", "odd", -1, []])
_ITEMS = st.dictionaries(st.sampled_from(["name", "size", "x"]), _LEAVES) | _LEAVES


@given(
    st.dictionaries(
        st.sampled_from(["items", "by", "note", "after"]),
        st.lists(_ITEMS) | st.dictionaries(st.sampled_from("ab"), _ITEMS) | _ITEMS,
    )
)
def test_there_are_problems_where_reading_refuses_and_nowhere_else(
    value: dict[str, Json],
) -> None:
    try:
        SHAPE.read(value)
    except Malformed:
        assert _problems(value)
    else:
        assert not _problems(value)
