"""Messages as dataclasses: their fields have numbers and kinds, as in protobuf.

A field is declared by one of the functions below, and a message is a dataclass with the
decorator ``message``. Both codecs, of bytes (`wire`) and of JSON (`json_form`), follow
the declarations and have no code of their own for a message.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from enum import Enum, IntEnum
from typing import Any, Final, TypeVar, cast, dataclass_transform

T = TypeVar("T")

_KEY: Final = "protobuf"
FIELD_NUMBER_MAX: Final = (1 << 29) - 1
VARINT: Final = 0
DELIMITED: Final = 2
"""Forms in which values come: a number, or bytes behind their count."""
_FORM_BITS: Final = 3
_TYPES: "Final[dict[type[Any], MessageType]]" = {}


class Kind(Enum):
    """What a field holds."""

    INT64 = "int64"
    UINT64 = "uint64"
    BOOL = "bool"
    ENUM = "enum"
    BYTES = "bytes"
    STRING = "string"
    MESSAGE = "message"


NUMBERS: Final = frozenset({Kind.INT64, Kind.UINT64, Kind.BOOL, Kind.ENUM})
"""Kinds that are written as one number of variable length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldType:
    """The declaration of a field.

    Attributes:
        number: of the field, on the wire.
        kind: what the field holds.
        name: in the definition of the protocol, if not the attribute's.
        of: the class of the message, or the enumeration; called when first needed, as a
            message may hold messages of its own kind.
        oneof: the name of the group of which at most one field is set.
        is_repeated: the field holds a tuple.
    """

    number: int
    kind: Kind
    name: str = ""
    of: Callable[[], type[Any]] | None = None
    oneof: str = ""
    is_repeated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of a message, ready for the codecs.

    Attributes:
        attribute: of the dataclass.
        name: in the definition of the protocol.
        number: on the wire.
        kind: what the field holds.
        is_number: the field is written as one number of variable length.
        is_repeated: the field holds a tuple.
        oneof: the group of which at most one field is set; empty without a group.
        default: is never written. A field whose default is ``None`` has presence: any
            value that is set is written.
        of: the class of the message, or the enumeration.
    """

    attribute: str
    name: str
    number: int
    kind: Kind
    is_number: bool
    is_repeated: bool
    oneof: str
    default: object
    of: Callable[[], type[Any]] | None

    @property
    def message(self) -> type[Any]:
        """The class of the message that the field holds."""
        assert self.of is not None, f"{self.name} holds no message"
        return self.of()

    @property
    def members(self) -> type[IntEnum]:
        """The enumeration that the field holds."""
        assert self.of is not None, f"{self.name} holds no enumeration"
        return cast("type[IntEnum]", self.of())


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageType:
    """The fields of a message."""

    in_order: tuple[Field, ...]
    by_tag: Mapping[int, Field]
    """Each field by the tags behind which its values come: its number and a form."""
    by_json_name: Mapping[str, Field]
    """Each field by its name in the definition, and by the same in lower camel case."""


@dataclass_transform(kw_only_default=True, frozen_default=True)
def message(cls: type[T]) -> type[T]:
    """Make a class a message."""
    return dataclass(frozen=True, slots=True, kw_only=True)(cls)


def type_of(cls: type[Any]) -> MessageType:
    """Return the fields of a message's class, in the order of their numbers."""
    known = _TYPES.get(cls)
    if known is None:
        known = _TYPES[cls] = _type_of(cls)
    return known


def _type_of(cls: type[Any]) -> MessageType:
    found = [
        _field(each.name, each.metadata[_KEY], each.default) for each in fields(cls)
    ]
    found.sort(key=lambda each: each.number)
    names = {each.name: each for each in found}
    return MessageType(
        in_order=tuple(found),
        by_tag={
            each.number << _FORM_BITS | form: each
            for each in found
            for form in _forms(each)
        },
        by_json_name={_lower_camel(name): each for name, each in names.items()} | names,
    )


def _field(attribute: str, declared: FieldType, default: object) -> Field:
    return Field(
        attribute=attribute,
        name=declared.name or attribute,
        number=declared.number,
        kind=declared.kind,
        is_number=declared.kind in NUMBERS,
        is_repeated=declared.is_repeated,
        oneof=declared.oneof,
        default=None if default is MISSING else default,
        of=declared.of,
    )


def _forms(field: Field) -> tuple[int, ...]:
    """Return the forms in which values of a field come; a list may be packed."""
    if not field.is_number:
        return (DELIMITED,)
    return (VARINT, DELIMITED) if field.is_repeated else (VARINT,)


def _lower_camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in others)


def _declare(default: object, declared: FieldType) -> Any:  # noqa: ANN401 - a field's
    assert 1 <= declared.number <= FIELD_NUMBER_MAX, declared
    return field(default=default, metadata={_KEY: declared})


def int64(number: int, name: str = "") -> int:
    """Declare an integer with a sign."""
    return cast(
        "int", _declare(0, FieldType(number=number, kind=Kind.INT64, name=name))
    )


def uint64(number: int, name: str = "") -> int:
    """Declare an integer without a sign."""
    declared = FieldType(number=number, kind=Kind.UINT64, name=name)
    return cast("int", _declare(0, declared))


def boolean(number: int, name: str = "") -> bool:
    """Declare a truth value."""
    declared = FieldType(number=number, kind=Kind.BOOL, name=name)
    return cast("bool", _declare(False, declared))


def data(number: int) -> bytes:
    """Declare bytes."""
    return cast("bytes", _declare(b"", FieldType(number=number, kind=Kind.BYTES)))


def several_data(number: int) -> tuple[bytes, ...]:
    """Declare a list of bytes."""
    declared = FieldType(number=number, kind=Kind.BYTES, is_repeated=True)
    return cast("tuple[bytes, ...]", _declare((), declared))


def text(number: int) -> str:
    """Declare text."""
    return cast("str", _declare("", FieldType(number=number, kind=Kind.STRING)))


def texts(number: int, name: str) -> tuple[str, ...]:
    """Declare a list of texts."""
    declared = FieldType(number=number, kind=Kind.STRING, name=name, is_repeated=True)
    return cast("tuple[str, ...]", _declare((), declared))


def one_of(number: int, members: type[IntEnum]) -> int:
    """Declare a value of an enumeration; a number that has no name is kept."""
    declared = FieldType(number=number, kind=Kind.ENUM, of=lambda: members)
    return cast("int", _declare(0, declared))


def several_of(number: int, members: type[IntEnum]) -> tuple[int, ...]:
    """Declare a list of values of an enumeration."""
    declared = FieldType(
        number=number, kind=Kind.ENUM, of=lambda: members, is_repeated=True
    )
    return cast("tuple[int, ...]", _declare((), declared))


def nested(number: int, of: Callable[[], type[T]], *, oneof: str = "") -> T | None:
    """Declare a message within the message."""
    declared = FieldType(number=number, kind=Kind.MESSAGE, of=of, oneof=oneof)
    return cast("T | None", _declare(None, declared))


def several(number: int, of: Callable[[], type[T]]) -> tuple[T, ...]:
    """Declare a list of messages."""
    declared = FieldType(number=number, kind=Kind.MESSAGE, of=of, is_repeated=True)
    return cast("tuple[T, ...]", _declare((), declared))


def choice_int64(number: int, oneof: str) -> int | None:
    """Declare an integer of a group of which at most one field is set."""
    declared = FieldType(number=number, kind=Kind.INT64, oneof=oneof)
    return cast("int | None", _declare(None, declared))


def choice_data(number: int, oneof: str) -> bytes | None:
    """Declare bytes of a group of which at most one field is set."""
    declared = FieldType(number=number, kind=Kind.BYTES, oneof=oneof)
    return cast("bytes | None", _declare(None, declared))
