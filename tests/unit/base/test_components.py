"""Which schemas have names, and how other schemas refer to them."""

from ccfpy.base.components import without_name
from ccfpy.base.schema import schema_of
from tests.unit.base.test_schema import Colour, Name, Outer


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


def test_a_dictionary_is_named_after_its_keys() -> None:
    shape = schema_of(dict[Name, int])
    assert shape.schema == {"$ref": "#/components/schemas/Name_to_integer"}
    assert shape.read({"a": 1}) == {"a": 1}


def test_a_schema_can_be_had_without_its_name() -> None:
    assert without_name(schema_of(Colour)).schema == {
        "enum": ["red", "blue"],
        "type": "string",
    }
    bare = schema_of(dict)
    assert without_name(bare) is bare
