"""Arguments that a function of the app provides, declared once for many handlers.

A provider is a function as a handler is: it takes the context, then arguments by name
from the request or from other providers. It runs within the request's transaction, once
for each run of the handler, before the handler.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeAlias, get_args, get_origin

from ccfpy.endpoints.context import Context
from ccfpy.endpoints.declaration import Handler
from ccfpy.endpoints.diagnostics import Function, misdeclared

Values: TypeAlias = dict[Function, Any]
"""What providers have returned during one request."""
Take: TypeAlias = Callable[[Context, Values], Any]
"""Gives an argument; providers run once."""

_ABSENT: Final = object()


@dataclass(frozen=True, slots=True)
class Provided:
    """In an ``Annotated`` type: who provides an argument of this type.

    Attributes:
        by: the provider.
    """

    by: Callable[..., object]


def provider_of(annotation: object) -> Function | None:
    """Return who provides an argument; nothing if the request does."""
    if get_origin(annotation) is not Annotated:
        return None
    notes = [note for note in get_args(annotation)[1:] if isinstance(note, Provided)]
    return notes[0].by if notes else None


def check_provides(
    function: Function, name: str, annotation: object, result: object
) -> None:
    """Check that a provider returns what an argument is to be.

    Args:
        function: takes the argument.
        name: of the argument.
        annotation: of the argument, with its provider.
        result: the type that the provider returns.

    Raises:
        Misdeclared: it returns something else.
    """
    wanted = get_args(annotation)[0]
    is_heir = (
        isinstance(wanted, type)
        and isinstance(result, type)
        and issubclass(result, wanted)
    )
    if result != wanted and not is_heir:
        provider = provider_of(annotation)
        assert provider is not None, "the caller has found one"
        raise misdeclared(
            function,
            f'takes "{name}" of one type, and {provider.__name__}, which provides it, '
            "answers another: use one type in both",
        )


def taken_alone(read: Callable[[Context], Any]) -> Take:
    """Return what takes an argument from the request."""

    def take(context: Context, _: Values) -> Any:  # noqa: ANN401 - of the parameter's type
        return read(context)

    return take


def taken_from(provider: Function, arguments: Mapping[str, Take]) -> Take:
    """Return what takes an argument from a provider, which has arguments itself."""
    plan = tuple(arguments.items())

    def take(context: Context, values: Values) -> Any:  # noqa: ANN401 - of the parameter's type
        value = values.get(provider, _ABSENT)
        if value is _ABSENT:
            given = {name: of(context, values) for name, of in plan}
            values[provider] = value = provider(context, **given)
        return value

    return take


def provided_handler(
    function: Function,
    arguments: Mapping[str, Take],
    respond: Callable[[Context, Any], Any],
) -> Handler:
    """Make a handler of a function, some of whose arguments are provided."""
    plan = tuple(arguments.items())

    def handler(context: Context) -> Any:  # noqa: ANN401 - the responder's answer
        values: Values = {}
        given = {name: take(context, values) for name, take in plan}
        return respond(context, function(context, **given))

    return handler
