"""Protobuf's bytes: read and written as the fields of a message say.

What is written is deterministic: fields in the order of their numbers, without those
that have their default. What is read may be in any order, as protobuf allows: a later
value of a field counts, messages of one field are merged, lists may be packed, and
unknown fields are skipped. Groups, which protobuf has given up, are refused.
"""

from collections.abc import Iterator
from typing import Any, Final, TypeVar

from apps.etcd.fields import NUMBERS, Field, Kind, MessageType, type_of
from apps.etcd.limits import MESSAGE_DEPTH_MAX
from ccfpy.app import Malformed

T = TypeVar("T")

_VARINT, _FIXED64, _DELIMITED, _FIXED32 = 0, 1, 2, 5
_FIXED: Final = {_FIXED64: 8, _FIXED32: 4}
_VARINT_BITS_MAX: Final = 64
_SIGN: Final = 1 << 63
_MASK: Final = (1 << 64) - 1
_INT32_SIGN: Final = 1 << 31
_INT32_MASK: Final = (1 << 32) - 1


# Write


def encode(value: object) -> bytes:
    """Write a message."""
    out = bytearray()
    for field in type_of(type(value)).in_order:
        _write_field(out, field, getattr(value, field.attribute))
    return bytes(out)


def _write_field(out: bytearray, field: Field, value: Any) -> None:  # noqa: ANN401 - any kind
    kind = field.declared.kind
    if value == field.default:
        return
    if not field.declared.is_repeated:
        _write_one(out, field, value)
    elif kind in NUMBERS:
        packed = bytearray()
        for each in value:
            _write_varint(packed, each)
        _write_delimited(out, field, bytes(packed))
    else:
        for each in value:
            _write_one(out, field, each)


def _write_one(out: bytearray, field: Field, value: Any) -> None:  # noqa: ANN401 - any kind
    match field.declared.kind:
        case Kind.MESSAGE:
            _write_delimited(out, field, encode(value))
        case Kind.BYTES:
            _write_delimited(out, field, value)
        case Kind.STRING:
            _write_delimited(out, field, value.encode())
        case Kind.INT64 | Kind.UINT64 | Kind.BOOL | Kind.ENUM:
            _write_varint(out, field.declared.number << 3 | _VARINT)
            _write_varint(out, value)


def _write_delimited(out: bytearray, field: Field, content: bytes) -> None:
    _write_varint(out, field.declared.number << 3 | _DELIMITED)
    _write_varint(out, len(content))
    out += content


def _write_varint(out: bytearray, value: int) -> None:
    value &= _MASK
    while value > 0x7F:  # noqa: PLR2004 - seven bits to a byte
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


# Read


def decode(cls: type[T], content: bytes) -> T:
    """Read a message.

    Raises:
        Malformed: the bytes are none, or messages stand too deep within messages.
    """
    return _decode(cls, content, 1)


def _decode(cls: type[T], content: bytes, depth: int) -> T:
    if depth > MESSAGE_DEPTH_MAX:
        raise Malformed(f"messages are nested deeper than {MESSAGE_DEPTH_MAX}")
    described = type_of(cls)
    found: dict[str, Any] = {}
    for field, value in _fields(described, content):
        if field.declared.oneof:
            _clear_group(described, found, field)
        if field.declared.is_repeated:
            _extend(found, field, value)
        elif field.declared.kind is Kind.MESSAGE:
            # Merging two messages is reading one behind the other.
            found.setdefault(field.attribute, []).append(_content(field, value))
        else:
            found[field.attribute] = _scalar(field, value)
    for field in described.in_order:
        if field.declared.kind is not Kind.MESSAGE or field.attribute not in found:
            continue
        parts = found[field.attribute]
        found[field.attribute] = (
            tuple(_decode(field.message, part, depth + 1) for part in parts)
            if field.declared.is_repeated
            else _decode(field.message, b"".join(parts), depth + 1)
        )
    return cls(
        **{
            name: tuple(value) if type(value) is list else value
            for name, value in found.items()
        }
    )


def _clear_group(described: MessageType, found: dict[str, Any], field: Field) -> None:
    """Forget the other fields of a group: the last one that is read counts."""
    for other in described.in_order:
        if other.declared.oneof == field.declared.oneof and other is not field:
            found.pop(other.attribute, None)


def _extend(found: dict[str, Any], field: Field, value: int | bytes) -> None:
    values = found.setdefault(field.attribute, [])
    if field.declared.kind is Kind.MESSAGE:
        values.append(_content(field, value))
    elif field.declared.kind in NUMBERS and isinstance(value, bytes):
        at = 0
        while at < len(value):
            number, at = _read_varint(value, at)
            values.append(_scalar(field, number))
    else:
        values.append(_scalar(field, value))


def _content(field: Field, value: int | bytes) -> bytes:
    if not isinstance(value, bytes):
        raise Malformed(
            f"{field.name} is a number, not of kind {field.declared.kind.value}"
        )
    return value


def _scalar(field: Field, value: int | bytes) -> Any:  # noqa: ANN401 - any kind
    """Return the value of a field that is no message."""
    kind = field.declared.kind
    if kind not in NUMBERS:
        content = _content(field, value)
        return content if kind is Kind.BYTES else _text(field, content)
    if not isinstance(value, int):
        raise Malformed(f"{field.name} is bytes, not of kind {kind.value}")
    match kind:
        case Kind.BOOL:
            return value != 0
        case Kind.UINT64:
            return value
        case Kind.ENUM:
            value &= _INT32_MASK
            return value - (1 << 32) if value & _INT32_SIGN else value
        case _:
            return value - (1 << 64) if value & _SIGN else value


def _text(field: Field, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise Malformed(f"{field.name} is no UTF-8 at byte {error.start}") from None


def _fields(
    described: MessageType, content: bytes
) -> Iterator[tuple[Field, int | bytes]]:
    """Read a message's known fields, each with its number or its bytes.

    A known field of another form than its kind has is unknown, as in other readers.
    """
    at, end = 0, len(content)
    while at < end:
        tag, at = _read_varint(content, at)
        number, form = tag >> 3, tag & 7
        if not number or tag > _INT32_MASK:
            raise Malformed(f"no field has the number {number}")
        value: int | bytes
        if form == _VARINT:
            value, at = _read_varint(content, at)
        else:
            size = _FIXED.get(form)
            if form == _DELIMITED:
                size, at = _read_varint(content, at)
            if size is None:
                raise Malformed(f"field {number} is of the form {form}")
            if size > end - at:
                raise Malformed(f"field {number} ends past the message")
            value, at = content[at : at + size], at + size
        field = described.by_number.get(number)
        if field is not None and form in _forms(field):
            yield field, value


def _forms(field: Field) -> tuple[int, ...]:
    if field.declared.kind not in NUMBERS:
        return (_DELIMITED,)
    return (_VARINT, _DELIMITED) if field.declared.is_repeated else (_VARINT,)


def _read_varint(content: bytes, at: int) -> tuple[int, int]:
    """Read a number, and return the place behind it."""
    value = shift = 0
    while at < len(content) and shift < _VARINT_BITS_MAX:
        byte = content[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 - the eighth bit says that more follows
            return value & _MASK, at
        shift += 7
    raise Malformed(f"a number at byte {at} does not end")
