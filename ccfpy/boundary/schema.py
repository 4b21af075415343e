"""The messages of the boundary written as text, which a node's measurement covers.

The text holds everything that determines the form on the wire, and the names of types
and fields. So a node with other messages has another unique id.
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from enum import StrEnum
from types import NoneType, UnionType
from typing import Union, get_args, get_origin, get_type_hints

from ccfpy.base import limits
from ccfpy.base.errors import Malformed
from ccfpy.boundary.shape import INTEGER_MAX, AtMost, parted
from ccfpy.boundary.wire import EFFECT_KINDS, EVENT_KINDS


class NotExpressible(Malformed):
    """A type has no form on the wire; the message names the type."""


def describe(kind: object, *, bounded: bool = True) -> str:
    """Return a type as text.

    Args:
        kind: the type, as annotated.
        bounded: whether to refuse texts, bytes and lists without a bound.

    Raises:
        NotExpressible: the type has no form on the wire, or lacks a bound.
    """
    return _describe(kind, bounded, ())


def describe_messages(kinds: Mapping[int, type]) -> str:
    """Return a vocabulary as text: the number, name and fields of a message a line."""
    return "".join(
        f"{number} {describe(kind, bounded=False)}\n"
        for number, kind in sorted(kinds.items())
    )


def record_parts(kind: type) -> Iterator[tuple[str, object]]:
    """Yield the names of a dataclass's fields and their types, bounds included."""
    hints = get_type_hints(kind, include_extras=True)
    for field in fields(kind):
        yield field.name, hints[field.name]


def _describe(kind: object, bounded: bool, within: tuple[object, ...]) -> str:
    kind, bound = parted(kind)
    if isinstance(kind, type) and get_origin(kind) is None:
        return _describe_plain(kind, bound, bounded, within)
    arguments = get_args(kind)
    if get_origin(kind) in (Union, UnionType) and bound is None:
        inner = [part for part in arguments if part is not NoneType]
        if len(inner) == 1 < len(arguments):
            return f"{_describe(inner[0], bounded, within)} or nothing"
    if get_origin(kind) is tuple and arguments:
        if arguments[-1] is ...:
            item = _describe(arguments[0], bounded, within)
            return f"{_measured('list', kind, bound, bounded)} of {item}"
        if bound is None:
            items = ", ".join(_describe(part, bounded, within) for part in arguments)
            return f"({items})"
    raise NotExpressible(f"{kind} has no form on the wire")


def _describe_plain(
    kind: type, bound: AtMost | None, bounded: bool, within: tuple[object, ...]
) -> str:
    if kind in (bytes, str):
        return _measured("text" if kind is str else "bytes", kind, bound, bounded)
    if kind is int:
        return "number" + _at_most(bound)
    if bound is not None:
        raise NotExpressible(f"{kind.__name__} cannot have a bound")
    if kind is bool:
        return "flag"
    if issubclass(kind, StrEnum) and len(kind):
        return f"one of {'|'.join(sorted(map(repr, map(str, kind))))}"
    if not is_dataclass(kind):
        raise NotExpressible(f"{kind.__name__} has no form on the wire")
    if kind in within:
        raise NotExpressible(f"{kind.__name__} contains itself")
    parts = (
        f"{name}: {_describe(part, bounded, (*within, kind))}"
        for name, part in record_parts(kind)
    )
    return f"{kind.__name__}{{{', '.join(parts)}}}"


def _measured(word: str, kind: object, bound: AtMost | None, bounded: bool) -> str:
    if bounded and bound is None:
        name = kind.__name__ if isinstance(kind, type) else str(kind)
        raise NotExpressible(
            f"{name} without a bound; say Annotated[{name}, AtMost(…)]"
        )
    return word + _at_most(bound)


def _at_most(bound: AtMost | None) -> str:
    if bound is None:
        return ""
    if bound.count < 0:
        raise NotExpressible(f"a bound below nothing: {bound.count}")
    return f" of at most {bound.count}"


def describe_boundary() -> str:
    """Return all events and effects as text, and the limits on batches and frames."""
    bounds = {
        "frame_bytes_max": limits.FRAME_BYTES_MAX,
        "batch_messages_max": limits.BATCH_MESSAGES_MAX,
        "number_max": INTEGER_MAX,
    }
    return "".join(
        [
            f"events\n{describe_messages(EVENT_KINDS)}",
            f"effects\n{describe_messages(EFFECT_KINDS)}",
            "limits\n",
            *(f"{name} {bound}\n" for name, bound in bounds.items()),
        ]
    )
