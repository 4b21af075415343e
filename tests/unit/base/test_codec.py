"""Byte cursors: what is written is read back, and nothing past the end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.codec import Reader, buf, u32, u64
from ccfpy.base.errors import Malformed


@pytest.mark.slow
@given(
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**64 - 1),
    st.binary(max_size=64),
    st.text(max_size=16),
)
def test_every_field_is_read_back(
    small: int, large: int, data: bytes, text: str
) -> None:
    written = u32(small) + u64(large) + buf(data) + buf(text.encode()) + b"\x07rest"
    reader = Reader(written)
    assert reader.u32() == small
    assert reader.u64() == large
    assert reader.buf() == data
    assert reader.string() == text
    assert reader.u8() == 7
    assert reader.remaining == 4
    assert reader.take(4) == b"rest"
    reader.finish()


def test_numbers_are_little_endian() -> None:
    assert u32(1) == b"\x01\0\0\0"
    assert u64(0x0102) == b"\x02\x01\0\0\0\0\0\0"
    assert buf(b"ab") == u64(2) + b"ab"


@given(st.binary(max_size=40), st.integers(0, 40))
def test_a_cut_buffer_is_malformed_wherever_it_is_cut(data: bytes, cut: int) -> None:
    whole = buf(data)
    reader = Reader(whole[: min(cut, len(whole) - 1)])
    with pytest.raises(Malformed, match="expected"):
        reader.buf()


def test_a_length_beyond_the_end_reads_nothing() -> None:
    reader = Reader(u64(2**64 - 1) + b"data")
    with pytest.raises(Malformed, match="at offset 8, found 4"):
        reader.buf()
    assert reader.remaining == 4


def test_a_negative_count_is_refused() -> None:
    reader = Reader(b"data", position=2)
    with pytest.raises(Malformed):
        reader.take(-1)
    assert reader.position == 2


def test_a_reader_stays_within_its_part() -> None:
    reader = Reader(b"abcdef", position=1, end=4)
    assert reader.take(3) == b"bcd"
    with pytest.raises(Malformed):
        reader.u8()
    reader.finish()


def test_bytes_left_over_are_malformed() -> None:
    reader = Reader(b"ab")
    reader.u8()
    with pytest.raises(Malformed, match="1 unexpected bytes at 1"):
        reader.finish()


def test_a_string_is_utf8() -> None:
    with pytest.raises(Malformed, match="not UTF-8"):
        Reader(buf(b"\xff")).string()
