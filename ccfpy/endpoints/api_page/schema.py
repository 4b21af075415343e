"""Schemas as trees of HTML.

Every tree ends: a schema that contains itself is shown once, and levels and lines are
bounded.
"""

from collections.abc import Iterator

from ccfpy.base.json import Json, JsonObject
from ccfpy.endpoints.api_page.document import ApiDocument, as_list, as_object, text_at
from ccfpy.endpoints.api_page.example import written
from ccfpy.endpoints.api_page.text import element, escape

DEPTH_MAX = 10
LINES_MAX = 400
"""Lines of one tree; a schema can refer to others in more ways than a page can hold."""
VALUES_MAX = 30
"""Values of an enumeration that are listed."""
_LIMITS = {
    "format": "format",
    "pattern": "pattern",
    "minimum": "≥",
    "maximum": "≤",
    "minLength": "at least this long:",
    "maxLength": "at most this long:",
    "minItems": "at least",
    "maxItems": "at most",
    "default": "default",
}
_UINT64_MAX = 2**64 - 1


class SchemaTree:
    """Writes one schema of a document."""

    def __init__(self, document: ApiDocument) -> None:
        self._document = document
        self._lines = 0

    def html(self, schema: Json) -> str:
        """Return the tree of a schema."""
        self._lines = 0
        return element(
            "ul", self._line("", schema, (), is_required=True), kind="schema"
        )

    def _line(
        self, name: str, schema: Json, above: tuple[str, ...], *, is_required: bool
    ) -> str:
        self._lines += 1
        described, known_as = self._document.resolve(schema)
        parts = [element("code", escape(name), kind="name")] if name else []
        parts.append(element("span", escape(_type(described, known_as)), kind="type"))
        if name and is_required:
            parts.append(element("span", "required", kind="required"))
        parts += [element("span", each, kind="limit") for each in _limits(described)]
        if description := text_at(described, "description"):
            parts.append(element("span", escape(description), kind="prose"))
        ends = known_as in above or len(above) >= DEPTH_MAX
        below = "" if ends else self._below(described, (*above, known_as))
        return element("li", " ".join(parts) + below)

    def _below(self, described: JsonObject, above: tuple[str, ...]) -> str:
        lines: list[str] = []
        for name, schema, is_required in _parts(described):
            if self._lines >= LINES_MAX:
                lines.append(element("li", "and more", kind="prose"))
                break
            lines.append(self._line(name, schema, above, is_required=is_required))
        return element("ul", "".join(lines)) if lines else ""


def _parts(described: JsonObject) -> Iterator[tuple[str, Json, bool]]:
    """Return the schemas within a schema: name, schema, whether it is required."""
    required = as_list(described.get("required"))
    for name, schema in as_object(described.get("properties")).items():
        yield name, schema, name in required
    if "items" in described:
        yield "[ ]", described["items"], False
    if isinstance(described.get("additionalProperties"), dict):
        yield "{ any name }", described["additionalProperties"], False
    for kind in ("allOf", "oneOf", "anyOf"):
        for schema in as_list(described.get(kind)):
            yield kind, schema, False


def _type(described: JsonObject, known_as: str) -> str:
    values = as_list(described.get("enum"))
    if values:
        kind = " | ".join(written(value) for value in values[:VALUES_MAX])
    else:
        kind = text_at(described, "type") or ("object" if described else "any")
    if described.get("nullable") is True:
        kind += " or null"
    return f"{known_as}: {kind}" if known_as and known_as != kind else kind


def _limits(described: JsonObject) -> Iterator[str]:
    for field, word in _LIMITS.items():
        value = described.get(field)
        if value is not None and value != _UINT64_MAX:
            yield f"{escape(word)} {element('code', escape(written(value)))}"
