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


def _such_that(fits: Callable[[Json], bool]) -> Clean:
    def clean(value: Json, _: Names) -> Json:
        if not fits(value):
            raise Unfit
        return value

    return clean


def _one_of(*values: str) -> Clean:
    return _such_that(lambda value: isinstance(value, str) and value in values)


_text = _such_that(lambda value: isinstance(value, str))
_flag = _such_that(lambda value: isinstance(value, bool))
_number = _such_that(lambda value: type(value) in (int, float))
_count = _such_that(lambda value: type(value) is int and value >= 0)


def _positive(value: Json, names: Names) -> Json:
    _number(value, names)
    if value <= 0:  # type: ignore[operator]  # it is a number
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


def _object(fields: Mapping[str, Clean], *, needs: tuple[str, ...] = ()) -> Clean:
    """Accept an object of known fields, and of extensions with any JSON."""

    def of(name: str | int) -> Clean | None:
        return _anything if str(name).startswith("x-") else fields.get(str(name))

    def clean(value: Json, names: Names) -> Json:
        if not isinstance(value, dict):
            raise Unfit
        fitting = _fitting(value, of, names.deeper())
        if not fitting.keys() >= set(needs):
            raise Unfit
        return {str(key): each for key, each in fitting.items()}

    return clean


def _all(clean: Clean, names: str) -> Mapping[str, Clean]:
    """Return fields of one kind, whose names are separated by spaces."""
    return dict.fromkeys(names.split(), clean)


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

_link = _object(_all(_text, "url description"), needs=("url",))

_SCHEMA_FIELDS = _object(
    {
        **_all(_text, "title description format"),
        "type": _one_of("array", "boolean", "integer", "number", "object", "string"),
        "enum": _list_of(_anything, least=1),
        **_all(_anything, "default example"),
        "multipleOf": _positive,
        **_all(_number, "maximum minimum"),
        **_all(_flag, "exclusiveMaximum exclusiveMinimum uniqueItems"),
        **_all(_count, "maxLength minLength maxItems minItems"),
        **_all(_count, "maxProperties minProperties"),
        "pattern": _pattern,
        "required": _list_of(_text, least=1),
        **_all(_list_of(_schema, least=1), "allOf oneOf anyOf"),
        **_all(_schema, "not items"),
        "properties": _by_name(_schema),
        "additionalProperties": lambda value, names: (
            value if isinstance(value, bool) else _schema(value, names)
        ),
        "discriminator": _object(
            {"propertyName": _text, "mapping": _by_name(_text)}, needs=("propertyName",)
        ),
        **_all(_flag, "nullable readOnly writeOnly deprecated"),
        "externalDocs": _link,
        "xml": _object(
            {**_all(_text, "name namespace prefix"), **_all(_flag, "attribute wrapped")}
        ),
    }
)
_SCHEMA = _or_reference("schemas", _whole_schema)


# Operations


def _illustrated(fields: Mapping[str, Clean], *, needs: tuple[str, ...] = ()) -> Clean:
    """Accept an object with a schema, and with one example or several, not both."""
    clean = _object({**_ILLUSTRATED, **fields}, needs=needs)

    def take(value: Json, names: Names) -> Json:
        cleaned = clean(value, names)
        assert isinstance(cleaned, dict), "fields are of objects"
        if "example" in cleaned:
            cleaned.pop("examples", None)
        return cleaned

    return take


_example = _object(
    {**_all(_text, "summary description externalValue"), "value": _anything}
)
_ILLUSTRATED = {
    "schema": _schema,
    "example": _anything,
    "examples": _by_name(_example),
}
_media_type = _illustrated({})
_content = _by_name(_media_type)
_one_content = _by_name(_media_type, least=1)

_COMMON = {"description": _text, **_all(_flag, "required deprecated explode")}
_header = _illustrated({"style": _one_of("simple"), **_COMMON}, needs=("schema",))
_STYLES: Mapping[str, tuple[str, ...]] = {
    "path": ("matrix", "label", "simple"),
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject"),
    "header": ("simple",),
    "cookie": ("form",),
}
_parameter_fields = _illustrated(
    {
        "in": _one_of(*_STYLES),
        **_all(_text, "name style"),
        **_all(_flag, "allowReserved allowEmptyValue"),
        **_COMMON,
    },
    needs=("name", "in", "schema"),
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
        {"description": _text, "headers": _by_name(_header), "content": _content},
        needs=("description",),
    ),
)


def _requirement(value: Json, names: Names) -> Json:
    cleaned = _by_name(_list_of(_text))(value, names)
    assert isinstance(cleaned, dict), "a requirement is an object"
    if not cleaned.keys() <= names.schemes:
        raise Unfit
    return cleaned


_OPERATION = _object(
    {
        "tags": _list_of(_text),
        **_all(_text, "summary description operationId"),
        "externalDocs": _link,
        "parameters": _parameters,
        "requestBody": _object(
            {"description": _text, "content": _one_content, "required": _flag},
            needs=("content",),
        ),
        "responses": _by_name(
            _response, name="default|[1-5](?:[0-9][0-9]|XX)", least=1
        ),
        "deprecated": _flag,
        "security": _list_of(_requirement),
        "servers": _list_of(_link),
    }
)
