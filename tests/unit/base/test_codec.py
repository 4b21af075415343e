import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.codec import Reader, buf, u32, u64
from ccfpy.base.errors import Malformed

U32 = st.integers(0, 2**32 - 1)
U64 = st.integers(0, 2**64 - 1)


@given(st.integers(0, 255), U32, U64, st.binary(), st.text())
def test_what_is_written_is_read(
    byte: int, word: int, long: int, data: bytes, text: str
) -> None:
    fields = bytes((byte,)) + u32(word) + u64(long) + buf(data) + buf(text.encode())
    reader = Reader(fields)
    read = (reader.u8(), reader.u32(), reader.u64(), reader.buf(), reader.string())
    assert read == (byte, word, long, data, text)
    reader.finish()


def test_numbers_are_little_endian() -> None:
    assert u32(1) == b"\x01\0\0\0"
    assert u64(1) == b"\x01" + bytes(7)
    assert buf(b"ab") == b"\x02" + bytes(7) + b"ab"


@given(st.binary(min_size=1), st.data())
def test_no_field_reaches_past_the_end(data: bytes, draw: st.DataObject) -> None:
    cut = draw.draw(st.integers(0, len(buf(data)) - 1))
    with pytest.raises(Malformed):
        Reader(buf(data)[:cut]).buf()


def test_a_reader_keeps_to_its_window() -> None:
    reader = Reader(b"abcdef", 1, 3)
    assert reader.remaining == 2
    assert reader.take(2) == b"bc"
    with pytest.raises(Malformed, match="expected 1 bytes at offset 3, found 0"):
        reader.u8()
    with pytest.raises(Malformed):
        Reader(b"abc").take(-1)


def test_bytes_left_over_are_named() -> None:
    reader = Reader(b"abc")
    reader.u8()
    with pytest.raises(Malformed, match="2 unexpected bytes at 1"):
        reader.finish()


def test_a_string_is_utf_8() -> None:
    with pytest.raises(Malformed, match="not UTF-8"):
        Reader(buf(b"\xff")).string()
