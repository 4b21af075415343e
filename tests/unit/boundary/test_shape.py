"""The form of messages, derived from their dataclasses."""

from dataclasses import dataclass

import pytest

from ccfpy.boundary.shape import BoundaryViolation, decoder, encoder, record_decoder


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
            [["a", (1, "b")], [["a", (1, "b")]], ("x",)],
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
