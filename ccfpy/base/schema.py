"""How a Python type is JSON: read strictly, written as CCF writes, and its schema.

Understood are text, integers, numbers, booleans, bytes (base64), times, dates, UUIDs,
decimal numbers, ``None``, lists and tuples of any length, dictionaries by text, enums,
literals, ids, optional values, any JSON, and dataclasses of these
(`ccfpy.base.record_schema`). Models of msgspec and pydantic are read and written by
these libraries (`ccfpy.base.model_schemas`). Everything is worked out when a type is
declared, nothing again per value.

A schema is named after its type, unless a record is ``described`` or an
annotation has a ``SchemaName``. `ccfpy.base.annotations` has all such notes.
"""

import base64
import binascii
import dataclasses
import enum
import re
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import (
    Annotated,
    Any,
    Literal,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from ccfpy.base import json
from ccfpy.base.annotations import (
    INTEGER,
    Absent,
    Converted,
    DescribedAs,
    Inline,
    IntegerRange,
    SchemaName,
    TextFormat,
)
from ccfpy.base.components import (
    Schema,
    as_component,
    derived,
    inlined,
    named_after,
    without_name,
)
from ccfpy.base.ids import TxId
from ccfpy.base.json import Json, JsonObject
from ccfpy.base.mismatch import Mismatch, found
from ccfpy.base.model_schemas import model_schema
from ccfpy.base.problems import (
    problems_of_dict,
    problems_of_list,
    problems_of_optional,
)
from ccfpy.base.record_schema import record_schema
from ccfpy.base.value_schemas import VALUES

T = TypeVar("T")

_UNDER_WAY: set[type] = set()
"""The dataclasses whose fields' schemas are being worked out."""


def schema_of(annotation: object) -> Schema:
    """Return the schema of a type.

    Raises:
        TypeError: JSON has no form for it, or none that could be told apart.
        RecursionError: a dataclass contains itself.
    """
    if annotation in _SIMPLE:
        return _SIMPLE[annotation]
    if get_origin(annotation) is not None:
        return _composed(annotation)
    if _is_text(annotation):
        return _STRING
    if isinstance(annotation, type):
        return _class(annotation)
    raise TypeError(f"JSON has no form for {shown(annotation)}")


def parse_json(kind: type[T], text: bytes) -> T:
    """Read a value of a type from its JSON.

    Raises:
        Malformed: it is not JSON, or does not fit.
    """
    value: T = schema_of(kind).read(json.loads(text))
    return value


def fields_of(record: object) -> JsonObject:
    """Return what the JSON writer takes for a dataclass."""
    write = schema_of(type(record)).write
    assert write is not None, "a dataclass is not JSON itself"
    fields: JsonObject = write(record)
    return fields


@cache
def _class(kind: type) -> Schema:
    """Return the schema of a class, which many endpoints name."""
    if issubclass(kind, enum.Enum):
        values = {member.value: member for member in kind}
        return named_after(kind, _one_of(values))
    model = model_schema(kind)
    if model is not None:
        return model
    if dataclasses.is_dataclass(kind):
        return _dataclass(kind)
    raise TypeError(f"JSON has no form for {shown(kind)}")


def _dataclass(kind: type) -> Schema:
    if kind in _UNDER_WAY:
        # Compiled code has no limit of its own to how deep it calls.
        raise RecursionError(f"{kind.__qualname__} contains itself")
    _UNDER_WAY.add(kind)
    try:
        return named_after(kind, record_schema(kind, hints_of(kind), schema_of))
    finally:
        _UNDER_WAY.remove(kind)


def _composed(annotation: object) -> Schema:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _annotated(arguments)
    if origin is Literal:
        return _one_of({value: value for value in arguments})
    if origin in (Union, types.UnionType):
        return _union(annotation, arguments)
    if origin is list or (origin is tuple and arguments[1:] == (...,)):
        return _list(schema_of(arguments[0]), origin)
    if origin in (dict, Mapping) and _is_text(arguments[0]):
        return _dict(schema_of(arguments[1]), _key_name(arguments[0]))
    raise TypeError(f"JSON has no form for {shown(annotation)}")


def shown(annotation: object) -> str:
    """Return a type as its author wrote it."""
    return annotation.__qualname__ if isinstance(annotation, type) else str(annotation)


def _is_text(key: object) -> bool:
    return key is str or getattr(key, "__supertype__", None) is str


def _key_name(key: Any) -> str:  # noqa: ANN401 - text, or a NewType of it
    name: str = "string" if key is str else key.__name__
    return name


def hints_of(annotated: Any) -> dict[str, Any]:  # noqa: ANN401 - a function or class
    """Return the annotations of a function or class.

    ``Json`` is recursive, so it holds its own name. That name is looked up here, and
    need not exist in the module of the function.
    """
    return get_type_hints(annotated, localns={"Json": Json}, include_extras=True)


def _instance(kind: type, what: str) -> Callable[[Json], Any]:
    def read(value: Json) -> Any:  # noqa: ANN401 - a value of the shape's own type
        if type(value) is not kind:
            raise Mismatch(f"expected {what}, found {found(value)}")
        return value

    return read


def _integer(allowed: IntegerRange) -> Schema:
    _, minimum, maximum = allowed

    def read(value: Json) -> int:
        if type(value) is not int or not minimum <= value <= maximum:
            raise Mismatch(
                f"expected an integer in [{minimum}, {maximum}], found {found(value)}"
            )
        return value

    schema: JsonObject = {"maximum": maximum, "minimum": minimum, "type": "integer"}
    return as_component(allowed.name, Schema(read, None, schema))


def _read_number(value: Json) -> float:
    if type(value) is not float and type(value) is not int:
        raise Mismatch(f"expected a number, found {found(value)}")
    return float(value)


def _read_bytes(value: Json) -> bytes:
    if not isinstance(value, str):
        raise Mismatch(f"expected base64, found {found(value)}")
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Mismatch(f"expected base64, found {found(value)}") from error


def _write_bytes(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _read_tx_id(value: Json) -> TxId:
    if not isinstance(value, str):
        raise Mismatch(f"expected a transaction id, found {found(value)}")
    return TxId.parse(value)


def _read_any(value: Json) -> Json:
    return value


def _annotated(arguments: tuple[Any, ...]) -> Schema:
    kind, *notes = arguments
    for note in notes:
        if isinstance(note, IntegerRange) and kind is int:
            return _integer(note)
        if isinstance(note, TextFormat) and _is_text(kind):
            return _text(note)
        if isinstance(note, Converted):
            return Schema(note.read, note.write, {})
    shape = schema_of(kind)
    for note in notes:
        shape = _noted(shape, kind, note)
    return shape


def _noted(shape: Schema, kind: object, note: object) -> Schema:
    """Return a schema as a note on its type has it."""
    match note:
        case SchemaName(name):
            return as_component(name, without_name(shape))
        case Inline(one_of):
            whole = inlined(shape)
            if one_of:
                return replace(whole, schema={"oneOf": [whole.schema]})
            return whole
        case Absent():
            (inner,) = {*get_args(kind)} - {types.NoneType}
            return replace(shape, schema=schema_of(inner).schema)
        case DescribedAs(other):
            like = schema_of(other)
            return replace(shape, schema=like.schema, components=like.components)
        case _:
            return shape


def _text(allowed: TextFormat) -> Schema:
    matches = re.compile(allowed.pattern).fullmatch if allowed.pattern else None

    def read(value: Json) -> str:
        if type(value) is not str or (matches is not None and not matches(value)):
            raise Mismatch(f"expected a {allowed.name}, found {found(value)}")
        return value

    schema: JsonObject = {"type": "string"}
    if allowed.pattern:
        schema["pattern"] = allowed.pattern
    if allowed.format:
        schema["format"] = allowed.format
    return as_component(allowed.name, Schema(read, None, schema))


def _one_of(values: Mapping[Any, Any]) -> Schema:
    allowed = list(values)
    what = ", ".join(map(found, allowed))

    def read(value: Json) -> Any:  # noqa: ANN401 - a value of the shape's own type
        try:
            return values[value]
        except (KeyError, TypeError):
            raise Mismatch(f"expected one of {what}, found {found(value)}") from None

    schema: JsonObject = {"enum": allowed}
    kinds = {_SCHEMA_TYPES.get(type(value)) for value in allowed}
    kind = kinds.pop() if len(kinds) == 1 else None
    if kind is not None:
        schema["type"] = kind
    return Schema(read, None, schema)


_SCHEMA_TYPES: Mapping[type, str] = {
    bool: "boolean",
    float: "number",
    int: "integer",
    str: "string",
}


def _union(annotation: object, arguments: tuple[Any, ...]) -> Schema:
    if {get_origin(part) or part for part in arguments} == _JSON_PARTS:
        return _ANY
    others = [each for each in arguments if each is not types.NoneType]
    if len(others) != 1 or len(others) == len(arguments):
        raise TypeError(f"JSON cannot tell the parts of {shown(annotation)} apart")
    inner = schema_of(others[0])
    inner_read, inner_write = inner.read, inner.write

    def read(value: Json) -> Any:  # noqa: ANN401 - a value of the shape's own type
        return None if value is None else inner_read(value)

    def write(value: Any) -> Any:  # noqa: ANN401 - a value of the shape's own type
        assert inner_write is not None
        return None if value is None else inner_write(value)

    return Schema(
        read,
        write if inner_write else None,
        {"allOf": [inner.schema], "nullable": True},
        inner.components,
        problems=problems_of_optional(inner),
    )


def _list(items: Schema, kind: type[list[Any]] | type[tuple[Any, ...]]) -> Schema:
    read_item, write_item = items.read, items.write

    def read(value: Json) -> Sequence[Any]:
        if not isinstance(value, list):
            raise Mismatch(f"expected an array, found {found(value)}")
        result = []
        for index, item in enumerate(value):
            try:
                result.append(read_item(item))
            except Mismatch as error:
                error.path.append(str(index))
                raise
        return result if kind is list else tuple(result)

    def write(values: Sequence[Any]) -> list[Any]:
        return [*map(write_item, values)] if write_item else [*values]

    schema: JsonObject = {"items": items.schema, "type": "array"}
    is_itself = kind is list and write_item is None
    listed = Schema(
        read,
        None if is_itself else write,
        schema,
        items.components,
        problems=problems_of_list(items),
    )
    return derived(listed, items, "{}_array")


def _dict(values: Schema, key: str) -> Schema:
    read_value, write_value = values.read, values.write

    def read(value: Json) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise Mismatch(f"expected an object, found {found(value)}")
        result = {}
        for name, item in value.items():
            try:
                result[name] = read_value(item)
            except Mismatch as error:
                error.path.append(name)
                raise
        return result

    def write(items: dict[str, Any]) -> dict[str, Any]:
        assert write_value is not None
        return {name: write_value(item) for name, item in items.items()}

    schema: JsonObject = {"additionalProperties": values.schema, "type": "object"}
    named = Schema(
        read,
        write if write_value else None,
        schema,
        values.components,
        problems=problems_of_dict(values),
    )
    return derived(named, values, key + "_to_{}")


_ANY = as_component("json", Schema(_read_any, None, {}))
_STRING = as_component(
    "string", Schema(_instance(str, "text"), None, {"type": "string"}, exact=str)
)
_BOOLEAN = as_component(
    "boolean",
    Schema(_instance(bool, "a boolean"), None, {"type": "boolean"}, exact=bool),
)
_SIMPLE: dict[object, Schema] = {
    str: _STRING,
    bool: _BOOLEAN,
    int: _integer(INTEGER),
    float: as_component("double", Schema(_read_number, None, {"type": "number"})),
    bytes: as_component(
        "base64string",
        Schema(_read_bytes, _write_bytes, {"format": "base64", "type": "string"}),
    ),
    TxId: as_component(
        "TransactionId",
        Schema(_read_tx_id, str, {"pattern": r"^[0-9]+\.[0-9]+$", "type": "string"}),
    ),
    None: Schema(_instance(types.NoneType, "null"), None, {"nullable": True}),
    types.NoneType: Schema(_instance(types.NoneType, "null"), None, {"nullable": True}),
    Any: _ANY,
    object: _ANY,
    **VALUES,
    dict: Schema(_instance(dict, "an object"), None, {"type": "object"}),
    list: Schema(_instance(list, "an array"), None, {"items": {}, "type": "array"}),
}
_JSON_PARTS = {dict, list, str, int, float, bool, types.NoneType}
