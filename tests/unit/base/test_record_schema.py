"""Dataclasses that refuse what they do not declare, and types of their fields."""

import dataclasses
from dataclasses import dataclass, field
from typing import Self

import pytest

from ccfpy.base.annotations import closed
from ccfpy.base.json import Json
from ccfpy.base.mismatch import Mismatch
from ccfpy.base.schema import schema_of


@dataclass(frozen=True)
class Open:
    text: str = ""


@closed
@dataclass(frozen=True, slots=True)
class Closed:
    text: str = ""


@dataclass(frozen=True)
class Heir(Closed):
    size: int = 0


@pytest.mark.parametrize("kind", [Closed, Heir])
def test_a_closed_dataclass_refuses_an_unknown_field(kind: type) -> None:
    shape = schema_of(kind)
    assert shape.read({"text": "t"}) == kind("t")
    with pytest.raises(Mismatch, match="At #/txt: unknown field"):
        shape.read({"txt": "t"})
    with pytest.raises(Mismatch, match="expected an object"):
        shape.read([])
    described = shape.components[kind.__name__]
    assert isinstance(described, dict)
    assert described["additionalProperties"] is False


def test_any_other_ignores_it_as_in_ccf() -> None:
    assert schema_of(Open).read({"txt": "t"}) == Open()
    described = schema_of(Open).components["Open"]
    assert isinstance(described, dict)
    assert "additionalProperties" not in described


def test_a_type_without_a_form_is_named_with_its_field() -> None:
    @dataclass
    class Inner:
        tags: set[str]

    @dataclass
    class Outer:
        inner: Inner

    with pytest.raises(TypeError, match=r"set\[str\] \(in .*Inner\.tags\)$"):
        schema_of(Outer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    id: int
    msg: str
    claim: bool = False
    note: str | None = None


class _Labelled:
    """What a class may have beside its fields."""

    __slots__ = ()

    @property
    def label(self) -> str:
        return "a label"


@dataclass(frozen=True, slots=True)
class HeirOfPlain(Plain, _Labelled):
    size: int = 3


@dataclass(slots=True)
class Mutable:
    id: int
    msg: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeAnew:
    id: int
    tags: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    id: int

    def __post_init__(self) -> None:
        if self.id < 0:
            raise ValueError("an id below 0")


@dataclass(frozen=True, slots=True, init=False)
class OwnConstructor:
    id: int

    def __init__(self, id: int) -> None:  # noqa: A002 - as the field
        object.__setattr__(self, "id", id + 1)


@dataclass(frozen=True, slots=True)
class Computed:
    id: int
    double: int = field(init=False, default=0)


@dataclass(frozen=True, slots=True)
class Replaced:
    id: int

    def __new__(cls, *_: object, **__: object) -> Self:
        instance = object.__new__(cls)
        object.__setattr__(instance, "id", -1)
        return instance


KINDS: tuple[type, ...] = (
    *(Open, Closed, Heir, Plain, HeirOfPlain, Mutable, MadeAnew, Checked),
    *(OwnConstructor, Computed, Replaced),
)


GIVEN: dict[str, Json] = {
    "id": 1,
    "msg": "m",
    "claim": True,
    "note": "n",
    "size": 4,
    "text": "t",
    "tags": ["a"],
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("has_defaults", [True, False])
def test_what_is_read_is_what_the_constructor_makes(
    kind: type, has_defaults: bool
) -> None:
    names = {"id", "msg"} if has_defaults else GIVEN.keys()
    known = {
        each.name: GIVEN[each.name]
        for each in dataclasses.fields(kind)
        if each.init and each.name in names
    }
    read, made = schema_of(kind).read(known), kind(**known)
    assert type(read) is kind
    assert read == made
    assert repr(read) == repr(made)


def test_what_is_read_shares_no_default_that_is_made_anew() -> None:
    shape = schema_of(MadeAnew)
    assert shape.read({"id": 1}).tags is not shape.read({"id": 1}).tags


def test_a_value_that_a_class_refuses_is_refused() -> None:
    with pytest.raises(Mismatch, match="an id below 0"):
        schema_of(Checked).read({"id": -1})
