"""From JSON Schema, as other libraries write it, to the schemas of OpenAPI 3.0."""

from typing import Final

from ccfpy.base.json import Json, JsonObject

_VALUES: Final = frozenset({"default", "enum", "example", "required", "type"})
"""Keywords whose value is no schema."""
_NAMED: Final = frozenset({"properties"})
"""Keywords whose value has schemas by names that are no keywords."""
_UNKNOWN: Final = frozenset(
    {
        "$comment",
        "$defs",
        "$schema",
        "contentEncoding",
        "contentMediaType",
        "examples",
        "patternProperties",
        "propertyNames",
        "unevaluatedProperties",
    }
)
"""Keywords that OpenAPI 3.0 does not have, and that only narrow what is allowed."""


def openapi(schema: Json) -> Json:
    """Return a schema of JSON Schema 2020-12 as OpenAPI 3.0 writes it.

    What OpenAPI cannot say is left out, so the result may allow more.
    """
    if isinstance(schema, list):
        return [openapi(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    written: JsonObject = {}
    for keyword, value in schema.items():
        if keyword in _UNKNOWN:
            continue
        if keyword in _VALUES:
            written[keyword] = value
        elif keyword in _NAMED and isinstance(value, dict):
            written[keyword] = {name: openapi(each) for name, each in value.items()}
        else:
            written[keyword] = openapi(value)
    _rewrite_constants(written)
    _rewrite_bounds(written)
    _rewrite_null(written)
    if "$ref" in written and len(written) > 1:
        written["allOf"] = [{"$ref": written.pop("$ref")}]
    return written


def _rewrite_constants(written: JsonObject) -> None:
    if "const" in written:
        written["enum"] = [written.pop("const")]
    if "prefixItems" in written:
        del written["prefixItems"]
        written["items"] = {}


def _rewrite_bounds(written: JsonObject) -> None:
    for side in ("inimum", "aximum"):
        bound = written.get(f"exclusiveM{side}")
        if isinstance(bound, (int, float)) and not isinstance(bound, bool):
            written[f"m{side}"] = bound
            written[f"exclusiveM{side}"] = True


def _rewrite_null(written: JsonObject) -> None:
    kinds = written.get("type")
    if kinds == "null":
        del written["type"]
        written["nullable"] = True
    if isinstance(kinds, list):
        others = [kind for kind in kinds if kind != "null"]
        written["nullable"] = len(others) < len(kinds)
        written["type"] = others[0]
    for choice in ("anyOf", "oneOf"):
        parts = written.get(choice)
        if not isinstance(parts, list) or {"nullable": True} not in parts:
            continue
        rest = [part for part in parts if part != {"nullable": True}]
        del written[choice]
        written["allOf" if len(rest) == 1 else choice] = rest
        written["nullable"] = True
