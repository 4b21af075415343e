"""How values of every type are read from JSON, refused, and written again."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, NewType, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base import json
from ccfpy.base.annotations import (
    JSON_NAME,
    U64,
)
from ccfpy.base.errors import Malformed
from ccfpy.base.ids import TxId
from ccfpy.base.json import Json, JsonObject
from ccfpy.base.schema import schema_of


class Colour(enum.StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Inner:
    data: bytes
    colour: Colour = Colour.RED


@dataclass(frozen=True)
class Outer:
    id: U64
    inner: Inner
    names: list[str] = field(default_factory=list)
    blobs: list[bytes] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    sealed: dict[str, bytes] = field(default_factory=dict)
    maybe: bytes | None = None
    ratio: float | None = None
    next_link: str | None = field(default=None, metadata={JSON_NAME: "@nextLink"})
    extra: Json = None
    kind: Literal["a", 1] = "a"
    computed: int = field(default=3, init=False)


@dataclass(frozen=True)
class Even:
    number: int

    def __post_init__(self) -> None:
        if self.number % 2:
            raise ValueError(f"{self.number} is odd")


def _json_of(kind: object, value: object) -> Json:
    write = schema_of(kind).write
    return json.loads(json.dumps(value if write is None else write(value)))


WHOLE: JsonObject = {
    "id": 2**64 - 1,
    "inner": {"data": "AQI=", "colour": "blue"},
    "names": ["n"],
    "blobs": ["AA=="],
    "counts": {"c": -1},
    "sealed": {"s": "AA=="},
    "maybe": "AA==",
    "ratio": 0.5,
    "@nextLink": "/next",
    "extra": {"any": [1, None]},
    "kind": 1,
}


def test_everything_is_read_and_written_again() -> None:
    value = schema_of(Outer).read(WHOLE)
    assert value.inner == Inner(data=b"\1\2", colour=Colour.BLUE)
    assert (value.next_link, value.maybe, value.sealed) == (
        "/next",
        b"\0",
        {"s": b"\0"},
    )
    assert _json_of(Outer, value) == WHOLE


def test_defaults_are_not_written_and_need_not_be_there() -> None:
    least: JsonObject = {"id": 1, "inner": {"data": ""}}
    value = schema_of(Outer).read(least)
    assert value == Outer(id=1, inner=Inner(data=b""))
    assert _json_of(Outer, value) == least
    assert schema_of(Outer).read({**least, "maybe": None, "unknown": 3}) == value


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        (str, 1, "At #/: expected text, found 1"),
        (bool, 1, "At #/: expected a boolean, found 1"),
        (
            int,
            True,
            "expected an integer in [-9223372036854775808, 18446744073709551615]",
        ),
        (int, 1e30, "expected an integer"),
        (int, 1.0, "found 1.0"),
        (U64, -1, "expected an integer in [0, 18446744073709551615], found -1"),
        (float, "1", 'expected a number, found "1"'),
        (float, True, "expected a number, found true"),
        (bytes, 1, "expected base64, found 1"),
        (bytes, "?", 'expected base64, found "?"'),
        (None, 1, "expected null, found 1"),
        (list[int], {}, "expected an array, found {}"),
        (list[int], [1, "x"], "At #/1: expected an integer"),
        (dict[str, int], [], "expected an object, found []"),
        (dict[str, int], {"a": None}, "At #/a: expected an integer"),
        (dict, 1, "expected an object"),
        (list, 1, "expected an array"),
        (JsonObject, 2, "expected an object"),
        (Colour, "green", 'expected one of "red", "blue", found "green"'),
        (Literal["a"], ["a"], 'expected one of "a", found ["a"]'),
        (Outer, 3, "At #/: expected an object, found 3"),
        (Outer, {"id": 1}, "At #/: Missing required field 'inner' in object"),
        (Outer, {"id": "x"}, "At #/id: expected an integer"),
        (Outer, {"id": 1, "inner": {"data": 1}}, "At #/inner/data: expected base64"),
        (Even, {"number": 3}, "At #/: 3 is odd"),
        (TxId, "2.x", "not a transaction id: '2.x'"),
        (TxId, 2, "At #/: expected a transaction id, found 2"),
        (tuple[int, ...], {}, "expected an array, found {}"),
        (tuple[int, ...], [1, "x"], "At #/1: expected an integer"),
        (str, list(range(1000)), "..."),
    ],
)
def test_other_json_is_refused_by_place(
    kind: object, value: Json, message: str
) -> None:
    with pytest.raises(Malformed) as refusal:
        schema_of(kind).read(value)
    assert message in str(refusal.value)
    assert len(str(refusal.value)) < 300


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (str, "x"),
        (bool, False),
        (int, -5),
        (U64, 2**64 - 1),
        (float, 1.5),
        (bytes, b"\0\xff"),
        (None, None),
        (type(None), None),
        (str | None, None),
        (Optional[bytes], b"x"),  # noqa: UP045 - the older spelling is a type of its own
        (Optional[bytes], None),  # noqa: UP045 - the older spelling is a type of its own
        (list[bytes], [b"x"]),
        (dict[str, Json], {"a": [None, {}]}),
        (list[Json], [1, "a"]),
        (Json, {"a": 1}),
        (TxId, TxId(2, 13)),
        (tuple[int, ...], (1, 2)),
        (tuple[bytes, ...], (b"x",)),
        (Mapping[str, bytes], {"a": b"x"}),
        (Any, [1]),
        (Colour, Colour.BLUE),
        (Annotated[str, "a note"], "x"),
    ],
)
def test_values_survive_json(kind: object, value: object) -> None:
    assert schema_of(kind).read(_json_of(kind, value)) == value


_values = st.builds(
    Outer,
    id=st.integers(0, 2**64 - 1),
    inner=st.builds(Inner, data=st.binary(), colour=st.sampled_from(Colour)),
    names=st.lists(st.text()),
    blobs=st.lists(st.binary()),
    counts=st.dictionaries(st.text(), st.integers(-(2**63), 2**64 - 1)),
    sealed=st.dictionaries(st.text(), st.binary()),
    maybe=st.none() | st.binary(),
    ratio=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    next_link=st.none() | st.text(),
    kind=st.sampled_from(["a", 1]),
)


@pytest.mark.slow
@given(_values)
def test_every_object_survives_json(value: Outer) -> None:
    assert schema_of(Outer).read(_json_of(Outer, value)) == value


@pytest.mark.parametrize(
    "kind",
    ["text", set, complex, int | str, dict[int, str], Optional[int | str], tuple[int]],  # noqa: UP045 - the older spelling is a type of its own
)
def test_a_type_without_a_form_is_refused_when_declared(kind: object) -> None:
    with pytest.raises(TypeError, match="JSON"):
        schema_of(kind)


def test_what_is_one_of_few_says_of_what_type_they_are() -> None:
    assert schema_of(Literal["a", "b"]).schema == {"enum": ["a", "b"], "type": "string"}
    assert schema_of(Literal[1, 2]).schema == {"enum": [1, 2], "type": "integer"}
    assert schema_of(Literal[True]).schema == {"enum": [True], "type": "boolean"}
    assert schema_of(Literal["a", 1]).schema == {"enum": ["a", 1]}


Name = NewType("Name", str)


def test_an_id_is_text() -> None:
    assert schema_of(Name) is schema_of(str)


@dataclass(frozen=True)
class Tree:
    branches: list["Branch"]


@dataclass(frozen=True)
class Branch:
    tree: Optional["Tree"]


@pytest.mark.parametrize("kind", [Tree, Branch, list[Tree]])
def test_a_type_that_contains_itself_is_refused_each_time(kind: object) -> None:
    for _ in range(2):
        with pytest.raises(RecursionError, match="contains itself"):
            schema_of(kind)
