"""Encoders and decoders of messages, derived from their dataclasses.

A message on the wire is the list of its fields, in order, and so is a nested dataclass.
There are no optional positions, no field names and no maps. Decoding is strict. These
are violations: a field of another type, a list of another length, a number that is
negative or beyond 63 bits, text that is not a member of its enum, and a length beyond
the field's annotation (`AtMost`).
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from operator import attrgetter
from types import NoneType, UnionType
from typing import (
    Annotated,
    Final,
    NewType,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from ccfpy.base.errors import Malformed

INTEGER_MAX: Final = (1 << 63) - 1

Codec = Callable[[object], object]


@dataclass(frozen=True, slots=True)
class AtMost:
    """A bound, as in ``Annotated[bytes, AtMost(4096)]``.

    Attributes:
        count: the maximum number of bytes, of a text's characters or of a list's items;
            the maximum value of a number.
    """

    count: int


class BoundaryViolation(Malformed):
    """A message breaks the rules of the boundary; its receiver must stop."""


def encoder(kind: object) -> Codec | None:
    """Return the function that turns a value into lists.

    Return ``None`` for a value that msgpack packs as it is.
    """
    kind, _ = parted(kind)
    if isinstance(kind, type) and is_dataclass(kind):
        return _record_encoder(kind)
    arguments = get_args(kind)
    inner = [encoder(part) for part in arguments if part not in (NoneType, ...)]
    if not any(inner):
        return None
    if get_origin(kind) is tuple and arguments[-1] is not ...:
        return _tuple_encoder(inner)
    (encode,) = inner  # a union or list with an encoder has only one type of item
    assert encode is not None
    if get_origin(kind) is tuple:
        return lambda value: list(map(encode, cast("tuple[object, ...]", value)))
    return lambda value: None if value is None else encode(value)


def decoder(kind: object, name: str) -> Codec:
    """Return the function that checks a received value and builds the typed one."""
    kind, bound = parted(kind)
    if bound is not None:
        return _bounded_decoder(decoder(kind, name), bound, name)
    if isinstance(kind, type):
        return _plain_decoder(kind, name)
    arguments = get_args(kind)
    if get_origin(kind) in (Union, UnionType):
        (inner,) = (part for part in arguments if part is not NoneType)
        decode = decoder(inner, name)
        return lambda value: None if value is None else decode(value)
    assert get_origin(kind) is tuple, f"{name}: no wire form for {kind}"
    if arguments[-1] is ...:
        return _list_decoder(decoder(arguments[0], name), name)
    return _tuple_decoder([decoder(part, name) for part in arguments], name)


def record_decoder(
    kind: type, name: str, *, skip: int = 0
) -> Callable[[list[object]], object]:
    """Return the decoder of a dataclass from a list.

    The first ``skip`` items of the list are not fields.
    """
    hints = get_type_hints(kind, include_extras=True)
    parts = [
        (field.name, decoder(hints[field.name], f"{name}.{field.name}"))
        for field in fields(kind)
    ]
    arity = len(parts) + skip
    build = cast("Callable[..., object]", kind)

    def decode(values: list[object]) -> object:
        if len(values) != arity:
            raise BoundaryViolation(
                f"{name}: expected {arity - skip} fields, found {len(values) - skip}"
            )
        received = values[skip:] if skip else values
        return build(
            **{
                field: part(value)
                for (field, part), value in zip(parts, received, strict=True)
            }
        )

    return decode


def parted(kind: object) -> tuple[object, AtMost | None]:
    """Return the type under ``NewType`` and ``Annotated``, and its bound if any."""
    bound: AtMost | None = None
    while isinstance(kind, NewType) or get_origin(kind) is Annotated:
        if isinstance(kind, NewType):
            kind = kind.__supertype__
            continue
        kind, *others = get_args(kind)
        for other in others:
            if isinstance(other, AtMost):
                bound = other if bound is None or other.count < bound.count else bound
    return kind, bound


def _tuple_encoder(parts: list[Codec | None]) -> Codec:
    def encode(value: object) -> object:
        items = cast("tuple[object, ...]", value)
        return [
            item if part is None else part(item)
            for part, item in zip(parts, items, strict=True)
        ]

    return encode


def _record_encoder(kind: type) -> Codec:
    hints = get_type_hints(kind)
    parts = [(field.name, encoder(hints[field.name])) for field in fields(kind)]
    if len(parts) > 1 and not any(part for _, part in parts):
        # One call returns all fields as a tuple. With a single name it would return
        # the bare value.
        return attrgetter(*(name for name, _ in parts))

    def encode(value: object) -> object:
        return [
            getattr(value, name) if part is None else part(getattr(value, name))
            for name, part in parts
        ]

    return encode


def _plain_decoder(kind: type, name: str) -> Codec:
    if kind is int:
        return _integer_decoder(name)
    if issubclass(kind, StrEnum):
        return _enum_decoder(kind, name)
    if is_dataclass(kind):
        decode = record_decoder(kind, name)
        return lambda value: decode(_checked_list(value, name))
    assert kind in (str, bytes, bool), f"{name}: no wire form for {kind}"

    def check(value: object) -> object:
        if type(value) is not kind:
            raise _unexpected(name, kind.__name__, value)
        return value

    return check


def _integer_decoder(name: str) -> Codec:
    def check(value: object) -> object:
        if type(value) is not int:
            raise _unexpected(name, "int", value)
        if not 0 <= value <= INTEGER_MAX:
            raise BoundaryViolation(f"{name}: {value} is out of range")
        return value

    return check


def _enum_decoder(kind: type[StrEnum], name: str) -> Codec:
    members = {str(member): member for member in kind}

    def check(value: object) -> object:
        member = members.get(value) if type(value) is str else None
        if member is None:
            raise _unexpected(name, f"one of {', '.join(members)}", value)
        return member

    return check


def _bounded_decoder(decode: Codec, bound: AtMost, name: str) -> Codec:
    most = bound.count

    def check(value: object) -> object:
        # Check the length first, so that no time is spent on items of a long list.
        if isinstance(value, list | str | bytes) and len(value) > most:
            raise BoundaryViolation(
                f"{name}: {len(value)}, which is more than the {most} allowed"
            )
        if type(value) is int and value > most:
            raise BoundaryViolation(f"{name}: more than the {most} allowed")
        return decode(value)

    return check


def _list_decoder(decode: Codec, name: str) -> Codec:
    return lambda value: tuple(decode(item) for item in _checked_list(value, name))


def _tuple_decoder(parts: list[Codec], name: str) -> Codec:
    def check(value: object) -> object:
        items = _checked_list(value, name)
        if len(items) != len(parts):
            raise BoundaryViolation(
                f"{name}: expected {len(parts)} items, found {len(items)}"
            )
        return tuple(part(item) for part, item in zip(parts, items, strict=True))

    return check


def _checked_list(value: object, name: str) -> list[object]:
    if type(value) is not list:
        raise _unexpected(name, "a list", value)
    return value


def _unexpected(name: str, expected: str, value: object) -> BoundaryViolation:
    # The value itself stays out of the text: it may be private.
    return BoundaryViolation(
        f"{name}: expected {expected}, found {type(value).__name__}"
    )
