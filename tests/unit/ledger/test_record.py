"""Fields of JSON records."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import Malformed
from ccfpy.base.json import Json
from ccfpy.ledger import record

values: st.SearchStrategy[Json] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(), st.builds(list)
)


def test_fields_read_into_what_they_stand_for() -> None:
    fields: dict[str, Json] = {"t": "x", "n": 7, "d": "ab" * 32, "b": "AQI=", "e": ""}
    assert record.text(fields, "t") == "x"
    assert record.optional_text(fields, "t") == "x"
    assert record.optional_text(fields, "e") is None
    assert record.optional_text(fields, "absent") is None
    assert record.optional_seqno(fields, "n") == 7
    assert record.optional_seqno(fields, "absent") is None
    assert record.positive(fields, "n") == 7
    assert record.digest(fields, "d") == b"\xab" * 32
    assert record.blob(fields, "b") == b"\1\2"


@given(st.binary(max_size=40))
def test_bytes_travel_as_base64(data: bytes) -> None:
    assert record.parse_base64(record.as_base64(data), "field") == data


@given(values)
def test_anything_else_is_malformed_and_named(value: Json) -> None:
    fields = {"field": value}
    for read in (record.text, record.positive, record.digest, record.blob):
        try:
            read(fields, "field")
        except Malformed as error:
            assert "'field'" in str(error)  # noqa: PT017 - some values are fine
        else:
            assert isinstance(value, str | int)


@pytest.mark.parametrize("value", [0, -1, True, "1", 1.5, None])
def test_a_count_starts_at_one(value: Json) -> None:
    with pytest.raises(Malformed):
        record.positive({"field": value}, "field")


@pytest.mark.parametrize("value", ["", "ab", "zz" * 32, " ab" * 22, "ab" * 33])
def test_a_digest_is_64_hex_digits(value: str) -> None:
    with pytest.raises(Malformed):
        record.parse_digest(value, "field")


@pytest.mark.parametrize("value", ["A", "A===", "AQI", "AQ I=", "ÄQI="])
def test_base64_is_strict(value: str) -> None:
    with pytest.raises(Malformed):
        record.parse_base64(value, "field")


def test_a_long_value_is_cut_in_the_message() -> None:
    with pytest.raises(Malformed) as refused:
        record.parse_base64("!" * 10_000, "field")
    assert len(str(refused.value)) < 200
