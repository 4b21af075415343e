"""Sizes and durations as configuration files write them."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import Malformed
from ccfpy.base.units import parse_size, parse_time_us


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("1048576", 1 << 20),
        ("1B", 1),
        ("20KB", 20 << 10),
        ("16MB", 16 << 20),
        ("1gb", 1 << 30),
        ("2Tb", 2 << 40),
        ("3pB", 3 << 50),
    ],
)
def test_sizes_count_in_powers_of_1024(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("7", 7),
        ("10000us", 10_000),
        ("100ms", 100_000),
        ("1s", 1_000_000),
        ("30min", 1_800_000_000),
        ("2H", 7_200_000_000),
    ],
)
def test_times_are_given_in_microseconds(text: str, micros: int) -> None:
    assert parse_time_us(text) == micros


@pytest.mark.parametrize(
    "text", ["", "MB", "5 MB", "-5MB", "1.5MB", "5XB", "5ms", "0x5", "\u0665MB"]
)
def test_what_is_no_size_is_refused_with_the_units(text: str) -> None:
    with pytest.raises(Malformed, match='write a whole number and "B"'):
        parse_size(text)


def test_a_size_is_no_time_and_a_time_no_size() -> None:
    with pytest.raises(Malformed, match="not a time"):
        parse_time_us("5MB")
    with pytest.raises(Malformed, match="not a size"):
        parse_size("5min")


def test_what_no_integer_of_63_bits_holds_is_too_large() -> None:
    with pytest.raises(Malformed, match="too large"):
        parse_size("999999999PB")


@given(st.text(max_size=12))
def test_any_text_is_a_quantity_or_malformed(text: str) -> None:
    for parse in (parse_size, parse_time_us):
        with suppress(Malformed):
            assert parse(text) >= 0
