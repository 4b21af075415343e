"""Models of pydantic. The only module of the trusted process that imports pydantic."""

from collections.abc import Iterator
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from ccfpy.base import json
from ccfpy.base.components import REFERENCE, Schema, named_after
from ccfpy.base.json import Json, JsonObject
from ccfpy.base.json_schema import openapi
from ccfpy.base.limits import BODY_PROBLEMS_MAX
from ccfpy.base.mismatch import Mismatch


def schema_of_model(kind: type) -> Schema:
    """Return the schema of a model.

    A value is read as pydantic reads JSON, and written by alias with all its fields.

    Raises:
        TypeError: pydantic has no schema for it.
    """
    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    try:
        described: JsonObject = adapter.json_schema(
            ref_template=f"{REFERENCE}{{model}}"
        )
    except PydanticUserError as error:
        raise TypeError(str(error).partition("\n")[0]) from error

    def read(value: Json) -> Any:  # noqa: ANN401 - an instance of the model
        try:
            return adapter.validate_json(json.dumps(value))
        except ValidationError as error:
            raise next(_mismatches(error)) from error

    def problems(value: Json) -> Iterator[Mismatch]:
        try:
            adapter.validate_json(json.dumps(value))
        except ValidationError as error:
            yield from _mismatches(error)

    def write(value: Any) -> Any:  # noqa: ANN401 - an instance of the model
        return adapter.dump_python(value, mode="json", by_alias=True, warnings="error")

    definitions = described.pop("$defs", {})
    assert isinstance(definitions, dict), "JSON Schema has them by name"
    components = {name: openapi(each) for name, each in definitions.items()}
    schema = openapi(described)
    assert isinstance(schema, dict), "the schema of a model is an object"
    shape = Schema(read, write, schema, components, problems=problems)
    return shape if "$ref" in schema else named_after(kind, shape)


def _mismatches(error: ValidationError) -> Iterator[Mismatch]:
    count = error.error_count()
    if count > BODY_PROBLEMS_MAX:  # pydantic lists all of them or none
        yield Mismatch(f"{count} mistakes, too many to list")
        return
    for each in error.errors(
        include_url=False, include_context=False, include_input=False
    ):
        mismatch = Mismatch(each["msg"])
        mismatch.path = [str(part) for part in reversed(each["loc"])]
        yield mismatch
