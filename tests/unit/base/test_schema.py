import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, NewType, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base import json
from ccfpy.base.errors import Malformed
from ccfpy.base.ids import TxId
from ccfpy.base.json import Json, JsonObject
from ccfpy.base.records import described
from ccfpy.base.schema import (
    JSON_NAME,
    LEFT_OUT,
    REQUIRED,
    U64,
    DescribedAs,
    Inline,
    IntegerRange,
    OrAbsent,
    SchemaName,
    TextFormat,
    schema_of,
    without_name,
)


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


def test_schemas_are_named_and_refer_to_each_other() -> None:
    shape = schema_of(Outer)
    assert shape.schema == {"$ref": "#/components/schemas/Outer"}
    described = shape.components["Outer"]
    assert isinstance(described, dict)
    assert described["required"] == ["id", "inner"]
    properties = described["properties"]
    assert isinstance(properties, dict)
    assert properties["@nextLink"] == {
        "allOf": [{"$ref": "#/components/schemas/string"}],
        "nullable": True,
    }
    assert shape.components["uint64"] == {
        "maximum": 2**64 - 1,
        "minimum": 0,
        "type": "integer",
    }
    assert shape.components["Colour"] == {
        "enum": ["red", "blue"],
        "type": "string",
    }


def test_a_range_of_ones_own_has_a_name_of_its_own() -> None:
    shape = schema_of(Annotated[int, IntegerRange("percent", 0, 100)])
    assert shape.schema == {"$ref": "#/components/schemas/percent"}
    assert shape.read(100) == 100
    with pytest.raises(Malformed):
        shape.read(101)


def test_annotations_that_say_nothing_change_nothing() -> None:
    assert schema_of(Annotated[int, "a note"]) == schema_of(int)
    assert "required" not in str(schema_of(Empty).components)


@dataclass(frozen=True)
class Empty:
    pass


def test_lists_and_dictionaries_are_named_after_their_parts() -> None:
    shape = schema_of(dict[str, list[int | None]])
    assert shape.schema == {
        "additionalProperties": schema_of(list[int | None]).schema,
        "type": "object",
    }
    shape = schema_of(dict[str, list[str]])
    assert shape.schema == {"$ref": "#/components/schemas/string_to_string_array"}
    assert shape.components["string_to_string_array"] == {
        "additionalProperties": {"$ref": "#/components/schemas/string_array"},
        "type": "object",
    }
    assert shape.components["string_array"] == {
        "items": {"$ref": "#/components/schemas/string"},
        "type": "array",
    }


def test_what_is_one_of_few_says_of_what_type_they_are() -> None:
    assert schema_of(Literal["a", "b"]).schema == {"enum": ["a", "b"], "type": "string"}
    assert schema_of(Literal[1, 2]).schema == {"enum": [1, 2], "type": "integer"}
    assert schema_of(Literal[True]).schema == {"enum": [True], "type": "boolean"}
    assert schema_of(Literal["a", 1]).schema == {"enum": ["a", 1]}


Name = NewType("Name", str)
Word = Annotated[Name, TextFormat("Word", pattern="[a-z]+", format="hex")]


def test_text_of_a_format_is_named_and_read_whole() -> None:
    shape = schema_of(Word)
    assert shape.schema == {"$ref": "#/components/schemas/Word"}
    assert shape.components == {
        "Word": {"type": "string", "pattern": "[a-z]+", "format": "hex"}
    }
    assert shape.read("abc") == "abc"
    for wrong in ("", "abc\n", "Abc", 5, None):
        with pytest.raises(Malformed, match="expected a Word"):
            shape.read(wrong)


def test_text_of_a_name_alone_may_be_any_text() -> None:
    shape = schema_of(Annotated[str, TextFormat("Pem")])
    assert shape.components == {"Pem": {"type": "string"}}
    assert shape.read("") == ""
    with pytest.raises(Malformed, match="expected a Pem"):
        shape.read(5)


def test_a_dictionary_is_named_after_its_keys() -> None:
    shape = schema_of(dict[Name, int])
    assert shape.schema == {"$ref": "#/components/schemas/Name_to_integer"}
    assert shape.read({"a": 1}) == {"a": 1}


@described("GetIt__Out")
class Renamed:
    colour: Annotated[Colour, SchemaName("Paint")]
    size: Annotated[Literal["S", "L"], SchemaName("Size")] = "S"


def test_a_schema_can_have_another_name_than_its_type() -> None:
    shape = schema_of(Renamed)
    assert shape.schema == {"$ref": "#/components/schemas/GetIt__Out"}
    assert set(shape.components) == {"GetIt__Out", "Paint", "Size"}
    assert shape.components["Paint"] == {"enum": ["red", "blue"], "type": "string"}
    assert shape.read({"colour": "red"}) == Renamed(colour=Colour.RED)


def test_a_schema_can_be_had_without_its_name() -> None:
    assert without_name(schema_of(Colour)).schema == {
        "enum": ["red", "blue"],
        "type": "string",
    }
    bare = schema_of(dict)
    assert without_name(bare) is bare


def test_a_schema_can_be_written_out_where_it_is_used() -> None:
    shape = schema_of(Annotated[list[Renamed], Inline()])
    assert shape.components == {}
    assert shape.schema["type"] == "array"
    assert "$ref" not in json.dumps(shape.schema).decode()
    assert shape.read([{"colour": "red"}]) == [Renamed(colour=Colour.RED)]
    choice = schema_of(Annotated[str, Inline(one_of=True), SchemaName("Word")])
    assert choice.components == {"Word": {"oneOf": [{"type": "string"}]}}


def test_an_id_is_text() -> None:
    assert schema_of(Name) is schema_of(str)


@dataclass(frozen=True)
class Lacking:
    size: int = field(default=1, metadata=REQUIRED)
    note: OrAbsent[bytes] = None
    word: str = LEFT_OUT
    kind: Annotated[str, DescribedAs(Colour)] = "any"


def test_a_required_field_is_written_although_it_equals_its_default() -> None:
    assert _json_of(Lacking, Lacking()) == {"size": 1}
    with pytest.raises(Malformed, match="Missing required field 'size'"):
        schema_of(Lacking).read({})


def test_what_may_lack_is_described_without_null() -> None:
    shape = schema_of(Lacking)
    described = shape.components["Lacking"]
    assert isinstance(described, dict)
    assert described["required"] == ["size"]
    assert described["properties"] == {
        "size": {"$ref": "#/components/schemas/integer"},
        "note": {"$ref": "#/components/schemas/base64string"},
        "word": {"$ref": "#/components/schemas/string"},
        "kind": {"$ref": "#/components/schemas/Colour"},
    }
    assert shape.read({"size": 2, "note": None}) == Lacking(2)
    assert shape.read({"size": 2, "note": "AA=="}) == Lacking(2, b"\0")
    with pytest.raises(Malformed, match="#/word"):
        shape.read({"size": 2, "word": None})


def test_a_type_can_be_described_as_another_and_read_as_itself() -> None:
    shape = schema_of(Lacking)
    assert shape.read({"size": 1, "kind": "no colour"}) == Lacking(kind="no colour")
    assert shape.components["Colour"] == {"enum": ["red", "blue"], "type": "string"}
