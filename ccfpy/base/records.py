"""Records whose schema has another name than their class.

The decorator marks a class for ``ccfpy.base.schema``. Compiled code cannot mark a
function as one that makes dataclasses, so the decorator has a module of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar, dataclass_transform

T = TypeVar("T")

SCHEMA_NAME: Final = "__schema_name__"
"""The attribute of a class that holds the name."""


@dataclass_transform(frozen_default=True, kw_only_default=True)
def described(name: str) -> Callable[[type[T]], type[T]]:
    """Make a class a record: a frozen dataclass whose schema is called so."""

    def made(kind: type[T]) -> type[T]:
        setattr(kind, SCHEMA_NAME, name)
        return dataclass(frozen=True, slots=True, kw_only=True)(kind)

    return made
