"""Dataclasses that refuse what they do not declare, and types of their fields."""

from dataclasses import dataclass

import pytest

from ccfpy.base.annotations import closed
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
