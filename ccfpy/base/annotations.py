"""Notes in the annotations of records, which `ccfpy.base.schema` reads.

Notes stand in ``Annotated`` and in the metadata of dataclass fields. They say which
values a type allows, how the type is read and written, and what its schema is called.

This module is not compiled: compiled code cannot mark a function as one that makes
dataclasses.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import (
    Annotated,
    Any,
    Final,
    NamedTuple,
    TypeAlias,
    TypeVar,
    dataclass_transform,
)

from ccfpy.base.json import Json

T = TypeVar("T")

JSON_NAME = "json_name"
"""Metadata of a dataclass field whose JSON name is no Python name."""
IS_REQUIRED: Final = "is_required"
REQUIRED: Final[Mapping[str, bool]] = {IS_REQUIRED: True}
"""Metadata of a field that JSON always has, although it has a default in Python."""


CLOSED: Final = "__is_closed__"
"""The attribute of a dataclass that refuses fields which it does not declare."""


def closed(kind: type[T]) -> type[T]:
    """Make a dataclass refuse JSON that has fields which it does not declare.

    Write the decorator above ``@dataclass``. Dataclasses that inherit from it refuse
    such fields too.
    """
    setattr(kind, CLOSED, True)
    return kind


SCHEMA_NAME: Final = "__schema_name__"
"""The attribute of a class that holds the name of the class's schema."""


@dataclass_transform(frozen_default=True, kw_only_default=True)
def described(name: str) -> Callable[[type[T]], type[T]]:
    """Make a class a frozen dataclass whose schema has the given name."""

    def made(kind: type[T]) -> type[T]:
        setattr(kind, SCHEMA_NAME, name)
        return dataclass(frozen=True, slots=True, kw_only=True)(kind)

    return made


class IntegerRange(NamedTuple):
    """What integers an annotation allows, and what its schema is called."""

    name: str
    minimum: int
    maximum: int


INTEGER = IntegerRange("integer", -(2**63), 2**64 - 1)
"""Plain ``int``: all that the JSON writer can write."""
UINT64 = IntegerRange("uint64", 0, 2**64 - 1)
U64: TypeAlias = Annotated[int, UINT64]
"""An unsigned 64-bit integer, such as a record's id."""
U32: TypeAlias = Annotated[int, IntegerRange("uint32", 0, 2**32 - 1)]


class TextFormat(NamedTuple):
    """What text an annotation allows, and what its schema is called.

    Attributes:
        pattern: a regular expression for the whole text; any text if empty.
        format: OpenAPI's word for the kind of text; none if empty.
    """

    name: str
    pattern: str = ""
    format: str = ""


class SchemaName(NamedTuple):
    """What the schema of an annotated type is called."""

    name: str


class Inline(NamedTuple):
    """Writes a schema out where it is used, with all that it refers to.

    Attributes:
        one_of: whether the schema is said to be the only one of a choice.
    """

    one_of: bool = False


class DescribedAs(NamedTuple):
    """Describes a type as another one, although it is read and written as itself."""

    kind: Any


class Converted(NamedTuple):
    """Reads and writes a type by functions of its own."""

    read: Callable[[Json], Any]
    write: Callable[[Any], Json]


class Absent(NamedTuple):
    """Describes an optional field without null: where it is nothing, it is left out."""


OrAbsent: TypeAlias = Annotated[T | None, Absent()]
"""A value, or nothing: for fields whose default is ``None``."""
LEFT_OUT: Final[Any] = Ellipsis
"""The default of a field that an answer may lack, where null is a value."""
