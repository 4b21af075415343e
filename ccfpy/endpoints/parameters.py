"""How a Python type is read from a path or a query string: text, numbers, flags."""

import enum
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from ccfpy.base.annotations import INTEGER, IntegerRange
from ccfpy.base.components import Schema
from ccfpy.base.json import Json, JsonObject
from ccfpy.base.mismatch import Mismatch
from ccfpy.base.schema import schema_of, shown
from ccfpy.base.value_schemas import VALUES

_DIGITS_MAX: Final = 39
"""More than any range has; ``int`` refuses very long texts in its own way."""


@dataclass(frozen=True, slots=True)
class ParameterReader:
    """One type's form as text.

    Attributes:
        parse: gives the value; ``None`` if the text is none.
        kind: how CCF's error names the type, after the value.
    """

    parse: Callable[[str], Any]
    kind: str
    schema: JsonObject
    components: Mapping[str, Json]


def parameter_reader(annotation: object) -> ParameterReader:
    """Return the reader of a type; an optional type is read as its other part.

    Raises:
        TypeError: text has no form for it.
    """
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        others = [each for each in arguments if each is not types.NoneType]
        if len(others) == 1:
            return parameter_reader(others[0])
    parse, kind = _parser(annotation)
    shape = schema_of(annotation)
    return ParameterReader(parse, kind, shape.schema, shape.components)


def _parser(annotation: object) -> tuple[Callable[[str], Any], str]:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, type) and annotation in _SIMPLE:
        return _SIMPLE[annotation]
    if origin is Annotated and arguments[0] is int:
        ranges = [each for each in arguments[1:] if isinstance(each, IntegerRange)]
        return _integer(ranges[0] if ranges else INTEGER), ""
    if getattr(annotation, "__supertype__", None) is str:
        return _same, ""
    if annotation in VALUES or (origin is Annotated and arguments[0] is str):
        return _as_text(schema_of(annotation)), ""
    if origin is Literal:
        return {str(value): value for value in arguments}.get, ""
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return {str(member.value): member for member in annotation}.get, ""
    raise TypeError(f"a path or query has no form for {shown(annotation)}")


def _same(text: str) -> str:
    return text


def _integer(allowed: IntegerRange) -> Callable[[str], int | None]:
    _, minimum, maximum = allowed

    def parse(text: str) -> int | None:
        digits = text.removeprefix("-")
        # All digits of ASCII: `int` reads other digits, spaces and underscores too.
        if not (digits.isascii() and digits.isdigit() and len(digits) <= _DIGITS_MAX):
            return None
        value = int(text)
        return value if minimum <= value <= maximum else None

    return parse


def _as_text(shape: Schema) -> Callable[[str], Any]:
    read = shape.read

    def parse(text: str) -> Any:  # noqa: ANN401 - a value of the shape's own type
        try:
            return read(text)
        except Mismatch:
            return None

    return parse


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


_FLAGS = {"true": True, "false": False}
_SIMPLE: dict[type, tuple[Callable[[str], Any], str]] = {
    str: (_same, ""),
    bool: (_FLAGS.get, " as bool"),
    int: (_integer(INTEGER), ""),
    float: (_number, ""),
}
