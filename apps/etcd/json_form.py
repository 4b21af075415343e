"""Messages as JSON, in the form of etcd's gateway.

Bytes are base64, 64-bit integers are text, enumerations are names, and fields that have
their default are left out. Fields are written by their names in the protocol
(``create_revision``); when read, they may also be in lower camel case.
"""

import base64
import binascii
from typing import Any, Final, TypeVar

from apps.etcd.fields import Field, Kind, type_of
from apps.etcd.limits import MESSAGE_DEPTH_MAX
from ccfpy.app import Json, JsonObject, Malformed

T = TypeVar("T")

_DIGITS_MAX: Final = 20
_RANGES: Final = {
    Kind.INT64: range(-(1 << 63), 1 << 63),
    Kind.UINT64: range(1 << 64),
    Kind.ENUM: range(-(1 << 31), 1 << 31),
}
_FROM_URL_SAFE: Final = str.maketrans("-_", "+/")


# Write


def to_json(value: object) -> JsonObject:
    """Write a message."""
    written: JsonObject = {}
    for field in type_of(type(value)).in_order:
        held = getattr(value, field.attribute)
        if held == field.default:
            continue
        written[field.name] = (
            [_write(field, each) for each in held]
            if field.is_repeated
            else _write(field, held)
        )
    return written


def _write(field: Field, value: Any) -> Json:  # noqa: ANN401 - any kind
    match field.kind:
        case Kind.MESSAGE:
            return to_json(value)
        case Kind.BYTES:
            return base64.b64encode(value).decode()
        case Kind.INT64 | Kind.UINT64:
            return str(value)
        case Kind.ENUM:
            members = {each.value: each.name for each in field.members}
            return members.get(value, int(value))
        case Kind.BOOL:
            return bool(value)
        case Kind.STRING:
            return str(value)


# Read


def from_json(cls: type[T], value: Json) -> T:
    """Read a message.

    Raises:
        Malformed: a field is unknown or of another kind, or messages stand too deep
            within messages.
    """
    return _message(cls, value, 1)


def _message(cls: type[T], value: Json, depth: int) -> T:
    if depth > MESSAGE_DEPTH_MAX:
        raise Malformed(f"messages are nested deeper than {MESSAGE_DEPTH_MAX}")
    if not isinstance(value, dict):
        raise Malformed(f"{cls.__name__} is no JSON object")
    names = type_of(cls).by_json_name
    found: dict[str, Any] = {}
    groups: set[str] = set()
    for name, held in value.items():
        field = names.get(name)
        if field is None:
            raise Malformed(f'unknown field "{name[:64]}" in {cls.__name__}')
        if held is None:
            continue
        if field.attribute in found:
            raise Malformed(f'"{field.name}" is twice in {cls.__name__}')
        group = field.oneof
        if group in groups:
            raise Malformed(f'more than one field of "{group}" in {cls.__name__}')
        if group:
            groups.add(group)
        found[field.attribute] = _field(field, held, depth)
    return cls(**found)


def _field(field: Field, value: Json, depth: int) -> object:
    if not field.is_repeated:
        return _read(field, value, depth)
    if not isinstance(value, list):
        raise Malformed(f'"{field.name}" is no list')
    return tuple(_read(field, each, depth) for each in value)


def _read(field: Field, value: Json, depth: int) -> object:
    match field.kind:
        case Kind.MESSAGE:
            return _message(field.message, value, depth + 1)
        case Kind.BYTES:
            return _bytes(field, value)
        case Kind.BOOL if isinstance(value, bool):
            return value
        case Kind.STRING if isinstance(value, str):
            return value
        case Kind.INT64 | Kind.UINT64:
            return _integer(field, value)
        case Kind.ENUM:
            return _member(field, value)
        case _:
            raise Malformed(f'"{field.name}" is not of kind {field.kind.value}')


def _bytes(field: Field, value: Json) -> bytes:
    if not isinstance(value, str):
        raise Malformed(f'"{field.name}" is no base64')
    standard = value.translate(_FROM_URL_SAFE)
    padded = standard + "=" * (-len(standard) % 4) if "=" not in standard else standard
    try:
        return base64.b64decode(padded, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed(f'"{field.name}" is no base64') from None


def _integer(field: Field, value: Json) -> int:
    if isinstance(value, str) and len(value) <= _DIGITS_MAX:
        digits = value.removeprefix("-")
        if digits.isascii() and digits.isdecimal():
            value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Malformed(f'"{field.name}" is no integer')
    if value not in _RANGES[field.kind]:
        raise Malformed(f'"{field.name}" is no {field.kind.value}')
    return value


def _member(field: Field, value: Json) -> int:
    if isinstance(value, str):
        found = field.members.__members__.get(value)
        if found is None:
            raise Malformed(f'"{value[:64]}" is no value of "{field.name}"')
        return found.value
    return _integer(field, value)
