"""How a record of the service's tables becomes JSON and back.

CCF writes a record's required fields always and an optional field only where it differs
from its default (``include/ccf/ds/json.h``); it ignores fields it does not know. A
record is a dataclass: the types of its fields say how each is written and read.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from enum import StrEnum
from types import NoneType, UnionType
from typing import (
    Any,
    Generic,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from ccfpy.base import json
from ccfpy.base.errors import Malformed
from ccfpy.base.ids import TxId
from ccfpy.base.json import Json
from ccfpy.kv.maps import STRING, Codec

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)
K = TypeVar("K", bound=str)


@dataclass(frozen=True, slots=True)
class Form(Generic[T]):
    """The JSON form of one kind of value.

    Attributes:
        write: returns the JSON.
        read: returns the value, or raises ``Malformed``.
    """

    write: Callable[[T], Json]
    read: Callable[[Json], T]


def _same(value: Json) -> Json:
    return value


def _read_text(value: Json) -> str:
    if not isinstance(value, str):
        raise Malformed(f"expected text, found {value!r}")
    return value


def _read_count(value: Json) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise Malformed(f"expected an unsigned integer, found {value!r}")
    return value


def _read_flag(value: Json) -> bool:
    if not isinstance(value, bool):
        raise Malformed(f"expected a boolean, found {value!r}")
    return value


def _read_base64(value: Json) -> bytes:
    try:
        return base64.b64decode(_read_text(value), validate=True)
    except ValueError as error:
        raise Malformed(f"not base64: {value!r}") from error


def _write_base64(value: bytes) -> Json:
    return base64.b64encode(value).decode()


def _write_tx_id(value: TxId) -> Json:
    return str(value)


def _read_tx_id(value: Json) -> TxId:
    return TxId.parse(_read_text(value))


ANY: Form[Json] = Form(_same, _same)
"""Whatever JSON somebody attached."""
TEXT: Form[str] = Form(_same, _read_text)
COUNT: Form[int] = Form(_same, _read_count)
"""An unsigned integer: a count, a seqno or a number of days."""
FLAG: Form[bool] = Form(_same, _read_flag)
BASE64: Form[bytes] = Form(_write_base64, _read_base64)
TX_ID: Form[TxId] = Form(_write_tx_id, _read_tx_id)


def text_of(kind: Callable[[str], K]) -> Form[K]:
    """Text that names something, such as an id."""
    return Form(_same, lambda value: kind(_read_text(value)))


def member_of(enum: type[E]) -> Form[E]:
    """One of an enum's values, as text."""

    def read(value: Json) -> E:
        try:
            return enum(_read_text(value))
        except ValueError as error:
            raise Malformed(f"{value!r} is not a {enum.__name__}") from error

    return Form(_same, read)


def list_of(form: Form[T]) -> Form[tuple[T, ...]]:
    """An array."""

    def read(value: Json) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise Malformed(f"expected an array, found {value!r}")
        return tuple(map(form.read, value))

    return Form(lambda values: list(map(form.write, values)), read)


def map_of(key: Callable[[str], K], form: Form[T]) -> Form[Mapping[K, T]]:
    """An object whose field names are keys."""

    def write(values: Mapping[K, T]) -> Json:
        return {str(name): form.write(value) for name, value in values.items()}

    def read(value: Json) -> Mapping[K, T]:
        if not isinstance(value, dict):
            raise Malformed(f"expected an object, found {value!r}")
        return {key(name): form.read(item) for name, item in value.items()}

    return Form(write, read)


def nullable(form: Form[T]) -> Form[T | None]:
    """A value, or ``null`` where there is none."""
    return Form(
        lambda value: None if value is None else form.write(value),
        lambda value: None if value is None else form.read(value),
    )


def form_of(annotation: Any) -> Form[Any]:  # noqa: ANN401 - any type of a field
    """Return the form of a type.

    Known are text, unsigned integers, booleans, bytes (base64), transaction ids, any
    JSON, enums, ids, arrays as ``tuple[T, ...]``, objects as ``Mapping[K, T]``,
    optional values, and dataclasses of these.

    Raises:
        TypeError: the type has no form.
    """
    if annotation in _FORMS:
        return _FORMS[annotation]
    if get_origin(annotation) is not None:
        return _composed(annotation, get_args(annotation))
    if getattr(annotation, "__supertype__", None) is str:
        return text_of(annotation)
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return member_of(annotation)
    if isinstance(annotation, type) and is_dataclass(annotation):
        return record(annotation)
    raise TypeError(f"a record has no form for {annotation!r}")


def _composed(annotation: object, parts: tuple[Any, ...]) -> Form[Any]:
    origin = get_origin(annotation)
    if origin in (Union, UnionType):
        return _union_form(annotation, parts)
    if origin is tuple and parts[1:] == (...,):
        return list_of(form_of(parts[0]))
    if origin is Mapping:
        return map_of(parts[0], form_of(parts[1]))
    raise TypeError(f"a record has no form for {annotation!r}")


def _union_form(annotation: object, parts: tuple[Any, ...]) -> Form[Any]:
    if {get_origin(part) or part for part in parts} == _JSON_PARTS:
        return ANY
    others = [part for part in parts if part is not NoneType]
    if len(others) != 1 or len(parts) != 2:  # noqa: PLR2004 - a type, or nothing
        raise TypeError(f"a record cannot tell the parts of {annotation!r} apart")
    return nullable(form_of(others[0]))


_FORMS: Mapping[Any, Form[Any]] = {
    str: TEXT,
    int: COUNT,
    bool: FLAG,
    bytes: BASE64,
    TxId: TX_ID,
}
_JSON_PARTS = {dict, list, str, int, float, bool, NoneType}


def record(
    kind: type[T],
    *,
    always: Sequence[str] = (),
    forms: Mapping[str, Form[Any]] | None = None,
) -> Form[T]:
    """Return the form of a dataclass: an object with its fields, by their types.

    A field without a default is always written, and must be there when reading. A field
    that equals its default is left out.

    Args:
        kind: the dataclass; its field names are the object's.
        always: fields that have a default, but are written always all the same.
        forms: forms of fields whose type does not say enough.
    """
    special = forms or {}
    hints = get_type_hints(kind, localns={"Json": Json})
    named = {
        field.name: special.get(field.name) or form_of(hints[field.name])
        for field in fields(kind)  # type: ignore[arg-type]  # any dataclass; typeshed has no public type for one
    }
    defaults = {field.name: _default(field) for field in fields(kind)}  # type: ignore[arg-type]  # the same
    assert {*always, *special} <= named.keys(), kind
    required = {
        name: form
        for name, form in named.items()
        if name in always or defaults[name] is MISSING
    }
    may = {name: form for name, form in named.items() if name not in required}

    def write(value: T) -> Json:
        written = {
            name: form.write(getattr(value, name)) for name, form in required.items()
        }
        for name, form in may.items():
            item = getattr(value, name)
            if item != defaults[name]:
                written[name] = form.write(item)
        return written

    def read(value: Json) -> T:
        if not isinstance(value, dict):
            raise Malformed(f"expected a {kind.__name__} object, found {value!r}")
        given: dict[str, object] = {}
        for name, form in required.items():
            if name not in value:
                raise Malformed(f"{kind.__name__} lacks its field {name!r}")
            given[name] = form.read(value[name])
        for name, form in may.items():
            if name in value:
                given[name] = form.read(value[name])
        return kind(**given)

    return Form(write, read)


def _default(field: Any) -> object:  # noqa: ANN401 - dataclasses.Field is generic over its default
    if field.default is not MISSING:
        return field.default
    if field.default_factory is not MISSING:
        return field.default_factory()
    return MISSING


def codec_of(form: Form[T]) -> Codec[T]:
    """How a table holds values of this form: compact JSON with sorted keys."""
    read, write = form.read, form.write
    return Codec(
        encode=lambda value: json.dumps(write(value)),
        decode=lambda text: read(json.loads(text)),
    )


def text_key(kind: Callable[[str], K]) -> Codec[K]:
    """How a table is keyed by ids: their text."""
    return Codec(encode=str.encode, decode=lambda text: kind(STRING.decode(text)))
