"""The form of messages, derived from their dataclasses."""

from dataclasses import dataclass
from typing import Annotated, NewType

import pytest

from ccfpy.boundary.shape import (
    AtMost,
    BoundaryViolation,
    decoder,
    encoder,
    parted,
    record_decoder,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Inner:
    name: str
    pair: tuple[int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outer:
    inner: _Inner | None
    many: tuple[_Inner, ...]
    names: tuple[str, ...] | None


INNER = _Inner(name="a", pair=(1, "b"))


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        (
            _Outer(inner=INNER, many=(INNER,), names=("x",)),
            [("a", (1, "b")), [("a", (1, "b"))], ("x",)],
        ),
        (_Outer(inner=None, many=(), names=None), [None, [], None]),
    ],
)
def test_nested_dataclasses_are_lists_of_their_fields(
    value: _Outer, wire: object
) -> None:
    encode = encoder(_Outer)
    assert encode is not None
    assert encode(value) == wire


def test_a_record_of_one_field_is_a_list_of_one() -> None:
    @dataclass
    class Alone:
        number: int

    encode = encoder(Alone)
    assert encode is not None
    assert encode(Alone(7)) == [7]


def test_plain_values_need_no_encoding() -> None:
    for kind in (int, str, bytes, tuple[bytes, ...], str | None, tuple[int, str]):
        assert encoder(kind) is None


def test_a_record_is_built_from_its_fields() -> None:
    decode = record_decoder(_Outer, "outer")
    assert decode([["a", [1, "b"]], [["a", [1, "b"]]], ["x"]]) == _Outer(
        inner=INNER, many=(INNER,), names=("x",)
    )
    assert decode([None, [], None]) == _Outer(inner=None, many=(), names=None)


@pytest.mark.parametrize(
    ("wire", "reason"),
    [
        ([None, []], "outer: expected 3 fields, found 2"),
        ([[], [], None], "outer.inner: expected 2 fields, found 0"),
        ([5, [], None], "outer.inner: expected a list, found int"),
        ([None, None, None], "outer.many: expected a list, found NoneType"),
        ([["a", [1]], [], None], r"outer.inner.pair: expected 2 items, found 1"),
        ([["a", [1, 2]], [], None], r"outer.inner.pair: expected str, found int"),
    ],
)
def test_what_does_not_fit_says_where(wire: list[object], reason: str) -> None:
    with pytest.raises(BoundaryViolation, match=reason):
        record_decoder(_Outer, "outer")(wire)


def test_a_type_without_a_wire_form_is_a_mistake_of_ours() -> None:
    for kind in (float, dict[str, int], list[int]):
        with pytest.raises(AssertionError):
            decoder(kind, "field")


def test_a_tuple_of_some_things_that_need_turning_turns_those() -> None:
    encode = encoder(tuple[int, _Inner, str])
    assert encode is not None
    assert encode((1, INNER, "x")) == [1, ("a", (1, "b")), "x"]


FIVE = AtMost(5)


@pytest.mark.parametrize(
    ("kind", "fits", "beyond"),
    [
        (Annotated[bytes, FIVE], b"12345", b"123456"),
        (Annotated[str, FIVE], "ééééé", "éééééé"),
        (Annotated[int, FIVE], 5, 6),
        (Annotated[tuple[int, ...], FIVE], [1] * 5, [1] * 6),
        (NewType("Named", Annotated[bytes, FIVE]), b"12345", b"123456"),
        (Annotated[NewType("Name", str), FIVE], "12345", "123456"),
        (Annotated[Annotated[bytes, FIVE], AtMost(9)], b"12345", b"123456"),
    ],
    ids=["bytes", "text", "number", "list", "name of bound", "bound of name", "both"],
)
def test_a_bound_holds_to_its_last_unit(
    kind: object, fits: object, beyond: object
) -> None:
    decode = decoder(kind, "field")
    decode(fits)
    with pytest.raises(BoundaryViolation, match="more than the 5 allowed"):
        decode(beyond)


def test_what_is_too_much_is_not_gone_through() -> None:
    decode = decoder(Annotated[tuple[int, ...], AtMost(1)], "field")
    with pytest.raises(BoundaryViolation, match="field: 2, which is more"):
        decode(["no number", "nor this"])


def test_a_bound_says_nothing_of_the_value() -> None:
    with pytest.raises(BoundaryViolation) as refused:
        decoder(Annotated[int, AtMost(1)], "field")(424242)
    assert "424242" not in str(refused.value)


def test_a_type_is_parted_from_its_names_and_its_bound() -> None:
    name = NewType("name", str)
    assert parted(Annotated[name, AtMost(3), "other"]) == (str, AtMost(3))
    assert parted(name) == (str, None)
