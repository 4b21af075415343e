"""Schemas become trees that end."""

from typing import TYPE_CHECKING

from ccfpy.endpoints.api_page.document import ApiDocument
from ccfpy.endpoints.api_page.page import LINES_MAX, VALUES_MAX, SchemaTree

if TYPE_CHECKING:
    from ccfpy.base.json import JsonObject

TREE = SchemaTree(ApiDocument({}))


def test_types_names_and_limits_are_told() -> None:
    text = TREE.html(
        {
            "type": "object",
            "required": ["id"],
            "properties": {"id": {"type": "integer", "minimum": 3, "nullable": True}},
        }
    )
    assert "integer or null" in text
    assert "required" in text
    assert "≥ <code>3</code>" in text


def test_lines_beyond_the_bound_are_told_to_be_there() -> None:
    def tree(count: int) -> str:
        properties: JsonObject = {f"p{i}": {"type": "string"} for i in range(count)}
        return TREE.html({"type": "object", "properties": properties})

    assert "and more" not in tree(LINES_MAX - 1)
    assert "and more" in tree(LINES_MAX)


def test_values_beyond_the_bound_are_left_out() -> None:
    text = TREE.html({"enum": [f"v{number}" for number in range(VALUES_MAX + 1)]})
    assert f"v{VALUES_MAX - 1}" in text
    assert f"v{VALUES_MAX}" not in text
