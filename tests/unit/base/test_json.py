import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base import json
from ccfpy.base.errors import Malformed

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES)
def test_what_is_written_is_read(value: json.Json) -> None:
    assert json.loads(json.dumps(value)) == value


def test_keys_are_sorted_and_nothing_is_padded() -> None:
    assert json.dumps({"b": [1, None], "a": {"d": "é", "c": True}}) == (
        '{"a":{"c":true,"d":"é"},"b":[1,null]}'.encode()
    )


@pytest.mark.parametrize("text", ["", "{", "nul", "{'a': 1}", "[1,]", "NaN", b"\xff"])
def test_text_that_is_not_json_is_refused(text: bytes | str) -> None:
    with pytest.raises(Malformed, match="not JSON"):
        json.loads(text)


def test_only_an_object_is_an_object() -> None:
    assert json.loads_object('{"a": 1}') == {"a": 1}
    with pytest.raises(Malformed, match="expected a JSON object, found list"):
        json.loads_object("[]")
