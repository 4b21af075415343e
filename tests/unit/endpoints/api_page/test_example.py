"""Examples on the page of an interface are short, and say where they were cut."""

from typing import TYPE_CHECKING

import pytest

from ccfpy.endpoints.api_page.example import TEXT_MAX, written

if TYPE_CHECKING:
    from ccfpy.base.json import Json

QUOTES = 2
LEVELS = 100_000
"""More than any version of Python writes: 3.13 goes far beyond its recursion limit."""


@pytest.mark.parametrize("longer", [False, True])
def test_a_value_is_cut_beyond_what_a_page_shows(longer: bool) -> None:
    text = written("x" * (TEXT_MAX - QUOTES + longer))
    assert len(text) == TEXT_MAX + longer
    assert text.endswith("…") is longer


def test_a_value_nested_too_deep_to_be_written_is_left_out() -> None:
    value: Json = []
    for _ in range(LEVELS):
        value = [value]
    assert written(value) == "…"
