"""Keys and values of tables as people and programs read them."""

from ccfpy.base.errors import Malformed
from ccfpy.base.json import dumps, loads
from ccfpy.kv.changes import Writes

VALUE_CHARACTERS_MAX = 120
"""Characters of a value that is shown in short."""


def writes_as_json(writes: Writes) -> dict[str, object]:
    """Return a table's keys and values; a value that is JSON is parsed."""
    return {as_text(key): value_as_json(value) for key, value in writes.items()}


def value_as_json(value: bytes | None) -> object:
    """Parse a value if it is JSON; otherwise return its text."""
    if value is None:
        return None
    try:
        return loads(value)
    except Malformed:
        return as_text(value)


def as_text(data: bytes) -> str:
    """Return bytes as text if they are printable, otherwise as hex."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return data.hex()
    return text if text.replace("\n", "").isprintable() else data.hex()


def value_line(value: bytes | None, limit: int | None) -> str:
    """Return a value for people; ``limit`` is of characters, on one line."""
    if value is None:
        return "removed"
    shown = value_as_json(value)
    text = shown if isinstance(shown, str) else dumps(shown).decode()
    if limit is None:
        return text
    text = text.replace("\n", " ")
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"
