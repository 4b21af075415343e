"""How OpenAPI describes a function of an application: its arguments and its answer."""

import inspect
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, NamedTuple, cast

from ccfpy.base.components import Schema
from ccfpy.base.json import Json, JsonObject
from ccfpy.base.schema import schema_of
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.declaration import Operation
from ccfpy.http.errors import JSON_CONTENT_TYPE

NO_CONTENT: Final = 204
TEXT_CONTENT_TYPE = "text/plain"
BYTES_CONTENT_TYPE = "application/octet-stream"

_SECTION = re.compile(r"^(Args|Returns|Raises|Example|Examples|Note):$", re.MULTILINE)


class Argument(NamedTuple):
    """How one argument is read, and how OpenAPI describes it."""

    read: Callable[[Context], Any]
    parameter: JsonObject | None = None
    body: "Schema | None" = None
    body_type: str = JSON_CONTENT_TYPE
    is_body_required: bool = False
    components: "dict[str, Json] | None" = None
    provider: "Callable[..., object] | None" = None
    inner: "dict[str, Argument] | None" = None
    """Of the provider."""


class Described(NamedTuple):
    """How OpenAPI describes what is answered."""

    status: int
    shape: Schema | None = None
    content_type: str = JSON_CONTENT_TYPE
    may_be_nothing: bool = False


BYTES = Schema(schema_of(bytes).read, None, {"format": "binary", "type": "string"})


def operation_of(
    function: Callable[..., object],
    arguments: list[Argument],
    answer: Described,
    taken: Described | None,
) -> Operation:
    """Return the description of an endpoint.

    Args:
        function: the handler, whose docstring says what it does.
        arguments: what is read of the request.
        answer: what is answered.
        taken: the body, where the function reads it from the context.
    """
    components: dict[str, Json] = {}
    body = None if taken is None else taken.shape
    body_type = JSON_CONTENT_TYPE if taken is None else taken.content_type
    is_body_required = True
    parameters: dict[tuple[Json, Json], JsonObject] = {}
    for argument in arguments:
        components.update(argument.components or {})
        described = argument.parameter
        if described is not None:  # a provider may read what its function reads
            parameters.setdefault((described["in"], described["name"]), described)
        if argument.body is not None:
            body, body_type = argument.body, argument.body_type
            is_body_required = argument.is_body_required
    components.update(body.components if body else {})
    components.update(answer.shape.components if answer.shape else {})
    summary, _, description = (inspect.getdoc(function) or "").partition("\n")
    description = _SECTION.split(description, maxsplit=1)[0].strip()
    return Operation(
        summary=summary,
        description=description,
        parameters=tuple(parameters.values()),
        request_schema=body.schema if body else None,
        request_content_type=body_type,
        is_body_required=is_body_required,
        response_schema=answer.shape.schema if answer.shape else None,
        response_content_type=answer.content_type,
        success_status=answer.status,
        also={NO_CONTENT: None} if answer.may_be_nothing else {},
        components=components,
    )


def declared(annotation: object, status: int) -> Described:
    """Return how OpenAPI describes a value of a type; text is plain text.

    Raises:
        TypeError: the type has no form.
    """
    if annotation is str:
        return Described(status, schema_of(str), TEXT_CONTENT_TYPE)
    if annotation is bytes:
        return Described(status, BYTES, BYTES_CONTENT_TYPE)
    return Described(status, schema_of(annotation))


def without_null(shape: Schema) -> Schema:
    """Describe what is there if it is not null, which is answered with no body."""
    schema = shape.schema
    if schema.get("nullable") and "allOf" in schema:
        (inner,) = cast("list[JsonObject]", schema["allOf"])
        return replace(shape, schema=inner)
    return shape
