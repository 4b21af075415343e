"""Tensors as bytes: a round trip changes nothing, and nothing is believed unread."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.inference.limits import (
    ELEMENTS_MAX,
    HEADER_BYTES_MAX,
    NAME_CHARS_MAX,
    RANK_MAX,
    TENSORS_MAX,
)
from apps.inference.tensors import TYPES, Message, Tensor
from ccfpy.app import Json, Malformed

NAMES = st.text(min_size=1, max_size=20)


@st.composite
def _tensors(draw: st.DrawFn) -> Tensor:
    kind = draw(st.sampled_from(TYPES))
    shape = draw(st.lists(st.integers(0, 4), max_size=4))
    seed = draw(st.integers(0, 2**32 - 1))
    numbers = np.random.default_rng(seed).integers(
        0, 2 if kind == "bool" else 100, shape
    )
    return np.asarray(numbers).astype(kind)


@given(tensors=st.dictionaries(NAMES, _tensors(), max_size=5), said=NAMES)
def test_what_goes_in_comes_out(tensors: dict[str, Tensor], said: str) -> None:
    message = Message(tensors, {"said": said})
    read = Message.decode(message.encode())
    assert read.said == {"said": said}
    assert list(read.tensors) == list(tensors)
    for name, tensor in tensors.items():
        found = read.tensors[name]
        assert (found.dtype, found.shape) == (tensor.dtype, tensor.shape)
        assert found.tobytes() == tensor.tobytes()
        assert found.flags.aligned


def test_the_bytes_are_the_same_whatever_the_order_in_memory() -> None:
    straight = np.arange(6, dtype=np.int32).reshape(2, 3)
    for other in (
        np.asfortranarray(straight),
        straight.astype(">i4"),
        np.arange(12, dtype=np.int32)[::2].reshape(2, 3) // 2,
    ):
        assert Message({"x": other}).encode() == Message({"x": straight}).encode()


@given(junk=st.binary(max_size=100))
def test_junk_is_refused(junk: bytes) -> None:
    with pytest.raises(Malformed):
        Message.decode(junk)


@given(data=st.data())
def test_a_message_with_a_flipped_bit_is_another_or_none(data: st.DataObject) -> None:
    encoded = bytearray(Message({"x": np.ones(3, np.float32)}).encode())
    encoded[data.draw(st.integers(0, len(encoded) - 1))] ^= 1 << data.draw(
        st.integers(0, 7)
    )
    try:
        read = Message.decode(bytes(encoded))
    except Malformed:
        return
    assert read.encode() != Message({"x": np.ones(3, np.float32)}).encode()


def _of(header: Json, elements: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(4, "little") + text + elements


def _listing(**changed: Json) -> dict[str, Json]:
    entry: dict[str, Json] = {"name": "x", "type": "int8", "shape": [2]}
    return {"tensors": [entry | changed]}


def _named(name: str) -> list[Json]:
    return [{"name": name, "type": "int8", "shape": []}]


REFUSED: dict[str, tuple[bytes, str]] = {
    "no header": (b"\1\0\0", "the header is not all there"),
    "header cut short": (b"\5\0\0\0{}", "the header is not all there"),
    "no JSON": (b"\2\0\0\0{]", "not JSON"),
    "no object": (_of([]), "the header is no JSON object"),
    "no list": (_of({}), "the header has no list 'tensors'"),
    "no entry": (_of({"tensors": [1]}), "a tensor's name"),
    "no name": (_of(_listing(name=1)), "a tensor's name"),
    "empty name": (_of(_listing(name="")), "a tensor's name"),
    "no type": (_of(_listing(type="object")), "'x' has elements of no known type"),
    "type that is code": (_of(_listing(type="O")), "'x' has elements of no known type"),
    "no shape": (_of(_listing(shape=2)), "the shape of 'x' is no list"),
    "negative size": (_of(_listing(shape=[-1])), "has no size from 0"),
    "size that is true": (_of(_listing(shape=[True])), "has no size from 0"),
    "size that is half": (_of(_listing(shape=[0.5])), "has no size from 0"),
    "too few elements": (_of(_listing(), b"1"), "are not all there"),
    "too many elements": (_of(_listing(), b"123"), "1 bytes follow the last tensor"),
    "no boolean": (_of(_listing(type="bool"), b"\1\2"), "neither false nor true"),
    "twice": (
        _of({"tensors": [*2 * _named("x")]}, b"12"),
        "two tensors have one name",
    ),
}


@pytest.mark.parametrize(("data", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_has_not_the_form_is_refused_by_its_reason(data: bytes, said: str) -> None:
    with pytest.raises(Malformed, match=said):
        Message.decode(data)


def _empty(count: int, shape: list[Json]) -> bytes:
    listed: list[Json] = [
        {"name": str(i), "type": "int8", "shape": shape} for i in range(count)
    ]
    return _of({"tensors": listed})


@pytest.mark.parametrize(
    ("at_most", "beyond", "said"),
    [
        (_empty(TENSORS_MAX, [0]), _empty(TENSORS_MAX + 1, [0]), "64 are the most"),
        (_empty(1, [0] * RANK_MAX), _empty(1, [0] * (RANK_MAX + 1)), "up to 8 numbers"),
        (
            _of(_listing(name="x" * NAME_CHARS_MAX), b"12"),
            _of(_listing(name="x" * (NAME_CHARS_MAX + 1)), b"12"),
            "1 to 256 characters",
        ),
        (
            _of(_listing(shape=[ELEMENTS_MAX]), bytes(ELEMENTS_MAX)),
            _of(_listing(shape=[ELEMENTS_MAX, 2]), bytes(2 * ELEMENTS_MAX)),
            f"{ELEMENTS_MAX} are the most",
        ),
        (
            _of({"tensors": [], "pad": "x" * (HEADER_BYTES_MAX - 26)}),
            _of({"tensors": [], "pad": "x" * (HEADER_BYTES_MAX - 25)}),
            f"{HEADER_BYTES_MAX} are the most",
        ),
    ],
    ids=["tensors", "rank", "name", "elements", "header"],
)
def test_each_limit_is_kept_at_its_edge(
    at_most: bytes, beyond: bytes, said: str
) -> None:
    Message.decode(at_most)
    with pytest.raises(Malformed, match=said):
        Message.decode(beyond)


def test_what_cannot_travel_is_not_sent() -> None:
    with pytest.raises(Malformed, match="elements of type complex128"):
        Message({"x": np.zeros(1, complex)}).encode()
    half = np.zeros(ELEMENTS_MAX // 2 + 1, np.int8)
    with pytest.raises(Malformed, match=f"{ELEMENTS_MAX} are the most"):
        Message({"x": half, "y": half}).encode()
