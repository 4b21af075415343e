"""An application's own description of an operation, as far as it is OpenAPI 3.0.

An application's metadata may hold any JSON under ``openapi``. Readers of the document
rely on its being valid, so invalid parts are left out: a field of a wrong kind, an
object without a required field, a reference that leads nowhere or out of the document.
The table below is the specification's from the Operation Object down (version 3.0.3),
without links, callbacks and encodings, which are left out too.
"""

import re
import warnings
from collections.abc import Callable, Hashable, Mapping
from typing import NamedTuple, TypeAlias

from ccfpy.base import limits
from ccfpy.base.json import Json, JsonObject


class Names(NamedTuple):
    """What the document has that an operation may refer to, and how deep it may go."""

    schemas: frozenset[str] = frozenset()
    schemes: frozenset[str] = frozenset()
    in_path: frozenset[str] = frozenset()
    depth_left: int = limits.OPENAPI_DEPTH_MAX

    def deeper(self) -> "Names":
        """Go one level down.

        Raises:
            Unfit: this is deep enough.
        """
        if self.depth_left == 0:
            raise Unfit
        return self._replace(depth_left=self.depth_left - 1)


class Unfit(Exception):
    """A value that cannot stand where it was put."""


Clean: TypeAlias = Callable[[Json, Names], Json]
"""Gives what fits of a value; raises ``Unfit`` if nothing does."""


def operation(given: Json, names: Names) -> JsonObject:
    """Return the part of an operation that is valid; it may have no responses."""
    try:
        cleaned = _OPERATION(given, names)
    except Unfit:
        return {}
    assert isinstance(cleaned, dict), "an operation is an object"
    return cleaned


# Kinds of values


def _kind(*kinds: type) -> Clean:
    def clean(value: Json, _: Names) -> Json:
        if type(value) not in kinds:
            raise Unfit
        return value

    return clean


def _one_of(*values: Json) -> Clean:
    def clean(value: Json, _: Names) -> Json:
        if not any(type(value) is type(each) and value == each for each in values):
            raise Unfit
        return value

    return clean


def _count(value: Json, _: Names) -> Json:
    if type(value) is not int or value < 0:
        raise Unfit
    return value


def _positive(value: Json, _: Names) -> Json:
    if type(value) not in (int, float) or value <= 0:  # type: ignore[operator]  # numbers
        raise Unfit
    return value


def _anything(value: Json, names: Names) -> Json:
    """Accept any JSON up to the depth that is allowed."""
    inner = names.deeper()
    if isinstance(value, dict):
        for each in value.values():
            _anything(each, inner)
    elif isinstance(value, list):
        for each in value:
            _anything(each, inner)
    return value


def _pattern(value: Json, _: Names) -> Json:
    """Accept a pattern that Python compiles without a warning."""
    if not isinstance(value, str) or len(value) > limits.OPENAPI_PATTERN_CHARS_MAX:
        raise Unfit
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            re.compile(value)
    except (re.error, OverflowError, RecursionError, Warning) as error:
        raise Unfit from error
    return value


def _list_of(item: Clean, *, least: int = 0) -> Clean:
    def clean(value: Json, names: Names) -> Json:
        if not isinstance(value, list):
            raise Unfit
        fitting = _fitting(dict(enumerate(value)), lambda _: item, names.deeper())
        if len(fitting) < least:
            raise Unfit
        return list(fitting.values())

    return clean


def _by_name(item: Clean, *, name: str = ".*", least: int = 0) -> Clean:
    pattern = re.compile(name, re.DOTALL)

    def clean(value: Json, names: Names) -> Json:
        if not isinstance(value, dict):
            raise Unfit
        named = {key: each for key, each in value.items() if pattern.fullmatch(key)}
        fitting = _fitting(named, lambda _: item, names.deeper())
        if len(fitting) < least:
            raise Unfit
        return {str(key): each for key, each in fitting.items()}

    return clean


def _object(*, needs: tuple[str, ...] = (), **fields: Clean) -> Clean:
    """Accept an object of known fields, and of extensions with any JSON."""
    renamed = {_FIELDS.get(name, name): clean for name, clean in fields.items()}

    def of(name: str | int) -> Clean | None:
        if str(name).startswith("x-"):
            return _anything
        return renamed.get(str(name))

    def clean(value: Json, names: Names) -> Json:
        if not isinstance(value, dict):
            raise Unfit
        fitting = _fitting(value, of, names.deeper())
        if not fitting.keys() >= set(needs):
            raise Unfit
        return {str(key): each for key, each in fitting.items()}

    return clean


_FIELDS = {"is_in": "in", "negated": "not"}
"""Fields whose names are Python's own words."""


def _fitting(
    values: Mapping[str, Json] | Mapping[int, Json],
    clean_of: Callable[[str | int], Clean | None],
    names: Names,
) -> dict[str | int, Json]:
    fitting: dict[str | int, Json] = {}
    for key, value in values.items():
        clean = clean_of(key)
        if clean is None:
            continue
        try:
            fitting[key] = clean(value, names)
        except Unfit:
            continue
    return fitting


def _or_reference(place: str, clean: Clean) -> Clean:
    """Accept a value that fits, or a reference to such a value in the document."""

    def take(value: Json, names: Names) -> Json:
        if not isinstance(value, dict) or "$ref" not in value:
            return clean(value, names)
        reference = value["$ref"]
        known = names.schemas if place == "schemas" else _RESPONSES
        prefix = f"#/components/{place}/"
        if not isinstance(reference, str) or not reference.startswith(prefix):
            raise Unfit
        if reference.removeprefix(prefix) not in known:
            raise Unfit
        return {"$ref": reference}

    return take


_RESPONSES = frozenset({"default"})


# Schemas


def _schema(value: Json, names: Names) -> Json:
    return _SCHEMA(value, names)


def _whole_schema(value: Json, names: Names) -> Json:
    cleaned = _SCHEMA_FIELDS(value, names)
    assert isinstance(cleaned, dict), "a schema is an object"
    if "allOf" in cleaned:
        # Which names the parts define is not followed here.
        cleaned.pop("required", None)
    for field in ("required", "enum"):
        values = cleaned.get(field)
        if isinstance(values, list):
            cleaned[field] = list({_key(each): each for each in values}.values())
    if not _default_fits(cleaned):
        cleaned.pop("default", None)
    return cleaned


def _key(value: Json) -> Hashable:
    """Return a key that is equal for values that a validator takes for equal."""
    if isinstance(value, dict):
        return frozenset((name, _key(each)) for name, each in value.items())
    if isinstance(value, list):
        return tuple(map(_key, value))
    return value


def _default_fits(schema: JsonObject) -> bool:
    """Return whether a default is of its schema's type."""
    kinds = _PYTHON_TYPES.get(str(schema.get("type")), ())
    return type(schema.get("default")) in kinds and schema.keys() <= _UNCONSTRAINED


_PYTHON_TYPES: Mapping[str, tuple[type, ...]] = {
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "string": (str,),
}
_UNCONSTRAINED = frozenset({"type", "default", "title", "description", "example"})

_text, _flag, _number = _kind(str), _kind(bool), _kind(int, float)
_documentation = _object(needs=("url",), url=_text, description=_text)

_SCHEMA_FIELDS = _object(
    title=_text,
    description=_text,
    type=_one_of("array", "boolean", "integer", "number", "object", "string"),
    format=_text,
    enum=_list_of(_anything, least=1),
    default=_anything,
    example=_anything,
    multipleOf=_positive,
    maximum=_number,
    exclusiveMaximum=_flag,
    minimum=_number,
    exclusiveMinimum=_flag,
    maxLength=_count,
    minLength=_count,
    pattern=_pattern,
    maxItems=_count,
    minItems=_count,
    uniqueItems=_flag,
    maxProperties=_count,
    minProperties=_count,
    required=_list_of(_text, least=1),
    allOf=_list_of(_schema, least=1),
    oneOf=_list_of(_schema, least=1),
    anyOf=_list_of(_schema, least=1),
    negated=_schema,
    items=_schema,
    properties=_by_name(_schema),
    additionalProperties=lambda value, names: (
        value if isinstance(value, bool) else _schema(value, names)
    ),
    nullable=_flag,
    discriminator=_object(
        needs=("propertyName",), propertyName=_text, mapping=_by_name(_text)
    ),
    readOnly=_flag,
    writeOnly=_flag,
    deprecated=_flag,
    externalDocs=_documentation,
    xml=_object(
        name=_text, namespace=_text, prefix=_text, attribute=_flag, wrapped=_flag
    ),
)
_SCHEMA = _or_reference("schemas", _whole_schema)


# Operations


def _exclusive(clean: Clean, *pairs: tuple[str, str]) -> Clean:
    """Accept an object; of two fields that exclude each other keep the first."""

    def take(value: Json, names: Names) -> Json:
        cleaned = clean(value, names)
        assert isinstance(cleaned, dict), "fields are of objects"
        for first, second in pairs:
            if first in cleaned:
                cleaned.pop(second, None)
        return cleaned

    return take


_example = _object(
    summary=_text, description=_text, value=_anything, externalValue=_text
)
_media_type = _exclusive(
    _object(schema=_schema, example=_anything, examples=_by_name(_example)),
    ("example", "examples"),
)
_content = _by_name(_media_type)
_one_content = _by_name(_media_type, least=1)

_COMMON = {
    "description": _text,
    "required": _flag,
    "deprecated": _flag,
    "explode": _flag,
    "schema": _schema,
    "example": _anything,
    "examples": _by_name(_example),
}
_header = _exclusive(
    _object(needs=("schema",), style=_one_of("simple"), **_COMMON),
    ("example", "examples"),
)
_STYLES: Mapping[str, tuple[str, ...]] = {
    "path": ("matrix", "label", "simple"),
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject"),
    "header": ("simple",),
    "cookie": ("form",),
}
_parameter_fields = _exclusive(
    _object(
        needs=("name", "in", "schema"),
        name=_text,
        is_in=_one_of(*_STYLES),
        style=_text,
        allowReserved=_flag,
        allowEmptyValue=_flag,
        **_COMMON,
    ),
    ("example", "examples"),
)


def _parameter(value: Json, names: Names) -> Json:
    cleaned = _parameter_fields(value, names)
    assert isinstance(cleaned, dict), "a parameter is an object"
    place = str(cleaned["in"])
    if cleaned.get("style") not in _STYLES[place]:
        cleaned.pop("style", None)
    if place == "path":
        cleaned["required"] = True
    return cleaned


def _parameters(value: Json, names: Names) -> Json:
    cleaned = _list_of(_parameter)(value, names)
    assert isinstance(cleaned, list), "parameters are a list"
    named: dict[tuple[str, str], Json] = {}
    for each in cleaned:
        assert isinstance(each, dict), "a parameter is an object"
        if each["in"] == "path" and each["name"] not in names.in_path:
            continue
        named.setdefault((str(each["name"]), str(each["in"])), each)
    return list(named.values())


_response = _or_reference(
    "responses",
    _object(
        needs=("description",),
        description=_text,
        headers=_by_name(_header),
        content=_content,
    ),
)


def _requirement(value: Json, names: Names) -> Json:
    cleaned = _by_name(_list_of(_text))(value, names)
    assert isinstance(cleaned, dict), "a requirement is an object"
    if not cleaned.keys() <= names.schemes:
        raise Unfit
    return cleaned


_OPERATION = _object(
    tags=_list_of(_text),
    summary=_text,
    description=_text,
    externalDocs=_documentation,
    operationId=_text,
    parameters=_parameters,
    requestBody=_object(
        needs=("content",), description=_text, content=_one_content, required=_flag
    ),
    responses=_by_name(_response, name="default|[1-5](?:[0-9][0-9]|XX)", least=1),
    deprecated=_flag,
    security=_list_of(_requirement),
    servers=_list_of(_object(needs=("url",), url=_text, description=_text)),
)
