"""Rows: what either side writes the other reads."""

import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import Malformed
from ccfpy.js.quickjs.values import (
    NULL,
    OBJECT,
    UNDEFINED,
    decode,
    decode_integer,
    encode,
)

PLAIN = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=[]))
    | st.binary()
)


@given(st.lists(PLAIN))
def test_a_row_is_its_values_one_after_another(values: list[object]) -> None:
    row = b"".join(map(encode, values))  # type: ignore[arg-type]
    read = decode(row)
    assert read == values
    assert list(map(type, read)) == list(map(type, values))


def test_no_number_is_lost() -> None:
    assert math.isnan(decode(encode(math.nan))[0])  # type: ignore[arg-type]
    assert decode(encode(2**64)) == [float(2**64)]
    assert decode(encode(-(2**63))) == [float(-(2**63))]


@pytest.mark.parametrize("row", [UNDEFINED, NULL])
def test_undefined_and_null_are_nothing(row: bytes) -> None:
    assert decode(row) == [None]


def test_an_object_is_only_known_to_have_been_there() -> None:
    assert decode(b"\x08" + encode(1)) == [OBJECT, 1]


@pytest.mark.parametrize(
    "row",
    [b"\x06", b"\x07\x01\0\0\0", b"\x04\0", b"\x05\0", b"\x09", b"\xff"],
)
def test_a_row_that_ends_within_a_value_is_refused(row: bytes) -> None:
    with pytest.raises(Malformed):
        decode(encode(1) + row)


@given(st.binary())
def test_whatever_a_row_is_it_is_read_or_refused(row: bytes) -> None:
    with suppress(Malformed):
        assert len(decode(row)) <= len(row)
    with suppress(Malformed):
        assert 0 <= decode_integer(row) <= 0xFFFF
