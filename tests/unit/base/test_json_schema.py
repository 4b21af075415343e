"""Schemas of other libraries, as OpenAPI 3.0 writes them."""

import pytest

from ccfpy.base.json import Json
from ccfpy.base.json_schema import openapi


@pytest.mark.parametrize(
    ("schema", "written"),
    [
        ({"const": "a", "title": "A"}, {"enum": ["a"], "title": "A"}),
        (
            {"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 9},
            {
                "type": "integer",
                "minimum": 0,
                "exclusiveMinimum": True,
                "maximum": 9,
                "exclusiveMaximum": True,
            },
        ),
        (
            {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            {"allOf": [{"type": "string"}], "nullable": True, "default": None},
        ),
        (
            {"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]},
            {"anyOf": [{"type": "string"}, {"type": "integer"}], "nullable": True},
        ),
        ({"type": ["string", "null"]}, {"type": "string", "nullable": True}),
        ({"$ref": "#/x"}, {"$ref": "#/x"}),
        (
            {"$ref": "#/x", "default": 1},
            {"allOf": [{"$ref": "#/x"}], "default": 1},
        ),
        (
            {"prefixItems": [{}], "type": "array", "examples": [[1]]},
            {"items": {}, "type": "array"},
        ),
        (
            {"properties": {"const": {"const": 1}, "examples": {"type": "null"}}},
            {"properties": {"const": {"enum": [1]}, "examples": {"nullable": True}}},
        ),
        (
            {"default": {"const": 1}, "items": True},
            {"default": {"const": 1}, "items": True},
        ),
    ],
)
def test_a_schema_is_written_as_openapi_has_it(schema: Json, written: Json) -> None:
    assert openapi(schema) == written
