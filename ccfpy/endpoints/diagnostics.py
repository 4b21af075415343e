"""Mistakes in an endpoint's declaration, which is refused when it is made.

Each mistake is told in one sentence: the place of the function, what is wrong, and what
to write instead. ``docs/howto/stay-within-limits.md`` lists the sentences.
"""

import inspect
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from ccfpy.base.errors import CcfpyError
from ccfpy.base.schema import hints_of
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.registry import parameter_names

Function: TypeAlias = Callable[..., object]

KNOWN_TYPES = (
    "use text, a number, a boolean, bytes, datetime, date, UUID, Decimal, an enum, a "
    "Literal, a list or a dict by text, a dataclass or model of these, or one of these "
    "or None"
)
TEXT_TYPES = (
    "use str, int, float, bool, datetime, date, UUID, Decimal, an enum or a Literal"
)


class Misdeclared(CcfpyError):
    """A declaration is wrong; the text says where, what is wrong, and the remedy."""


def misdeclared(function: Function, problem: str) -> Misdeclared:
    """Return the refusal of a function's declaration.

    Args:
        function: the one that is declared.
        problem: what is wrong, and the remedy, after the function's name.
    """
    name = function.__qualname__.rpartition("<locals>.")[2]
    return Misdeclared(f"{place_of(function)}: {name} {problem}")


def place_of(function: Function) -> str:
    """Return the file and the line where a function begins, with its decorators."""
    code = inspect.unwrap(function).__code__
    return f"{code.co_filename}:{code.co_firstlineno}"


def check_function(function: Function) -> dict[str, Any]:
    """Check what a function's declaration itself says, and return its annotations.

    Raises:
        Misdeclared: the function is no plain function, takes no context, takes what no
            request can fill, or lacks a type.
        TypeError: it is no function of Python's at all.
    """
    if not hasattr(inspect.unwrap(function), "__code__"):
        raise TypeError(f"{function!r} is no function: declare one with def")
    check_is_plain(function)
    hints = _hints(function)
    parameters = list(inspect.signature(function).parameters.values())
    if not parameters or hints.get(parameters[0].name, Context) is not Context:
        raise misdeclared(
            function,
            'does not take the context first: write "ctx: Context" before its other '
            "parameters",
        )
    for parameter in parameters[1:]:
        _check_parameter(function, parameter, hints)
    if "return" not in hints:
        raise misdeclared(
            function,
            'says no type of its answer: write "-> None" if it answers nothing, '
            '"-> Response" if it makes the response itself, or else the type of what '
            "it answers",
        )
    return hints


def check_is_plain(function: Function) -> None:
    """Check that a call of a function runs it to its end.

    Raises:
        Misdeclared: the call would only make a coroutine or a generator.
    """
    code = inspect.unwrap(function)
    if inspect.iscoroutinefunction(code) or inspect.isasyncgenfunction(code):
        raise misdeclared(
            function,
            'is declared by "async def", and a call within a transaction waits for '
            'nothing: write "def"',
        )
    if inspect.isgeneratorfunction(code):
        raise misdeclared(
            function, "yields its answer, which is sent as a whole: return it"
        )


def check_path(function: Function, path: str, names: Collection[str]) -> None:
    """Check that each parameter of a path is a parameter of its function.

    Args:
        function: the handler.
        path: the template.
        names: of what the function takes from a path or a query.

    Raises:
        Misdeclared: one is not.
    """
    in_path = parameter_names(path)
    missing = [name for name in in_path if name not in names]
    if not missing:
        return
    others = [name for name in names if name not in in_path]
    problem = (
        f'has no parameter "{missing[0]}", which the path "{path}" has as '
        f"{{{missing[0]}}}"
    )
    if others:
        problem += f', and takes "{others[0]}", which the path lacks'
    raise misdeclared(function, f"{problem}: use one name in both")


@contextmanager
def typed(function: Function, use: str, remedy: str) -> Iterator[None]:
    """Refuse a declaration whose types have no form.

    Args:
        function: the one that is declared.
        use: what the function does with the type.
        remedy: which types there are.

    Raises:
        Misdeclared: the block raised ``TypeError``, or a type is not there.
    """
    try:
        yield
    except TypeError as error:
        raise misdeclared(function, f"{use}, and {error}: {remedy}") from error
    except NameError as error:
        raise misdeclared(
            function,
            f'names the type "{error.name}", which is not there when the app is '
            "loaded: define or import it before, and not under TYPE_CHECKING",
        ) from error
    except RecursionError as error:
        raise misdeclared(
            function, f"{use}, whose type contains itself: keep ids of the inner ones"
        ) from error


def _hints(function: Function) -> dict[str, Any]:
    with typed(function, "has annotations", KNOWN_TYPES):
        return hints_of(function)


def _check_parameter(
    function: Function, parameter: inspect.Parameter, hints: dict[str, Any]
) -> None:
    name = parameter.name
    match parameter.kind:
        case inspect.Parameter.VAR_POSITIONAL | inspect.Parameter.VAR_KEYWORD:
            raise misdeclared(
                function,
                f'takes any number of arguments as "{name}": write each parameter by '
                "its name",
            )
        case inspect.Parameter.POSITIONAL_ONLY:
            raise misdeclared(
                function,
                f'takes "{name}" by position only, and a request has names: remove '
                'the "/"',
            )
        case _:
            pass
    if name not in hints:
        raise misdeclared(
            function, f'says no type of "{name}": write "{name}: str", or its type'
        )
