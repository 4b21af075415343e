"""Ranges of bytes, as CCF's clients ask for them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.http.errors import ApiError, ErrorCode
from ccfpy.http.resources import ByteRange, parse_range


@pytest.mark.parametrize(
    ("header", "start", "stop"),
    [
        ("bytes=0-", 0, 100),
        ("bytes=0-100", 0, 100),
        ("bytes=0-33", 0, 33),
        ("bytes=33-33", 33, 33),
        ("bytes=33-999", 33, 100),
        ("bytes=100-", 100, 100),
        ("bytes=-1", 99, 100),
        ("bytes=-100", 0, 100),
        ("bytes=-1000", 0, 100),
        ("bytes=-0", 100, 100),
    ],
)
def test_the_end_of_a_range_is_not_part_of_it(
    header: str, start: int, stop: int
) -> None:
    assert parse_range(header, 100) == ByteRange(start, stop)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("bytes=33-foo", "Unable to parse end of range value foo"),
        ("bytes=foo-foo", "Unable to parse start of range value foo"),
        ("bytes=foo-66", "Unable to parse start of range value foo"),
        ("bytes=66-33", "Invalid range: Start (66) and end (33) out of order"),
        ("bytes=101-", "Start of range 101 is larger than total file size 100"),
        ("bytes=-1-5", "Invalid format, cannot parse range in bytes=-1-5"),
        ("bytes=-", "Invalid range: Must contain range-start or range-end"),
        ("bytes=-foo", "Unable to parse end of range offset value foo"),
        ("bytes=", "Invalid format, cannot parse range in bytes="),
        ("bytes", "Invalid format, cannot parse range in bytes"),
        ("lines=1-2", "Only 'bytes' is supported as a Range header unit"),
        ("bytes=1-2,3-4", "Multiple ranges are not supported"),
        ("bytes=" + "9" * 20 + "-", "Unable to parse start of range value 9"),
        ("bytes=\u0661-", "Unable to parse start of range value"),
    ],
)
def test_anything_else_is_refused_in_ccfs_words(header: str, message: str) -> None:
    with pytest.raises(ApiError) as refused:
        parse_range(header, 100)
    assert (refused.value.status, refused.value.code) == (
        400,
        ErrorCode.InvalidHeaderValue,
    )
    assert message in refused.value.message


@given(st.text(max_size=12), st.integers(0, 100))
def test_every_range_lies_within_the_file(text: str, size: int) -> None:
    try:
        start, stop = parse_range(f"bytes={text}", size)
    except ApiError:
        return
    assert 0 <= start <= stop <= size
