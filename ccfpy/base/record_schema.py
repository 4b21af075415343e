"""How a dataclass is JSON: an object.

A field without a default is required; a field that equals its default is not written;
fields nobody declared are ignored, as in CCF (``include/ccf/ds/json.h``), unless the
dataclass is ``closed``. A ``ValueError`` from ``__post_init__`` refuses the value.
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MemberDescriptorType
from typing import Any, Final, TypeAlias

from ccfpy.base.annotations import CLOSED, IS_REQUIRED, JSON_NAME
from ccfpy.base.components import Schema
from ccfpy.base.json import Json, JsonObject
from ccfpy.base.mismatch import Mismatch, found
from ccfpy.base.problems import problems_of_record, unknown_field

SchemaOf: TypeAlias = Callable[[object], Schema]

_Slot: TypeAlias = tuple[str, Callable[[object, object], None], object]
"""A field's name, what sets it, and its default."""

_new: Final[Callable[[type], Any]] = object.__new__
_ABSENT: Final[Any] = object()
"""In place of a field that an object does not have."""
_WRITTEN_BY_DATACLASS: Final = "<string>"
"""The file of the constructors that ``dataclass`` writes."""


@dataclass(frozen=True, slots=True)
class _Field:
    """A dataclass's field: where it stands in JSON, and what may be left out."""

    name: str
    json_name: str
    shape: Schema
    is_required: bool
    default: Any


def _fields(
    kind: Any,  # noqa: ANN401 - any dataclass
    hints: Mapping[str, object],
    schema_of: SchemaOf,
) -> list[_Field]:
    return [
        _Field(
            name=each.name,
            json_name=each.metadata.get(JSON_NAME, each.name),
            shape=_field_schema(kind, each.name, hints[each.name], schema_of),
            is_required=IS_REQUIRED in each.metadata
            or each.default is each.default_factory is dataclasses.MISSING,
            default=each.default
            if each.default_factory is dataclasses.MISSING
            else each.default_factory(),
        )
        for each in dataclasses.fields(kind)
        if each.init
    ]


def _field_schema(
    kind: Any,  # noqa: ANN401 - any dataclass
    name: str,
    annotation: object,
    schema_of: SchemaOf,
) -> Schema:
    try:
        return schema_of(annotation)
    except TypeError as error:
        if " (in " in str(error):
            raise
        raise TypeError(f"{error} (in {kind.__qualname__}.{name})") from error


def record_schema(
    kind: Any,  # noqa: ANN401 - any dataclass
    hints: Mapping[str, object],
    schema_of: SchemaOf,
) -> Schema:
    """Return the schema of a dataclass.

    Args:
        kind: the dataclass.
        hints: the types of its fields.
        schema_of: gives the schema of a type.

    Raises:
        TypeError: JSON has no form for a field.
    """
    fields = _fields(kind, hints, schema_of)
    schema: JsonObject = {
        "properties": {each.json_name: each.shape.schema for each in fields},
        "type": "object",
    }
    if required := [each.json_name for each in fields if each.is_required]:
        schema["required"] = list[Json](required)
    components: dict[str, Json] = {}
    for each in fields:
        components.update(each.shape.components)
    read = _reader(kind, fields)
    is_closed = bool(getattr(kind, CLOSED, False))
    if is_closed:
        schema["additionalProperties"] = False
        read = _closed(fields, read)
    parts = [(each.json_name, each.shape, each.is_required) for each in fields]
    return Schema(
        read,
        _writer(fields),
        schema,
        components,
        problems=problems_of_record(parts, read, is_closed=is_closed),
    )


def _closed(fields: list[_Field], read: Callable[[Json], Any]) -> Callable[[Json], Any]:
    known = frozenset(each.json_name for each in fields)

    def read_closed(value: Json) -> Any:  # noqa: ANN401 - an instance of the dataclass
        if isinstance(value, dict):
            for name in value:
                if name not in known:
                    raise unknown_field(name)
        return read(value)

    return read_closed


def _reader(kind: Any, fields: list[_Field]) -> Callable[[Json], Any]:  # noqa: ANN401 - any dataclass
    make = _maker(kind)

    def read(value: Json) -> Any:  # noqa: ANN401 - an instance of the dataclass
        if not isinstance(value, dict):
            raise Mismatch(f"expected an object, found {found(value)}")
        given = {}
        for field in fields:
            item = value.get(field.json_name, _ABSENT)
            if type(item) is field.shape.exact:
                given[field.name] = item
            elif item is not _ABSENT:
                try:
                    given[field.name] = field.shape.read(item)
                except Mismatch as error:
                    error.path.append(field.json_name)
                    raise
            elif field.is_required:
                raise Mismatch(
                    f"Missing required field '{field.json_name}' in object: "
                    f"{found(value)}"
                )
        try:
            return make(given)
        except ValueError as refusal:
            raise Mismatch(str(refusal)) from refusal

    return read


def _maker(kind: Any) -> Callable[[dict[str, Any]], Any]:  # noqa: ANN401 - any dataclass
    """Return what makes an instance of a dataclass, given all that has no default.

    The constructor of a frozen dataclass is interpreted, and sets each field by a call:
    2.2 % of the instructions of a write whose body has three fields. If there is no
    more to it, the same fields are set here, by their slots.
    """
    slots = _slots(kind)

    def construct(given: dict[str, Any]) -> Any:  # noqa: ANN401 - an instance of the dataclass
        return kind(**given)

    def fill(given: dict[str, Any]) -> Any:  # noqa: ANN401 - an instance of the dataclass
        instance = _new(kind)
        for name, set_slot, default in slots:
            set_slot(instance, given.get(name, default))
        return instance

    return fill if slots else construct


def _slots(kind: Any) -> list[_Slot]:  # noqa: ANN401 - any dataclass
    """List the fields of a dataclass, if its constructor does no more than set them."""
    parameters = kind.__dataclass_params__
    constructor = getattr(kind.__init__, "__code__", None)
    if (
        not parameters.frozen
        or constructor is None
        or constructor.co_filename != _WRITTEN_BY_DATACLASS
        or kind.__new__ is not object.__new__
        or hasattr(kind, "__post_init__")
    ):
        return []
    slots: list[_Slot] = []
    for each in dataclasses.fields(kind):
        slot = getattr(kind, each.name, None)
        is_made_anew = each.default_factory is not dataclasses.MISSING
        if not isinstance(slot, MemberDescriptorType) or is_made_anew or not each.init:
            return []
        slots.append((each.name, slot.__set__, each.default))
    return slots


def _writer(fields: list[_Field]) -> Callable[[Any], Any]:
    plan = [
        (f.name, f.json_name, f.shape.write, f.is_required, f.default) for f in fields
    ]

    def write(value: Any) -> JsonObject:  # noqa: ANN401 - an instance of the dataclass
        written: JsonObject = {}
        for name, json_name, write_field, is_required, default in plan:
            item = getattr(value, name)
            if is_required or item != default:
                written[json_name] = write_field(item) if write_field else item
        return written

    return write
