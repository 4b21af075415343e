"""Records become CCF's JSON and come back."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import MemberId, TxId
from ccfpy.base.json import Json
from ccfpy.service.records import (
    BASE64,
    COUNT,
    TX_ID,
    Form,
    codec_of,
    form_of,
    list_of,
    map_of,
    member_of,
    nullable,
    record,
    text_key,
)


class Colour(StrEnum):
    RED = "Red"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    name: str
    note: Json = None
    count: int | None = None
    flag: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Nested:
    when: TxId
    colour: Colour
    owner: MemberId
    blobs: tuple[bytes, ...] = ()
    samples: Mapping[MemberId, Sample] | None = None
    status: Colour = Colour.RED


SAMPLE = codec_of(record(Sample))


def test_optional_fields_are_left_out_while_they_hold_their_default() -> None:
    assert SAMPLE.encode(Sample(name="a")) == b'{"name":"a"}'
    full = Sample(name="a", note={"b": [1]}, count=0, flag=True)
    assert SAMPLE.encode(full) == b'{"count":0,"flag":true,"name":"a","note":{"b":[1]}}'


def test_fields_nobody_knows_are_ignored() -> None:
    assert SAMPLE.decode(b'{"name":"a","old":1}') == Sample(name="a")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{}",
        b'{"name":1}',
        b'{"name":"a","count":-1}',
        b'{"name":"a","count":true}',
        b'{"name":"a","flag":1}',
        b'{"name":"a"',
    ],
)
def test_json_of_another_form_is_refused(text: bytes) -> None:
    with pytest.raises(Malformed):
        SAMPLE.decode(text)


@given(
    st.text(),
    st.none() | st.booleans() | st.lists(st.text()),
    st.none() | st.integers(min_value=0, max_value=2**53),
    st.booleans(),
)
def test_a_record_survives_being_written(
    name: str, note: Json, count: int | None, flag: bool
) -> None:
    sample = Sample(name=name, note=note, count=count, flag=flag)
    assert SAMPLE.decode(SAMPLE.encode(sample)) == sample


@given(st.binary())
def test_bytes_are_base64_text(data: bytes) -> None:
    assert BASE64.read(BASE64.write(data)) == data


@pytest.mark.parametrize("text", ["a", "é", "YQ==!"])
def test_what_is_not_base64_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        BASE64.read(text)


def test_transaction_ids_are_text() -> None:
    assert TX_ID.write(TxId(2, 13)) == "2.13"
    assert TX_ID.read("2.13") == TxId(2, 13)
    with pytest.raises(Malformed):
        TX_ID.read(13)


def test_enums_are_their_values() -> None:
    form = member_of(Colour)
    assert form.write(Colour.RED) == "Red"
    assert form.read("Red") is Colour.RED
    with pytest.raises(Malformed, match="'Blue' is not a Colour"):
        form.read("Blue")


def test_maps_are_objects_and_lists_arrays() -> None:
    form = map_of(MemberId, list_of(COUNT))
    value = {MemberId("m"): (1, 2)}
    assert form.write(value) == {"m": [1, 2]}
    assert form.read({"m": [1, 2]}) == value
    with pytest.raises(Malformed):
        form.read([])
    with pytest.raises(Malformed):
        form.read({"m": 1})


def test_null_stands_for_nothing() -> None:
    form = nullable(COUNT)
    assert form.write(None) is None
    assert form.read(None) is None
    assert form.write(0) == 0


def test_ids_are_keys_as_text() -> None:
    codec = text_key(MemberId)
    assert codec.encode(MemberId("ab")) == b"ab"
    assert codec.decode(b"ab") == "ab"
    with pytest.raises(Malformed):
        codec.decode(b"\xff")


def test_types_say_how_fields_are_written() -> None:
    form = record(Nested)
    owner = MemberId("m")
    bare = Nested(when=TxId(2, 3), colour=Colour.RED, owner=owner)
    assert form.write(bare) == {"when": "2.3", "colour": "Red", "owner": "m"}
    full = replace(bare, blobs=(b"a",), samples={owner: Sample(name="n")})
    written = form.write(full)
    assert isinstance(written, dict)
    assert written["blobs"] == ["YQ=="]
    assert written["samples"] == {"m": {"name": "n"}}
    assert form.read(written) == full


def test_a_field_with_a_default_can_be_written_always() -> None:
    form = record(Nested, always=("status",))
    bare = Nested(when=TxId(2, 3), colour=Colour.RED, owner=MemberId("m"))
    written = form.write(bare)
    assert isinstance(written, dict)
    assert written["status"] == "Red"
    del written["status"]
    with pytest.raises(Malformed, match="Nested lacks its field 'status'"):
        form.read(written)


def test_a_field_can_have_a_form_of_its_own() -> None:
    reverse: Form[str] = Form(lambda text: text[::-1], lambda text: str(text)[::-1])
    form = record(Sample, forms={"name": reverse})
    assert form.write(Sample(name="ab")) == {"name": "ba"}
    assert form.read({"name": "ba"}) == Sample(name="ab")


def test_a_record_names_only_fields_that_its_dataclass_has() -> None:
    with pytest.raises(AssertionError):
        record(Sample, always=("nam",))


@pytest.mark.parametrize(
    "kind", [complex, str | int, str | int | None, dict[str, int], tuple[int, int]]
)
def test_a_type_without_a_form_is_refused_when_declared(kind: object) -> None:
    with pytest.raises(TypeError, match="a record"):
        form_of(kind)
