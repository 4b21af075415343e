"""Structures of msgspec. The only module that imports msgspec."""

import re
import types
from collections.abc import Iterator
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

from ccfpy.base.components import REFERENCE, Schema
from ccfpy.base.json import Json
from ccfpy.base.json_schema import openapi
from ccfpy.base.limits import STRUCT_DEPTH_MAX
from ccfpy.base.mismatch import Mismatch
from ccfpy.base.problems import unknown_field

_PLACE = re.compile(r"^(?P<problem>.*) - at `(?:key in )?\$(?P<place>.*)`$", re.DOTALL)
_PART = re.compile(r"\.([^.\[]+)|\[([^\]]*)\]")


def schema_of_struct(kind: Any) -> Schema:  # noqa: ANN401 - msgspec's own class
    """Return the schema of a structure.

    A value is read strictly, and written as msgspec writes JSON.

    Raises:
        TypeError: msgspec has no schema for it.
    """
    try:
        (reference,), components = msgspec.json.schema_components(
            [kind], ref_template=f"{REFERENCE}{{name}}"
        )
    except TypeError as error:
        raise TypeError(str(error).rpartition("\n")[2]) from error

    def read(value: Json) -> Any:  # noqa: ANN401 - an instance of the structure
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            raise _mismatch(error) from error

    def problems(value: Json) -> Iterator[Mismatch]:
        return _problems(kind, value)

    def write(value: Any) -> Any:  # noqa: ANN401 - an instance of the structure
        if not isinstance(value, kind):
            raise TypeError(f"a {type(value).__name__} is no {kind.__name__}")
        return msgspec.to_builtins(value, str_keys=True)

    described = {name: openapi(each) for name, each in components.items()}
    return Schema(read, write, dict(reference), described, problems=problems)


def _mismatch(error: msgspec.ValidationError) -> Mismatch:
    """Return an error of msgspec, whose place is at its end."""
    found = _PLACE.match(str(error))
    if found is None:
        return Mismatch(str(error))
    mismatch = Mismatch(found["problem"])
    parts = [name or number for name, number in _PART.findall(found["place"])]
    mismatch.path = parts[::-1]
    return mismatch


def _problems(kind: Any, value: Json, depth: int = 0) -> Iterator[Mismatch]:  # noqa: ANN401 - any type
    """Yield all that is wrong: msgspec stops at the first, so parts are read alone."""
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        is_known = False
        if depth < STRUCT_DEPTH_MAX:
            for problem in _of_parts(kind, value, depth + 1):
                is_known = True
                yield problem
        if not is_known:
            yield _mismatch(error)


def _of_parts(kind: Any, value: Json, depth: int) -> Iterator[Mismatch]:  # noqa: ANN401 - any type
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType) and value is not None:
        others = [each for each in arguments if each is not types.NoneType]
        if len(others) == 1:
            yield from _of_parts(others[0], value, depth)
    elif origin is Annotated:
        yield from _of_parts(arguments[0], value, depth)
    elif origin is list and isinstance(value, list):
        for index, item in enumerate(value):
            for problem in _problems(arguments[0], item, depth):
                yield problem.within(str(index))
    elif (
        isinstance(kind, type)
        and issubclass(kind, msgspec.Struct)
        and isinstance(value, dict)
    ):
        yield from _of_fields(kind, value, depth)


def _of_fields(
    kind: type[msgspec.Struct], value: dict[str, Json], depth: int
) -> Iterator[Mismatch]:
    settings = kind.__struct_config__
    known = {settings.tag_field}
    for field in msgspec.structs.fields(kind):
        name = field.encode_name
        known.add(name)
        if name in value:
            for problem in _problems(field.type, value[name], depth):
                yield problem.within(name)
        elif field.required:
            yield Mismatch("missing required field").within(name)
    if settings.forbid_unknown_fields:
        for name in value:
            if name not in known:
                yield unknown_field(name)
