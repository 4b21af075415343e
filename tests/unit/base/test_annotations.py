"""The effects of notes in annotations on the allowed values and the schema."""

from dataclasses import FrozenInstanceError, dataclass, field
from typing import Annotated, Literal

import pytest

from ccfpy.base import json
from ccfpy.base.annotations import (
    LEFT_OUT,
    REQUIRED,
    DescribedAs,
    Inline,
    IntegerRange,
    OrAbsent,
    SchemaName,
    TextFormat,
    described,
)
from ccfpy.base.errors import Malformed
from ccfpy.base.schema import fields_of, schema_of
from tests.unit.base.test_schema import Colour, Name

Word = Annotated[Name, TextFormat("Word", pattern="[a-z]+", format="hex")]


def test_a_range_of_ones_own_has_a_name_of_its_own() -> None:
    shape = schema_of(Annotated[int, IntegerRange("percent", 0, 100)])
    assert shape.schema == {"$ref": "#/components/schemas/percent"}
    assert shape.read(100) == 100
    with pytest.raises(Malformed):
        shape.read(101)


@dataclass(frozen=True)
class Empty:
    pass


def test_annotations_that_say_nothing_change_nothing() -> None:
    assert schema_of(Annotated[int, "a note"]) == schema_of(int)
    assert "required" not in str(schema_of(Empty).components)


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


def test_a_schema_can_be_written_out_where_it_is_used() -> None:
    shape = schema_of(Annotated[list[Renamed], Inline()])
    assert shape.components == {}
    assert shape.schema["type"] == "array"
    assert "$ref" not in json.dumps(shape.schema).decode()
    assert shape.read([{"colour": "red"}]) == [Renamed(colour=Colour.RED)]
    choice = schema_of(Annotated[str, Inline(one_of=True), SchemaName("Word")])
    assert choice.components == {"Word": {"oneOf": [{"type": "string"}]}}


@dataclass(frozen=True)
class Lacking:
    size: int = field(default=1, metadata=REQUIRED)
    note: OrAbsent[bytes] = None
    word: str = LEFT_OUT
    kind: Annotated[str, DescribedAs(Colour)] = "any"


def test_a_required_field_is_written_although_it_equals_its_default() -> None:
    assert fields_of(Lacking()) == {"size": 1}
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


@described("GetIt__Out")
class Titled:
    """A record."""

    size: int = 1


def test_a_record_is_frozen_and_called_as_it_is_described() -> None:
    thing = Titled(size=2)
    with pytest.raises(FrozenInstanceError):
        thing.size = 3  # type: ignore[misc]  # what is tested
    assert schema_of(Titled).schema == {"$ref": "#/components/schemas/GetIt__Out"}
    assert schema_of(Titled).read({"size": 2}) == thing
