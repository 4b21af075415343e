"""All that is wrong with a value, for callers who made several mistakes at once.

Reading stops at the first mistake. These functions look at every part, and are called
only for a value that reading has refused.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

from ccfpy.base.components import Schema
from ccfpy.base.errors import Malformed
from ccfpy.base.json import Json, JsonObject
from ccfpy.base.mismatch import Mismatch

Problems: TypeAlias = Callable[[Json], Iterator[Mismatch]]
Part: TypeAlias = tuple[str, Schema, bool]
"""A field's name in JSON, its schema, and whether it is required."""


def problems_of(shape: Schema, value: Json) -> Iterator[Mismatch]:
    """Yield all that is wrong with a value; nothing if it fits."""
    if shape.problems is not None:
        yield from shape.problems(value)
    else:
        yield from _first(shape.read, value)


def unknown_field(name: str) -> Mismatch:
    """Return the refusal of a field that nobody declared."""
    return Mismatch("unknown field").within(name)


def problems_of_record(
    parts: Sequence[Part], read: Callable[[Json], Any], *, is_closed: bool
) -> Problems:
    """Return what finds all that is wrong with an object of known fields.

    Args:
        parts: its fields.
        read: reads it; called when nothing is wrong with any field.
        is_closed: whether other fields are wrong.
    """
    known = frozenset(name for name, _, _ in parts)

    def problems(value: Json) -> Iterator[Mismatch]:
        is_whole = True
        if isinstance(value, dict):
            for problem in _of_fields(parts, value):
                is_whole = False
                yield problem
            for name in value if is_closed else ():
                if name not in known:
                    is_whole = False
                    yield unknown_field(name)
        if is_whole:
            yield from _first(read, value)

    return problems


def _of_fields(parts: Sequence[Part], value: JsonObject) -> Iterator[Mismatch]:
    for name, shape, is_required in parts:
        if name in value:
            yield from _within(name, problems_of(shape, value[name]))
        elif is_required:
            yield Mismatch("missing required field").within(name)


def problems_of_list(items: Schema) -> Problems:
    """Return what finds all that is wrong with a list."""

    def problems(value: Json) -> Iterator[Mismatch]:
        if not isinstance(value, list):
            yield Mismatch("expected an array")
            return
        for index, item in enumerate(value):
            yield from _within(str(index), problems_of(items, item))

    return problems


def problems_of_dict(values: Schema) -> Problems:
    """Return what finds all that is wrong with an object of any fields."""

    def problems(value: Json) -> Iterator[Mismatch]:
        if not isinstance(value, dict):
            yield Mismatch("expected an object")
            return
        for name, item in value.items():
            yield from _within(name, problems_of(values, item))

    return problems


def problems_of_optional(inner: Schema) -> Problems:
    """Return what finds all that is wrong with a value that may be null."""

    def problems(value: Json) -> Iterator[Mismatch]:
        if value is not None:
            yield from problems_of(inner, value)

    return problems


def _first(read: Callable[[Json], Any], value: Json) -> Iterator[Mismatch]:
    try:
        read(value)
    except Mismatch as problem:
        yield problem
    except Malformed as problem:
        yield Mismatch(str(problem))


def _within(part: str, problems: Iterator[Mismatch]) -> Iterator[Mismatch]:
    for problem in problems:
        yield problem.within(part)
