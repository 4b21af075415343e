"""Example values that fit schemas, as far as the schemas say."""

import json

from ccfpy.base.json import Json, JsonObject
from ccfpy.endpoints.api_page.document import ApiDocument, as_list, as_object, text_at

DEPTH_MAX = 10
PROPERTIES_MAX = 50
"""Of one object in an example."""
VALUES_MAX = 500
"""Of one example, at all its levels."""
TEXT_MAX = 4000
"""Characters of a value that are shown."""


def written(value: Json, *, indent: int | None = None) -> str:
    """Write a value as JSON, as far as a page should hold it."""
    try:
        text = json.dumps(value, ensure_ascii=False, indent=indent)
    except RecursionError:
        return "…"
    return text if len(text) <= TEXT_MAX else text[:TEXT_MAX] + "…"


def example(document: ApiDocument, schema: Json) -> Json:
    """Make a value that fits a schema."""
    return _Example(document).of(schema, DEPTH_MAX)


class _Example:
    """One value in the making; it ends even where schemas refer to each other."""

    def __init__(self, document: ApiDocument) -> None:
        self._document = document
        self._values_left = VALUES_MAX

    def of(self, schema: Json, depth: int) -> Json:
        """Return a value within the value, of which ``depth`` levels are left."""
        described, name = self._document.resolve(schema)
        self._values_left -= 1
        for field in ("example", "default"):
            if field in described:
                return described[field]
        if values := as_list(described.get("enum")):
            return values[0]
        if depth == 0 or self._values_left <= 0:
            return None
        for kind in ("allOf", "oneOf", "anyOf"):
            if parts := as_list(described.get(kind)):
                return self.of(parts[0], depth - 1)
        return self._of_type(described, name, depth - 1)

    def _of_type(self, described: JsonObject, name: str, depth: int) -> Json:
        match described.get("type"):
            case "object":
                return self._object(described, depth)
            case "array":
                return [self.of(described.get("items"), depth)]
            case "integer" | "number":
                least = described.get("minimum")
                return max(1, least) if isinstance(least, int | float) else 1
            case "boolean":
                return True
            case "string":
                return _text(text_at(described, "format"), name)
            case _:
                return {}

    def _object(self, described: JsonObject, depth: int) -> Json:
        """Return the required properties, or all properties if none is required."""
        properties = as_object(described.get("properties"))
        required = as_list(described.get("required")) or list(properties)
        return {
            name: self.of(inner, depth)
            for name, inner in list(properties.items())[:PROPERTIES_MAX]
            if name in required
        }


def _text(form: str, name: str) -> str:
    if form in ("base64", "byte"):
        return "aGVsbG8="
    if name.lower() == "transactionid":
        return "2.10"
    return "ab" * 32 if form == "hex" or name.endswith("Id") else "text"
