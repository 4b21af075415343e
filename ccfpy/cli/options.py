"""Families of options: each is a class, and commands take an object of the class.

A command names a family as a parameter, such as ``where: PlaceOptions``. Typer sees the
options of the family in place of that parameter, and the command gets the family with
what was chosen. So what several commands share is written once.
"""

import functools
import inspect
from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any, get_type_hints


class Options:
    """The base of every family: a frozen dataclass, one field for each option.

    A field's annotation and default are the option's.
    """

    __slots__ = ()


def with_options(command: Callable[..., None]) -> Callable[..., None]:
    """Replace each parameter that is a family by the options of the family.

    An option that two families have is given once, and means the same to both.
    """
    families: dict[str, Any] = {}
    parameters: dict[str, inspect.Parameter] = {}
    signature = inspect.signature(command)
    for name, parameter in signature.parameters.items():
        if isinstance(family := parameter.annotation, type) and issubclass(
            family, Options
        ):
            families[name] = family
            parameters |= {option.name: option for option in _options(family)}
        else:
            parameters[name] = parameter

    @functools.wraps(command)
    def chosen(**given: object) -> None:
        made = {name: _made(family, given) for name, family in families.items()}
        own = {k: given[k] for k in given if k in signature.parameters}
        command(**own, **made)

    # Typer reads these to learn a command's options.
    chosen.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=sorted(parameters.values(), key=lambda parameter: parameter.kind)
    )
    chosen.__annotations__ = {
        name: parameter.annotation for name, parameter in parameters.items()
    }
    return chosen


def _options(family: Any) -> Iterator[inspect.Parameter]:  # noqa: ANN401  # a dataclass
    """Yield the options of a family, and after them those of the family it extends."""
    hints = get_type_hints(family, include_extras=True)
    defaults = {field.name: field.default for field in fields(family)}
    for kind in family.__mro__:
        for name in vars(kind).get("__annotations__", {}):
            yield inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=defaults[name],
                annotation=hints[name],
            )


def _made(family: Callable[..., object], given: dict[str, object]) -> object:
    names = inspect.signature(family).parameters
    return family(**{name: given[name] for name in names})
