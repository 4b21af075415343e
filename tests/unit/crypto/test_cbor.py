"""CBOR: strict in what it reads, and safe with what strangers send."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import Malformed
from ccfpy.crypto import cbor

LABELS = st.integers(-(2**64), 2**64 - 1) | st.text(max_size=8)
VALUES = st.recursive(
    LABELS | st.binary(max_size=16) | st.booleans() | st.none(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(LABELS, inner, max_size=4)
    ),
    max_leaves=10,
)


@given(VALUES)
def test_what_is_written_is_read_back(value: object) -> None:
    assert cbor.decode(cbor.encode(value)) == value


def test_maps_keep_the_order_they_were_given() -> None:
    header = {1: -35, 395: 2, 15: {6: 0, 1: "i"}, "ccf.v1": {}, 4: b"k"}
    assert list(cbor.decode(cbor.encode(header))) == list(header)
    assert cbor.encode({4: 0, 1: 0}) == bytes.fromhex("a204000100")


@given(st.binary(max_size=24))
def test_any_bytes_are_cbor_or_malformed(data: bytes) -> None:
    with suppress(Malformed):
        cbor.decode(data)


@given(VALUES, st.binary(min_size=1, max_size=3))
def test_bytes_after_the_item_are_malformed(value: object, rest: bytes) -> None:
    with pytest.raises(Malformed, match="bytes follow"):
        cbor.decode(cbor.encode(value) + rest)


@pytest.mark.parametrize(
    ("case", "encoded"),
    [
        ("nothing", ""),
        ("a cut text", "63 6162"),
        ("an integer key twice", "a2 0102 0103"),
        ("a text key twice", "a2 6161 02 6161 03"),
        ("keys that are equal but not the same", "a2 01 02 f5 03"),
        ("an array of indefinite length", "9f ff"),
        ("a map of indefinite length", "bf ff"),
        ("bytes of indefinite length", "5f 41 01 ff"),
        ("a length of 2⁶³", "5b 8000000000000000"),
        ("an array of 2⁶³", "9b 8000000000000000"),
        ("text that is not UTF-8", "61 ff"),
        ("a stop without a start", "ff"),
        ("a reserved length", "1c"),
    ],
)
def test_it_is_strict(case: str, encoded: str) -> None:
    assert case
    with pytest.raises(Malformed, match="not CBOR"):
        cbor.decode(bytes.fromhex(encoded))


@pytest.mark.parametrize("nest", [b"\x81", b"\xa1\x00", b"\xd8\x25", b"\xd8\x63"])
def test_nesting_is_bounded(nest: bytes) -> None:
    cbor.decode(nest * 8 + b"\x80")
    with pytest.raises(Malformed):
        cbor.decode(nest * 100_000 + b"\x80")


@pytest.mark.parametrize(
    "number",
    [
        *(0, 1, 2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 37, 52, 54, 100, 256, 258, 260),
        *(261, 1004, 43000, 55799, 12345),
    ],
)
def test_no_tag_is_given_a_meaning(number: int) -> None:
    for content in (0, b"", "(a"):
        value = cbor.decode(cbor.encode(cbor.Tag(number, content)))
        assert isinstance(value, cbor.Tag)
        assert (value.tag, value.value) == (number, content)
