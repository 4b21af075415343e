"""Turns an application's function into a handler: arguments in, answer out.

The first parameter is the context. Each other one is filled by its name and type: a
part of the path template, the body (a dataclass, or named ``body``), or else a
parameter of the query string, optional if it has a default. One that is a
``HistoricalState`` is the state which the caller asked about; one that is ``Provided``
is what another function returns. Types also describe the endpoint in OpenAPI. All is
decided when the endpoint is declared; a request only runs the plan.

How a Python type is read from a path or a query string: text, numbers, flags.

How OpenAPI describes a function of an application: its arguments and its answer.
"""

import enum
import inspect
import re
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    NamedTuple,
    TypeAlias,
    Union,
    cast,
    get_args,
    get_origin,
)

from ccfpy.base import json
from ccfpy.base.annotations import INTEGER, IntegerRange
from ccfpy.base.components import Schema
from ccfpy.base.errors import Malformed
from ccfpy.base.json import Json, JsonObject
from ccfpy.base.mismatch import Mismatch
from ccfpy.base.model_schemas import is_model
from ccfpy.base.schema import schema_of, shown
from ccfpy.base.value_schemas import VALUES
from ccfpy.endpoints.app_calls import check_answer
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.declaration import Handler, Operation
from ccfpy.endpoints.dependencies import (
    Take,
    check_provides,
    provided_handler,
    provider_of,
    taken_alone,
    taken_from,
)
from ccfpy.endpoints.diagnostics import (
    KNOWN_TYPES,
    TEXT_TYPES,
    check_function,
    check_path,
    misdeclared,
    typed,
)
from ccfpy.endpoints.history import HistoricalState
from ccfpy.endpoints.pending import Answer, Awaited
from ccfpy.endpoints.refusals import invalid_input, refused_body
from ccfpy.endpoints.registry import parameter_names
from ccfpy.endpoints.replies import bytes_reply, empty_reply
from ccfpy.http.errors import JSON_CONTENT_TYPE, ApiError, ErrorCode
from ccfpy.http.messages import Response
from ccfpy.http.resources import require_json

_DIGITS_MAX: Final = 39
"""More than any range has; ``int`` refuses very long texts in its own way."""


@dataclass(frozen=True, slots=True)
class ParameterReader:
    """One type's form as text.

    Attributes:
        parse: gives the value; ``None`` if the text is none.
        kind: how CCF's error names the type, after the value.
    """

    parse: Callable[[str], Any]
    kind: str
    schema: JsonObject
    components: Mapping[str, Json]


def parameter_reader(annotation: object) -> ParameterReader:
    """Return the reader of a type; an optional type is read as its other part.

    Raises:
        TypeError: text has no form for it.
    """
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        others = [each for each in arguments if each is not types.NoneType]
        if len(others) == 1:
            return parameter_reader(others[0])
    parse, kind = _parser(annotation)
    shape = schema_of(annotation)
    return ParameterReader(parse, kind, shape.schema, shape.components)


def _parser(annotation: object) -> tuple[Callable[[str], Any], str]:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, type) and annotation in _SIMPLE:
        return _SIMPLE[annotation]
    if origin is Annotated and arguments[0] is int:
        ranges = [each for each in arguments[1:] if isinstance(each, IntegerRange)]
        return _integer(ranges[0] if ranges else INTEGER), ""
    if getattr(annotation, "__supertype__", None) is str:
        return _same, ""
    if annotation in VALUES or (origin is Annotated and arguments[0] is str):
        return _as_text(schema_of(annotation)), ""
    if origin is Literal:
        return {str(value): value for value in arguments}.get, ""
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return {str(member.value): member for member in annotation}.get, ""
    raise TypeError(f"a path or query has no form for {shown(annotation)}")


def _same(text: str) -> str:
    return text


def _integer(allowed: IntegerRange) -> Callable[[str], int | None]:
    _, minimum, maximum = allowed

    def parse(text: str) -> int | None:
        digits = text.removeprefix("-")
        # All digits of ASCII: `int` reads other digits, spaces and underscores too.
        if not (digits.isascii() and digits.isdigit() and len(digits) <= _DIGITS_MAX):
            return None
        value = int(text)
        return value if minimum <= value <= maximum else None

    return parse


def _as_text(shape: Schema) -> Callable[[str], Any]:
    read = shape.read

    def parse(text: str) -> Any:  # noqa: ANN401 - a value of the shape's own type
        try:
            return read(text)
        except Mismatch:
            return None

    return parse


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


_FLAGS = {"true": True, "false": False}
_SIMPLE: dict[type, tuple[Callable[[str], Any], str]] = {
    str: (_same, ""),
    bool: (_FLAGS.get, " as bool"),
    int: (_integer(INTEGER), ""),
    float: (_number, ""),
}


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


BODY = "body"

_Read: TypeAlias = Callable[[Context], Any]
_Respond: TypeAlias = Callable[[Context, Any], Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """A handler made from a function, and what its signature and docstring say."""

    handler: Handler
    operation: Operation


def bind(
    function: Callable[..., object],
    path: str,
    *,
    status: int = 200,
    answers: object = None,
    takes: object = None,
    is_historical: bool = False,
) -> Binding:
    """Make a handler of a function.

    Args:
        function: takes the context, then arguments read from the request.
        path: the endpoint's template, which names some of the arguments.
        status: answers a value that is not a response of its own.
        answers: the type of what it answers, for the description of a function whose
            result is a response of its own; text is plain text.
        takes: the type of a body that the function reads from the context, for the
            description too.
        is_historical: whether the function may take a state of the past.

    Raises:
        Misdeclared: the function cannot be a handler on this path.
    """
    hints = check_function(function)
    parameters = list(inspect.signature(function).parameters.values())[1:]
    arguments = {
        each.name: _argument(function, each, hints[each.name], path)
        for each in parameters
    }
    sources = _sources(arguments, set())
    check_path(function, path, [name for name, each in sources if not each.body])
    _check_sources(function, sources, is_historical=is_historical)
    with typed(function, "answers a value", KNOWN_TYPES):
        respond, described = _responder(hints["return"], status)
    if answers is not None:
        with typed(function, 'is declared with "answers"', KNOWN_TYPES):
            described = declared(answers, status)
    taken: Described | None = None
    if takes is not None:
        with typed(function, 'is declared with "takes"', KNOWN_TYPES):
            taken = declared(takes, status)
    return Binding(
        handler=_handler(
            function,
            arguments,
            respond,
            by_position=all(
                each.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
                for each in parameters
            ),
        ),
        operation=operation_of(
            function, [each for _, each in sources], described, taken
        ),
    )


def _argument(
    function: Callable[..., object],
    parameter: inspect.Parameter,
    annotation: object,
    path: str,
) -> Argument:
    """Return how a parameter of a function is filled."""
    name = parameter.name
    takes = f'takes "{name}"'
    provider = provider_of(annotation)
    if provider is not None:
        with typed(function, takes, KNOWN_TYPES):
            hints = check_function(provider)
            check_provides(function, name, annotation, hints["return"])
            inner = {
                each.name: _argument(provider, each, hints[each.name], path)
                for each in list(inspect.signature(provider).parameters.values())[1:]
            }
            return Argument(_raw_body, provider=provider, inner=inner)
    if name in parameter_names(path):
        with typed(function, takes, TEXT_TYPES):
            return _from_path(name, parameter_reader(annotation))
    if annotation is HistoricalState:
        return Argument(_historical_state)
    if name == BODY or is_model(annotation):
        with typed(function, takes, KNOWN_TYPES):
            return _from_body(annotation)
    with typed(function, takes, TEXT_TYPES):
        return _from_query(name, annotation, parameter.default)


def _sources(
    arguments: dict[str, Argument], seen: "set[Callable[..., object]]"
) -> list[tuple[str, Argument]]:
    """List what is read of a request, by the function and by its providers."""
    found: list[tuple[str, Argument]] = []
    for name, each in arguments.items():
        if each.provider is None:
            found.append((name, each))
        elif each.provider not in seen:
            seen.add(each.provider)
            found += _sources(each.inner or {}, seen)
    return found


def _check_sources(
    function: Callable[..., object],
    sources: list[tuple[str, Argument]],
    *,
    is_historical: bool,
) -> None:
    """Check that a request has what fills the arguments."""
    bodies = [name for name, each in sources if each.body is not None]
    if len(bodies) > 1:
        raise misdeclared(
            function,
            f'takes two bodies, "{bodies[0]}" and "{bodies[1]}", and a request has '
            "one: make them fields of one dataclass",
        )
    past = [name for name, each in sources if each.read is _historical_state]
    if past and not is_historical:
        raise misdeclared(
            function,
            f'takes "{past[0]}", a state of the past, outside of historical mode: '
            'declare it with "mode=Mode.HISTORICAL"',
        )


def _handler(
    function: Callable[..., object],
    arguments: dict[str, Argument],
    respond: _Respond,
    *,
    by_position: bool,
) -> Handler:
    if any(argument.provider for argument in arguments.values()):
        return provided_handler(function, _taken(arguments), respond)
    plan = [(name, argument.read) for name, argument in arguments.items()]
    if by_position and plan:
        return _by_position(function, [read for _, read in plan], respond)
    if not plan:

        def without_arguments(context: Context) -> Answer:
            return respond(context, function(context))

        return without_arguments

    def with_arguments(context: Context) -> Answer:
        given = {}
        for name, read in plan:  # a comprehension would be one more call
            given[name] = read(context)
        return respond(context, function(context, **given))

    return with_arguments


def _taken(arguments: dict[str, Argument]) -> dict[str, Take]:
    return {
        name: taken_alone(each.read)
        if each.provider is None
        else taken_from(each.provider, _taken(each.inner or {}))
        for name, each in arguments.items()
    }


def _by_position(
    function: Callable[..., object], reads: list[_Read], respond: _Respond
) -> Handler:
    """Make a handler of a function whose arguments may be given in their order.

    Most have one or two, which need no list.
    """
    first, *others = reads
    if not others:

        def with_one_argument(context: Context) -> Answer:
            return respond(context, function(context, first(context)))

        return with_one_argument
    if len(others) == 1:
        second = others[0]

        def with_two_arguments(context: Context) -> Answer:
            return respond(context, function(context, first(context), second(context)))

        return with_two_arguments

    def with_arguments(context: Context) -> Answer:
        given = [read(context) for read in reads]
        return respond(context, function(context, *given))

    return with_arguments


# Arguments


def _from_path(name: str, reader: ParameterReader) -> Argument:
    parse = reader.parse

    def read(context: Context) -> Any:  # noqa: ANN401 - of the parameter's type
        text = context.params[name]
        value = parse(text)
        if value is None:
            raise ApiError(
                400,
                ErrorCode.InvalidResourceName,
                f"Unable to parse path parameter '{text}' as a {name}",
            )
        return value

    described: JsonObject = {
        "in": "path",
        "name": name,
        "required": True,
        "schema": reader.schema,
    }
    return Argument(read, described, components=dict(reader.components))


def _from_query(name: str, annotation: object, default: object) -> Argument:
    is_required = default is inspect.Parameter.empty
    reader = parameter_reader(annotation)
    parse, kind = reader.parse, reader.kind

    def read(context: Context) -> Any:  # noqa: ANN401 - of the parameter's type
        text = context.query.get(name) if context.request.query else None
        if text is None:
            if is_required:
                raise _invalid_query(f"Missing query parameter '{name}'")
            return default
        value = parse(text)
        if value is None:
            raise _invalid_query(
                f"Unable to parse value '{text}'{kind} in parameter '{name}'"
            )
        return value

    described: JsonObject = {
        "in": "query",
        "name": name,
        "required": is_required,
        "schema": _with_default(reader.schema, default),
    }
    return Argument(read, described, components=dict(reader.components))


def _with_default(schema: JsonObject, default: object) -> JsonObject:
    """Return a schema with the default of a parameter, if JSON can express it."""
    value = default.value if isinstance(default, Enum) else default
    if isinstance(value, (str, int, float)):
        return {"allOf": [schema], "default": value}
    return schema


def _invalid_query(message: str) -> ApiError:
    return ApiError(400, ErrorCode.InvalidQueryParameterValue, message)


def _from_body(annotation: object) -> Argument:
    if annotation is bytes:
        return Argument(_raw_body, body=BYTES, body_type=BYTES_CONTENT_TYPE)
    if annotation is str:
        return Argument(_text_body, body=schema_of(str), body_type=TEXT_CONTENT_TYPE)
    shape = schema_of(annotation)
    read_value = shape.read

    def read(context: Context) -> Any:  # noqa: ANN401 - of the parameter's type
        body = context.request.body
        try:
            return read_value(json.loads(body) if body else {})
        except Malformed as error:
            raise refused_body(shape, body, error) from error

    return Argument(read, body=shape, is_body_required=not _takes_nothing(shape))


def _takes_nothing(shape: Schema) -> bool:
    """Return whether a request without a body reads as an object without fields."""
    try:
        shape.read({})
    except Malformed:
        return False
    return True


def _historical_state(context: Context) -> HistoricalState:
    state = context.historical_state
    assert state is not None, "only an endpoint in historical mode has a past state"
    return state


def _raw_body(context: Context) -> bytes:
    return context.request.body


def _text_body(context: Context) -> str:
    try:
        return context.request.body.decode()
    except UnicodeDecodeError as error:
        raise invalid_input(f"the body is no UTF-8 at byte {error.start}") from error


# Answers


def _responder(annotation: object, status: int) -> tuple[_Respond, Described]:
    """Return the function that turns a result into an answer, and its description.

    A ``Response`` is an answer already.
    """
    parts = get_args(annotation)
    if annotation is Response or (parts and set(parts) <= _RESPONSES):
        return _respond_itself, Described(status)
    if Response in parts:
        remaining = [part for part in parts if part not in (Response, Awaited)]
        joined = remaining[0]
        for part in remaining[1:]:
            joined = joined | part
        annotation = joined
    if annotation in (None, type(None)):
        return _respond_itself, Described(NO_CONTENT)
    if annotation is bytes:
        return _responding_bytes(status), Described(status, BYTES, BYTES_CONTENT_TYPE)
    shape = schema_of(annotation)
    described = Described(
        status, without_null(shape), may_be_nothing=bool(shape.schema.get("nullable"))
    )
    return _responding_json(shape, status), described


_RESPONSES = {Response, Awaited, type(None)}


def _respond_itself(_: Context, result: object) -> Answer:
    if result is None:
        return empty_reply(NO_CONTENT)
    return check_answer(result)


def _responding_bytes(status: int) -> _Respond:
    def respond(_: Context, result: Any) -> Answer:  # noqa: ANN401 - what the handler gave
        if type(result) is bytes:
            return bytes_reply(result, status=status)
        return check_answer(result)

    return respond


def _responding_json(shape: Schema, status: int) -> _Respond:
    write = shape.write

    def respond(context: Context, result: Any) -> Answer:  # noqa: ANN401 - what the handler gave
        if isinstance(result, Response):
            return check_answer(result)
        if isinstance(result, Awaited):
            return result
        if result is None:
            return empty_reply(NO_CONTENT)
        accept = context.request.headers.get("accept")
        if accept is not None:
            require_json(accept)
        return Response(
            status=status,
            headers={"content-type": JSON_CONTENT_TYPE},
            body=json.dumps_to_send(result if write is None else write(result)),
        )

    return respond
