"""JSON in the one form that is hashed."""

import tracemalloc
from contextlib import suppress

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base import json
from ccfpy.base.errors import Malformed

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(VALUES)
def test_what_is_written_is_read_back(value: json.Json) -> None:
    assert json.loads(json.dumps(value)) == value


def test_the_form_is_compact_with_sorted_keys_and_plain_utf8() -> None:
    text = json.dumps({"b": [1, True, None], "a": "é", "aa": {}})
    assert text == '{"a":"é","aa":{},"b":[1,true,null]}'.encode()


@pytest.mark.parametrize("value", [True, False, None, 1, 1.0, "true", [True]])
def test_the_short_way_of_true_agrees_with_the_plain_one(value: json.Json) -> None:
    assert json.dumps(value) == orjson.dumps(value)


@pytest.mark.parametrize("size", [61, 62, 63])
@pytest.mark.parametrize("more", [-1, 0, 1])
@pytest.mark.parametrize("sign", [-1, 1])
def test_integers_are_written_as_orjson_writes_them(
    size: int, more: int, sign: int
) -> None:
    value = sign * (2**size + more)
    try:
        expected = orjson.dumps(value)
    except TypeError:
        with pytest.raises(TypeError):
            json.dumps(value)
    else:
        assert json.dumps(value) == expected


@given(st.text(max_size=20) | st.binary(max_size=20))
def test_anything_is_json_or_malformed(text: str | bytes) -> None:
    with suppress(Malformed):
        json.loads(text)


@pytest.mark.parametrize("text", ["", "{", "NaN", "1e400", "[1,]", '"\xff'])
def test_what_is_no_json_is_malformed(text: str) -> None:
    with pytest.raises(Malformed, match="not JSON"):
        json.loads(text)


def test_an_object_is_asked_for_by_name() -> None:
    assert json.loads_object(b'{"a":1}') == {"a": 1}
    with pytest.raises(Malformed, match="expected a JSON object, found list"):
        json.loads_object("[]")


def test_what_is_nested_too_deep_to_be_written_is_refused_as_malformed() -> None:
    """It can be read, so it may well be what a caller sent."""
    deep = json.loads("[" * 600 + "]" * 600)
    with pytest.raises(Malformed, match="too deep"):
        json.dumps({"deep": deep})


def test_what_is_no_json_at_all_is_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError):
        json.dumps({"set": {1}})


@pytest.mark.parametrize("chars", [0, 100, 1000, 100_000])
def test_what_is_written_takes_the_memory_of_its_own_bytes(chars: int) -> None:
    text = "x" * chars
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        written = json.dumps(text)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(written) == chars + 2
    assert after - before < len(written) + 256
