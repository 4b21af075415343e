"""Functions as a class declares them: methods with annotations, read once and strictly.

Nothing is guessed: what is not ``async def``, lacks an annotation or has a default is
refused where the interface is made, which is when its module is imported.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, make_dataclass
from types import NoneType
from typing import Any, Generic, Protocol, TypeVar, get_type_hints

from ccfpy.base.errors import CcfpyError
from ccfpy.boundary.schema import NotExpressible, describe

FUNCTIONS_MAX = 1000
"""Of one side of an interface."""

_REFUSALS = "__ccfpy_refusals__"
_ALLOWED = "__ccfpy_allowed__"
_ONLY_WITHIN = "__ccfpy_only_within__"
_BASES = (object, Protocol, Generic)

Method = TypeVar("Method", bound=Callable[..., Any])


class InterfaceRefused(CcfpyError):
    """A class that is no interface; the text says what to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One function of one side.

    Attributes:
        parameters: their names, in order.
        has_result: it answers with more than that it is done.
        arguments: a dataclass of the parameters.
        result: a dataclass of the result alone, or of nothing.
        refusals: words by which it may refuse.
        allowed: what the host may call while it serves this one.
        is_only_within: the host may call it while it serves another, and only then.
        line: all of this as text.
    """

    name: str
    parameters: tuple[str, ...]
    has_result: bool
    arguments: type
    result: type
    refusals: tuple[str, ...]
    allowed: tuple[str, ...]
    is_only_within: bool
    line: str


def refuses(*words: str) -> Callable[[Method], Method]:
    """Declare by which words a function may refuse (`Refusal`)."""
    return _marked(_REFUSALS, words)


def allows(*names: str) -> Callable[[Method], Method]:
    """Declare what the host may call of the enclave while it serves this function."""
    return _marked(_ALLOWED, names)


def only_within(method: Method) -> Method:
    """Declare that a function is called while the host serves one that allows it."""
    return _marked(_ONLY_WITHIN, ("yes",))(method)


def functions_of(declaring: object) -> tuple[Function, ...]:
    """Read the functions that a class declares, in order.

    Raises:
        InterfaceRefused: it declares something that is none.
    """
    if not isinstance(declaring, type):
        raise InterfaceRefused(f"{declaring!r} is no class of functions")
    where = declaring.__name__
    if others := set(declaring.__mro__) - {declaring, *_BASES}:
        names = ", ".join(sorted(other.__name__ for other in others))
        raise InterfaceRefused(
            f"{where} inherits from {names}; declare all in one place"
        )
    read = tuple(
        _function(where, name, member)
        for name, member in vars(declaring).items()
        if not name.startswith("_")
    )
    if len(read) > FUNCTIONS_MAX:
        raise InterfaceRefused(
            f"{where} has {len(read)} functions, more than {FUNCTIONS_MAX}"
        )
    return read


def _marked(mark: str, words: tuple[str, ...]) -> Callable[[Method], Method]:
    def add(method: Method) -> Method:
        vars(method)[mark] = words
        return method

    return add


def _function(where: str, name: str, member: object) -> Function:
    place = f"{where}.{name}"
    if not inspect.iscoroutinefunction(member):
        raise InterfaceRefused(f"{place} is not a method that is async def")
    try:
        hints = get_type_hints(member, include_extras=True)
    except NameError as error:
        raise InterfaceRefused(
            f"{place} has a type that is not known: {error}"
        ) from None
    parameters = _parameters(place, member, hints)
    result = hints.get("return", ...)
    if result is ...:
        raise InterfaceRefused(f"{place} does not say what it returns")
    has_result = result is not NoneType
    refusals = _words(member, _REFUSALS)
    allowed = _words(member, _ALLOWED)
    is_only_within = bool(_words(member, _ONLY_WITHIN))
    try:
        taken = ", ".join(
            f"{key}: {describe(kind)}" for key, kind in parameters.items()
        )
        given = f" -> {describe(result)}" if has_result else ""
    except NotExpressible as error:
        raise InterfaceRefused(f"{place}: {error}") from None
    line = f"{name}({taken}){given}"
    line += f" refuses {', '.join(refusals)}" if refusals else ""
    line += f" allows {', '.join(allowed)}" if allowed else ""
    line += " only within" if is_only_within else ""
    return Function(
        name=name,
        parameters=tuple(parameters),
        has_result=has_result,
        arguments=_record(name, parameters),
        result=_record(name, {"result": result} if has_result else {}),
        refusals=refusals,
        allowed=allowed,
        is_only_within=is_only_within,
        line=line,
    )


def _parameters(
    place: str, member: Callable[..., object], hints: dict[str, object]
) -> dict[str, object]:
    taken: dict[str, object] = {}
    parameters = list(inspect.signature(member).parameters.values())
    if not parameters:
        raise InterfaceRefused(f"{place} does not take self")
    for parameter in parameters[1:]:
        if parameter.kind not in (
            parameter.POSITIONAL_OR_KEYWORD,
            parameter.KEYWORD_ONLY,
        ):
            raise InterfaceRefused(f"{place}: {parameter} is not one parameter")
        if parameter.default is not parameter.empty:
            raise InterfaceRefused(
                f"{place}: {parameter.name} has a default; have none"
            )
        if parameter.name not in hints:
            raise InterfaceRefused(f"{place}: {parameter.name} has no type")
        taken[parameter.name] = hints[parameter.name]
    return taken


def _words(member: object, mark: str) -> tuple[str, ...]:
    words: tuple[str, ...] = vars(member).get(mark, ())
    return words


def _record(name: str, parts: dict[str, object]) -> type:
    return make_dataclass(
        name, list(parts.items()), frozen=True, slots=True, kw_only=True
    )
