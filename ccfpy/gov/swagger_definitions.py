"""Schemas of types as the definitions of a Swagger 2.0 document.

Applications' documents are OpenAPI 3, where every schema has a name. CCF writes the
documents of governance in Swagger 2.0 by hand: text, numbers, arrays and objects by
name are written out where they are used, and references lead elsewhere.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from ccfpy.base.json import Json, JsonObject
from ccfpy.base.schema import schema_of

ERROR_RESPONSE: Final = "Azure.Core.Foundations.ErrorResponse"
_REFERENCE: Final = "#/components/schemas/"
_PLAIN: Final[Mapping[str, JsonObject]] = {
    "base64string": {"type": "string", "format": "byte"},
    "integer": {"type": "integer"},
}
"""Schemas that Swagger writes in another way than OpenAPI."""
_PLAIN_NAMES: Final = frozenset({"boolean", "json", "string", *_PLAIN})
_DERIVED: Final = ("_array", "_to_")

_ERROR: Final[Json] = {"$ref": "#/definitions/Azure.Core.Foundations.Error"}
_INNER_ERROR: Final[Json] = {"$ref": "#/definitions/Azure.Core.Foundations.InnerError"}
_TEXT: Final[Json] = {"type": "string"}
_BY_HAND: Final[Mapping[str, Json]] = {
    # An error may hold errors: no type of ours may hold itself.
    "Azure.Core.Foundations.Error": {
        "type": "object",
        "properties": {
            "code": _TEXT,
            "message": _TEXT,
            "target": _TEXT,
            "details": {"type": "array", "items": _ERROR},
            "innererror": _INNER_ERROR,
        },
        "required": ["code", "message"],
    },
    "Azure.Core.Foundations.InnerError": {
        "type": "object",
        "properties": {"code": _TEXT, "innererror": _INNER_ERROR},
    },
    ERROR_RESPONSE: {
        "type": "object",
        "properties": {"error": _ERROR},
        "required": ["error"],
    },
    # Swagger has a word for the bounds of 64 bits.
    "safeuint": {"type": "integer", "format": "int64", "minimum": 0},
}


def definitions(kinds: Iterable[object]) -> dict[str, Json]:
    """Return the definitions of types and of all that they refer to, by name."""
    components: dict[str, Json] = {}
    for kind in kinds:
        components.update(schema_of(kind).components)
    named = {
        name: _written(schema, components)
        for name, schema in components.items()
        if not _is_written_out(name)
    }
    return {**named, **_BY_HAND}


def definition_name(kind: object) -> str:
    """Return the name of a type's definition."""
    return str(schema_of(kind).schema["$ref"]).removeprefix(_REFERENCE)


def _is_written_out(name: str) -> bool:
    is_derived = any(part in name for part in _DERIVED)
    return name in _PLAIN_NAMES or name.startswith("_") or is_derived


def _written(part: Json, components: Mapping[str, Json]) -> Json:
    if isinstance(part, list):
        return [_written(each, components) for each in part]
    if not isinstance(part, dict):
        return part
    reference = part.get("$ref")
    if not isinstance(reference, str):
        return {name: _written(each, components) for name, each in part.items()}
    name = reference.removeprefix(_REFERENCE)
    if _is_written_out(name):
        return _PLAIN.get(name) or _written(components[name], components)
    return {"$ref": f"#/definitions/{name}"}
