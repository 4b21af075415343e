"""Etcd's messages as the library protobuf knows them, made from their declarations."""

import inspect
from enum import IntEnum
from functools import cache
from typing import Any

from google.protobuf import (  # type: ignore[import-untyped]
    descriptor_pb2,
    descriptor_pool,
    message_factory,
)
from hypothesis import strategies as st

from apps.etcd import messages
from apps.etcd.fields import Field, Kind, type_of

PACKAGE = "etcd"
_TYPES = descriptor_pb2.FieldDescriptorProto
KINDS = {
    Kind.INT64: _TYPES.TYPE_INT64,
    Kind.UINT64: _TYPES.TYPE_UINT64,
    Kind.BOOL: _TYPES.TYPE_BOOL,
    Kind.ENUM: _TYPES.TYPE_ENUM,
    Kind.BYTES: _TYPES.TYPE_BYTES,
    Kind.STRING: _TYPES.TYPE_STRING,
    Kind.MESSAGE: _TYPES.TYPE_MESSAGE,
}
MESSAGES: tuple[type[Any], ...] = tuple(
    each
    for _, each in inspect.getmembers(messages, inspect.isclass)
    if each.__module__ == messages.__name__ and not issubclass(each, IntEnum)
)
ENUMS: tuple[type[IntEnum], ...] = tuple(
    each
    for _, each in inspect.getmembers(messages, inspect.isclass)
    if each.__module__ == messages.__name__ and issubclass(each, IntEnum)
)


@cache
def _pool() -> Any:  # noqa: ANN401 - the library has no types
    """Describe all messages to the library."""
    file = descriptor_pb2.FileDescriptorProto(
        name="etcd.proto", package=PACKAGE, syntax="proto3"
    )
    for members in ENUMS:
        described = file.enum_type.add(name=members.__name__)
        for member in members:
            name = f"{members.__name__}_{member.name}"
            described.value.add(name=name, number=member.value)
    for cls in MESSAGES:
        message = file.message_type.add(name=cls.__name__)
        groups: list[str] = []
        for field in type_of(cls).in_order:
            _describe(message, field, groups)
        for group in groups:
            message.oneof_decl.add(name=group)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool


def _describe(message: Any, field: Field, groups: list[str]) -> None:  # noqa: ANN401
    described = message.field.add(
        name=field.name,
        number=field.number,
        type=KINDS[field.kind],
        label=_TYPES.LABEL_REPEATED if field.is_repeated else _TYPES.LABEL_OPTIONAL,
    )
    if field.of is not None:
        described.type_name = f".{PACKAGE}.{field.of().__name__}"
    if field.oneof:
        if field.oneof not in groups:
            groups.append(field.oneof)
        described.oneof_index = groups.index(field.oneof)


def class_of(cls: type[Any]) -> Any:  # noqa: ANN401 - the library has no types
    """Return the library's class of a message."""
    found = _pool().FindMessageTypeByName(f"{PACKAGE}.{cls.__name__}")
    return message_factory.GetMessageClass(found)


def to_library(value: Any) -> Any:  # noqa: ANN401 - the library has no types
    """Return the library's message of ours."""
    made = class_of(type(value))()
    for field in type_of(type(value)).in_order:
        held = getattr(value, field.attribute)
        if held is None:
            continue
        is_message = field.kind is Kind.MESSAGE
        if field.is_repeated:
            getattr(made, field.name).extend(
                [to_library(each) if is_message else each for each in held]
            )
        elif is_message:
            getattr(made, field.name).CopyFrom(to_library(held))
        else:
            setattr(made, field.name, held)
    return made


def from_library(cls: type[Any], made: Any) -> Any:  # noqa: ANN401
    """Return our message of the library's."""
    found: dict[str, Any] = {}
    for field in type_of(cls).in_order:
        held = getattr(made, field.name)
        is_message = field.kind is Kind.MESSAGE
        if field.is_repeated:
            found[field.attribute] = tuple(
                from_library(field.message, each) if is_message else each
                for each in held
            )
        elif field.default is None:
            if made.HasField(field.name):
                found[field.attribute] = (
                    from_library(field.message, held) if is_message else held
                )
        else:
            found[field.attribute] = held
    return cls(**found)


# Any messages

_SCALARS: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.INT64: st.sampled_from([0, 1, -1, 300, -(1 << 63), (1 << 63) - 1]),
    Kind.UINT64: st.sampled_from([0, 1, 127, 128, (1 << 64) - 1]),
    Kind.BOOL: st.booleans(),
    Kind.BYTES: st.sampled_from([b"", b"\x00", b"key", b"\xff" * 200]),
    Kind.STRING: st.sampled_from(["", "a", "ü\x00"]),
}


def _values(field: Field, depth: int) -> st.SearchStrategy[Any]:
    kind = field.kind
    if kind is Kind.MESSAGE:
        return messages_of(field.message, depth - 1)
    if kind is Kind.ENUM:
        return st.sampled_from([*field.members, 77, -1]).map(int)
    return _SCALARS[kind]


@st.composite
def messages_of(draw: st.DrawFn, cls: type[Any], depth: int = 3) -> Any:  # noqa: ANN401
    """Draw a message of a class, with at most one field of each group."""
    found: dict[str, Any] = {}
    groups: set[str] = set()
    for field in type_of(cls).in_order:
        is_too_deep = field.kind is Kind.MESSAGE and depth == 0
        if is_too_deep or field.oneof in groups or not draw(st.booleans()):
            continue
        values = _values(field, depth)
        if field.is_repeated:
            values = st.lists(values, max_size=2).map(tuple)
        found[field.attribute] = draw(values)
        if field.oneof:
            groups.add(field.oneof)
    return cls(**found)


ANY_MESSAGE = st.sampled_from(MESSAGES).flatmap(messages_of)
