"""Ordered codecs: bytes have the order of keys, and a range loses none."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ccfpy.base.errors import Malformed, Unwritable
from ccfpy.kv.maps import RAW, STRING, U64, Codec, Map
from ccfpy.kv.ordered import ORDERED_I64, ORDERED_U64, ordered_tuple
from ccfpy.kv.store import Store
from ccfpy.service.records import JSON, codec_of, text_key

TEXT = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\0\1!~\xff"))
BYTES = st.binary() | st.lists(st.sampled_from(b"\0\1\xff"), max_size=4).map(bytes)
UNSIGNED = st.integers(0, 2**64 - 1) | st.integers(0, 300)
SIGNED = st.integers(-(2**63), 2**63 - 1) | st.integers(-300, 300)

KINDS: dict[str, tuple[Codec[Any], st.SearchStrategy[Any]]] = {
    "unsigned": (ORDERED_U64, UNSIGNED),
    "signed": (ORDERED_I64, SIGNED),
    "text": (STRING, TEXT),
    "ids": (text_key(str), TEXT),
    "bytes": (RAW, BYTES),
    "one": (ordered_tuple(STRING), st.tuples(TEXT)),
    "texts": (ordered_tuple(STRING, STRING), st.tuples(TEXT, TEXT)),
    "mixed": (
        ordered_tuple(ORDERED_I64, RAW, ORDERED_U64),
        st.tuples(SIGNED, BYTES, UNSIGNED),
    ),
    "nested": (
        ordered_tuple(STRING, ordered_tuple(RAW, ORDERED_U64), STRING, RAW),
        st.tuples(TEXT, st.tuples(BYTES, UNSIGNED), TEXT, BYTES),
    ),
}
EACH = pytest.mark.parametrize("kind", KINDS)


@EACH
@given(st.data())
def test_bytes_have_the_order_of_keys(kind: str, data: st.DataObject) -> None:
    codec, keys = KINDS[kind]
    one, other = data.draw(keys), data.draw(keys)
    first, second = codec.encode(one), codec.encode(other)
    assert ((first > second) - (first < second)) == ((one > other) - (one < other))


@EACH
@given(st.data())
def test_keys_come_back(kind: str, data: st.DataObject) -> None:
    codec, keys = KINDS[kind]
    key = data.draw(keys)
    assert codec.decode(codec.encode(key)) == key


@EACH
@given(BYTES)
def test_what_no_key_gives_is_refused(kind: str, content: bytes) -> None:
    codec, _ = KINDS[kind]
    try:
        key = codec.decode(content)
    except Malformed:
        return
    assert codec.encode(key) == content


@EACH
@given(st.data())
def test_a_range_is_that_of_a_sorted_list(kind: str, data: st.DataObject) -> None:
    codec, keys = KINDS[kind]
    held, written, removed = (
        data.draw(st.lists(keys, unique=True, max_size=8)) for _ in range(3)
    )
    table = Map("m", codec, JSON)
    store, tx = Store(), None
    tx = store.begin()
    for key in held:
        table.of(tx).put(key, 1)
    store.commit(tx)
    handle = table.of(store.begin())
    for key in written:
        handle.put(key, 2)
    for key in removed:
        handle.remove(key)
    model = sorted((set(held) | set(written)) - set(removed))
    bounds = st.none() | keys | st.sampled_from([None, *held])
    start, stop = data.draw(bounds), data.draw(bounds)
    expected = [
        key
        for key in model
        if (start is None or start <= key) and (stop is None or key < stop)
    ]
    assert [key for key, _ in handle.range(start, stop)] == expected


@pytest.mark.parametrize(
    ("codec", "keys"),
    [
        (ORDERED_U64, [0, 1, 2, 10, 255, 256, 2**63, 2**64 - 1]),
        (ORDERED_I64, [-(2**63), -256, -1, 0, 1, 2, 10, 2**63 - 1]),
        (STRING, ["", "\0", "a", "a\0", "a!", "aa", "z", "\x7f", "é", "\uffff", "😀"]),
        (RAW, [b"", b"\0", b"\0\0", b"\0\1", b"\1", b"\xff", b"\xff\xff"]),
        (
            ordered_tuple(STRING, ORDERED_U64),
            [("", 0), ("a", 0), ("a", 2**64 - 1), ("a\0", 0), ("a!", 0), ("b", 0)],
        ),
        (
            ordered_tuple(RAW, RAW),
            [
                *(
                    (b"", b""),
                    (b"", b"\0"),
                    (b"", b"\xff"),
                    (b"\0", b""),
                    (b"\0", b"a"),
                ),
                *((b"\0\0", b""), (b"\0\1", b""), (b"\1", b""), (b"\xff", b"")),
            ],
        ),
    ],
)
def test_edges_are_in_order(codec: Codec[Any], keys: list[Any]) -> None:
    encoded = [codec.encode(key) for key in keys]
    assert encoded == sorted(encoded)
    assert len(set(encoded)) == len(encoded)
    assert [codec.decode(each) for each in encoded] == keys


@pytest.mark.parametrize(
    ("codec", "key"),
    [
        (ORDERED_U64, -1),
        (ORDERED_U64, 2**64),
        (ORDERED_U64, 1.5),
        (ORDERED_U64, "1"),
        (ORDERED_I64, -(2**63) - 1),
        (ORDERED_I64, 2**63),
        (ORDERED_I64, 1.5),
        (ordered_tuple(STRING, RAW), ("a",)),
        (ordered_tuple(STRING, RAW), ("a", b"", b"")),
    ],
)
def test_what_has_no_place_in_the_order_is_refused(
    codec: Codec[Any], key: object
) -> None:
    with pytest.raises(Unwritable, match=r"^expected "):
        codec.encode(key)


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"a", b"a\0", b"a\0\0", b"a\0\2\0\0" + bytes(8), b"a\0\0" + bytes(7)),
        b"a\0\0" + bytes(9),
        b"\xff\0\0" + bytes(8),
    ],
)
def test_bytes_that_are_no_tuple_are_refused(content: bytes) -> None:
    with pytest.raises(Malformed):
        ordered_tuple(STRING, ORDERED_U64).decode(content)


def test_what_is_stored_stays_as_it_is() -> None:
    """These bytes are in ledgers: they must not change."""
    assert ORDERED_U64.encode(258).hex() == "0000000000000102"
    assert ORDERED_I64.encode(-1).hex() == "7fffffffffffffff"
    assert ORDERED_I64.encode(1).hex() == "8000000000000001"
    pair = ordered_tuple(STRING, ORDERED_I64)
    assert pair.encode(("a\0", 0)).hex() == "61000100008000000000000000"


@pytest.mark.parametrize("codec", [JSON, U64, codec_of(int), codec_of(str)])
def test_a_tuple_with_a_part_that_has_no_order_is_refused(codec: Codec[Any]) -> None:
    with pytest.raises(TypeError, match=r"^part 2 of the tuple has no order: use ORD"):
        ordered_tuple(STRING, codec)


@pytest.mark.parametrize("codec", [JSON, U64, codec_of(int), codec_of(str)])
@pytest.mark.parametrize("bounds", [(), (1,), (None, 1), (1, 2)])
def test_a_range_of_keys_without_order_is_refused(
    codec: Codec[Any], bounds: tuple[Any, ...]
) -> None:
    handle = Map("notes", codec, JSON).of(Store().begin())
    with pytest.raises(TypeError, match=r"^'notes' has keys .* use ORDERED_U64 or"):
        handle.range(*bounds)
    assert list(handle.items()) == []


@given(st.lists(SIGNED, unique=True))
@example([1, 2, 10, 11])
def test_a_codec_of_an_app_may_say_that_it_orders(keys: list[int]) -> None:
    codec = Codec(encode=ORDERED_I64.encode, decode=ORDERED_I64.decode, orders=True)
    handle = Map("m", codec, JSON).of(Store().begin())
    for key in keys:
        handle.put(key, None)
    assert [key for key, _ in handle.range()] == sorted(keys)
