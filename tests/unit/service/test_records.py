"""Records of tables become CCF's JSON and come back."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.annotations import REQUIRED, U64, Converted, OrAbsent
from ccfpy.base.errors import Malformed
from ccfpy.base.ids import MemberId, TxId
from ccfpy.base.json import Json
from ccfpy.service.records import codec_of, codec_of_form, form_of, text_key


class Colour(StrEnum):
    RED = "Red"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    name: str
    note: Json = None
    count: OrAbsent[U64] = None
    flag: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Nested:
    when: TxId
    colour: Colour
    owner: MemberId
    blobs: tuple[bytes, ...] = ()
    samples: OrAbsent[Mapping[MemberId, Sample]] = None
    status: Colour = field(default=Colour.RED, metadata=REQUIRED)


SAMPLE = codec_of(Sample)


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
        b'{"name":"a","count":18446744073709551616}',
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
    st.none() | st.integers(min_value=0, max_value=2**64 - 1),
    st.booleans(),
)
def test_a_record_survives_being_written(
    name: str, note: Json, count: int | None, flag: bool
) -> None:
    sample = Sample(name=name, note=note, count=count, flag=flag)
    assert SAMPLE.decode(SAMPLE.encode(sample)) == sample


def test_ids_are_keys_as_text() -> None:
    codec = text_key(MemberId)
    assert codec.encode(MemberId("ab")) == b"ab"
    assert codec.decode(b"ab") == "ab"
    with pytest.raises(Malformed):
        codec.decode(b"\xff")


def test_types_say_how_fields_are_written() -> None:
    form = form_of(Nested)
    owner = MemberId("m")
    bare = Nested(when=TxId(2, 3), colour=Colour.RED, owner=owner)
    least = {"when": "2.3", "colour": "Red", "owner": "m", "status": "Red"}
    assert form.write(bare) == least
    full = replace(bare, blobs=(b"a",), samples={owner: Sample(name="n")})
    written = form.write(full)
    assert written == {**least, "blobs": ["YQ=="], "samples": {"m": {"name": "n"}}}
    assert form.read(written) == full


@dataclass(frozen=True, slots=True, kw_only=True)
class Reversed:
    name: Annotated[
        str, Converted(lambda text: str(text)[::-1], lambda text: text[::-1])
    ]


def test_a_field_can_be_read_and_written_by_functions_of_its_own() -> None:
    codec = codec_of_form(form_of(Reversed))
    assert codec.encode(Reversed(name="ab")) == b'{"name":"ba"}'
    assert codec.decode(b'{"name":"ba"}') == Reversed(name="ab")


def test_a_type_without_a_form_is_refused_when_declared() -> None:
    with pytest.raises(TypeError, match="JSON has no form"):
        form_of(complex)
