"""The boundary as text: every message, every field, every bound."""

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Annotated, NewType

import pytest

from ccfpy.base import limits
from ccfpy.boundary import schema, wire
from ccfpy.boundary.events import Tick
from ccfpy.boundary.schema import (
    NotExpressible,
    describe,
    describe_boundary,
    describe_messages,
)
from ccfpy.boundary.shape import INTEGER_MAX, AtMost
from ccfpy.boundary.wire import EFFECT_KINDS, EVENT_KINDS


def test_every_message_stands_there_with_its_fields() -> None:
    lines = describe_boundary().splitlines()
    for kinds in (wire.EVENT_KINDS, wire.EFFECT_KINDS):
        for number, kind in kinds.items():
            (line,) = (
                it for it in lines if it.startswith(f"{number} {kind.__name__}{{")
            )
            assert all(f"{field.name}: " in line for field in fields(kind))
    assert f"frame_bytes_max {limits.FRAME_BYTES_MAX}" in lines


def test_another_message_or_bound_is_another_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    texts = [describe_boundary()]
    monkeypatch.setattr(limits, "FRAME_BYTES_MAX", 1)
    texts.append(describe_boundary())
    monkeypatch.setattr(schema, "EVENT_KINDS", {2: Tick})
    texts.append(describe_boundary())
    monkeypatch.setattr(schema, "EFFECT_KINDS", {2: Tick})
    texts.append(describe_boundary())
    assert len(set(texts)) == 4


class _Fruit(StrEnum):
    PEAR = "pear"
    APPLE = "apple"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    name: Annotated[str, AtMost(3)]
    fruit: _Fruit | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Endless:
    inner: "tuple[_Endless, ...]"


Name = NewType("Name", str)

ENTRY_TEXT = "_Entry{name: text of at most 3, fruit: one of 'apple'|'pear' or nothing}"
ENTRY = _Entry(name="\U0001f40c" * 3, fruit=_Fruit.APPLE)

EXPRESSIBLE: list[tuple[object, str, object]] = [
    (bool, "flag", True),
    (int, "number", INTEGER_MAX),
    (Annotated[int, AtMost(9)], "number of at most 9", 9),
    (Annotated[bytes, AtMost(300)], "bytes of at most 300", bytes(300)),
    (Annotated[str, AtMost(3)], "text of at most 3", "\U0001f40c" * 3),
    (Annotated[Name, AtMost(3)], "text of at most 3", "abc"),
    (_Fruit, "one of 'apple'|'pear'", _Fruit.APPLE),
    (int | None, "number or nothing", INTEGER_MAX),
    (
        Annotated[tuple[int, ...], AtMost(20)],
        "list of at most 20 of number",
        (INTEGER_MAX,) * 20,
    ),
    (tuple[int, bool], "(number, flag)", (INTEGER_MAX, True)),
    (
        _Entry,
        ENTRY_TEXT,
        ENTRY,
    ),
    (
        Annotated[tuple[_Entry, ...], AtMost(2)],
        f"list of at most 2 of {ENTRY_TEXT}",
        (ENTRY, ENTRY),
    ),
]


@pytest.mark.parametrize(("kind", "text", "_largest"), EXPRESSIBLE)
def test_a_type_is_told_by_its_text(kind: object, text: str, _largest: object) -> None:
    assert describe(kind) == text


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (bytes, r"bytes without a bound; say Annotated\[bytes, AtMost"),
        (str, "str without a bound"),
        (tuple[int, ...], "without a bound"),
        (tuple[Annotated[str, AtMost(1)], bytes], "bytes without a bound"),
        (float, "float has no form"),
        (list[int], "has no form"),
        (dict[str, int], "has no form"),
        (int | str, "has no form"),
        (object, "object has no form"),
        (tuple[()], "has no form"),
        (Annotated[bool, AtMost(1)], "bool cannot have a bound"),
        (Annotated[_Fruit, AtMost(1)], "_Fruit cannot have a bound"),
        (Annotated[tuple[int, int], AtMost(1)], "has no form"),
        (Annotated[bytes, AtMost(-1)], "a bound below nothing: -1"),
        (Annotated[tuple[_Endless, ...], AtMost(1)], "contains itself"),
    ],
)
def test_what_has_no_form_or_no_bound_is_refused(kind: object, reason: str) -> None:
    with pytest.raises(NotExpressible, match=reason):
        describe(kind)


def test_a_type_that_contains_itself_is_refused() -> None:
    with pytest.raises(NotExpressible, match="_Endless contains itself"):
        describe(_Endless, bounded=False)


def test_a_nodes_messages_have_a_text_too() -> None:
    events = describe_messages(EVENT_KINDS).splitlines()
    assert len(events) == len(EVENT_KINDS)
    assert EVENT_KINDS[2] is Tick
    assert events[1] == "2 Tick{monotonic_ms: number, unix_us: number}"
    assert len(describe_messages(EFFECT_KINDS).splitlines()) == len(EFFECT_KINDS)
