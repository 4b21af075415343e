"""Protobuf's bytes: read and written as the fields of a message say.

What is written is deterministic: fields in the order of their numbers, without those
that have their default. What is read may be in any order, as protobuf allows: a later
value of a field counts, messages of one field are merged, lists may be packed, and
unknown fields are skipped. Groups, which protobuf has given up, are refused.
"""

from collections.abc import Iterator, MutableMapping
from typing import Any, Final, TypeVar

from apps.etcd.fields import DELIMITED as _DELIMITED
from apps.etcd.fields import FIELD_NUMBER_MAX, Field, Kind, MessageType, type_of
from apps.etcd.fields import VARINT as _VARINT
from apps.etcd.limits import MESSAGE_DEPTH_MAX
from ccfpy.app import Malformed

T = TypeVar("T")

_FIXED: Final = {1: 8, 5: 4}
"""Forms that no message here has, and how many bytes they have."""
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
    if value == field.default:
        return
    if not field.is_repeated:
        _write_one(out, field, value)
    elif field.is_number:
        packed = bytearray()
        for each in value:
            _write_varint(packed, each)
        _write_delimited(out, field, bytes(packed))
    else:
        for each in value:
            _write_one(out, field, each)


def _write_one(out: bytearray, field: Field, value: Any) -> None:  # noqa: ANN401 - any kind
    match field.kind:
        case Kind.MESSAGE:
            _write_delimited(out, field, encode(value))
        case Kind.BYTES:
            _write_delimited(out, field, value)
        case Kind.STRING:
            _write_delimited(out, field, value.encode())
        case Kind.INT64 | Kind.UINT64 | Kind.BOOL | Kind.ENUM:
            _write_varint(out, field.number << 3 | _VARINT)
            _write_varint(out, value)


def _write_delimited(out: bytearray, field: Field, content: bytes) -> None:
    _write_varint(out, field.number << 3 | _DELIMITED)
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
    lists: dict[str, list[Any]] = {}
    parts: dict[str, tuple[Field, list[bytes]]] = {}
    for field, value in _fields(described, content):
        name = field.attribute
        if field.oneof:
            _clear_group(described, field, found, parts)
        if field.kind is Kind.MESSAGE:
            parts.setdefault(name, (field, []))[1].append(_content(field, value))
        elif field.is_repeated:
            lists.setdefault(name, []).extend(_scalars(field, value))
        else:
            found[name] = _scalar(field, value)
    for name, values in lists.items():
        found[name] = tuple(values)
    for name, (field, contents) in parts.items():
        message, deeper = field.message, depth + 1
        found[name] = (
            tuple(_decode(message, each, deeper) for each in contents)
            if field.is_repeated
            # Merging messages is reading one behind the other.
            else _decode(message, b"".join(contents), deeper)
        )
    return cls(**found)


def _clear_group(
    described: MessageType, field: Field, *places: MutableMapping[str, Any]
) -> None:
    """Forget the other fields of a group: the last one that is read counts."""
    for other in described.in_order:
        if other.oneof == field.oneof and other is not field:
            for place in places:
                place.pop(other.attribute, None)


def _scalars(field: Field, value: int | bytes) -> Iterator[Any]:
    """Read values of a list, of which numbers may be packed."""
    if not field.is_number or isinstance(value, int):
        yield _scalar(field, value)
        return
    at = 0
    while at < len(value):
        number, at = _read_varint(value, at)
        yield _scalar(field, number)


def _content(field: Field, value: int | bytes) -> bytes:
    if not isinstance(value, bytes):
        raise Malformed(f"{field.name} is a number, not of kind {field.kind.value}")
    return value


def _scalar(field: Field, value: int | bytes) -> Any:  # noqa: ANN401 - any kind
    """Return the value of a field that is no message."""
    kind = field.kind
    if not field.is_number:
        content = _content(field, value)
        return content if kind is Kind.BYTES else _text(field, content)
    if not isinstance(value, int):
        raise Malformed(f"{field.name} is bytes, not of kind {kind.value}")
    if kind is Kind.INT64:
        return value - (1 << 64) if value & _SIGN else value
    if kind is Kind.ENUM:
        value &= _INT32_MASK
        return value - (1 << 32) if value & _INT32_SIGN else value
    return value != 0 if kind is Kind.BOOL else value


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
    by_tag, at, end = described.by_tag, 0, len(content)
    while at < end:
        tag, at = _read_varint(content, at)
        value: int | bytes
        if tag & 7 == _VARINT:
            value, at = _read_varint(content, at)
        else:
            size, at = _size(content, at, tag)
            value, at = content[at : at + size], at + size
            if at > end:
                raise Malformed(f"field {tag >> 3} ends past the message")
        field = by_tag.get(tag)
        if field is not None:
            yield field, value
        elif not 1 <= tag >> 3 <= FIELD_NUMBER_MAX:
            raise Malformed(f"no field has the number {tag >> 3}")


def _size(content: bytes, at: int, tag: int) -> tuple[int, int]:
    """Return how many bytes a field has, and the place at which they begin."""
    form = tag & 7
    if form == _DELIMITED:
        return _read_varint(content, at)
    size = _FIXED.get(form)
    if size is None:
        raise Malformed(f"field {tag >> 3} is of the form {form}")
    return size, at


def _read_varint(content: bytes, at: int) -> tuple[int, int]:
    """Read a number, and return the place behind it."""
    end = len(content)
    if at < end and content[at] <= 0x7F:  # noqa: PLR2004 - most have one byte
        return content[at], at + 1
    value = shift = 0
    while at < end and shift < _VARINT_BITS_MAX:
        byte = content[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 - the eighth bit says that more follows
            return value & _MASK, at
        shift += 7
    raise Malformed(f"a number at byte {at} does not end")
