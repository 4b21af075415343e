import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import Malformed
from ccfpy.devtools import vlq

WIDEST = 2**31 - 1


@given(st.lists(st.integers(-WIDEST, WIDEST)))
def test_numbers_are_read_back(numbers: list[int]) -> None:
    assert vlq.decode("".join(map(vlq.encode, numbers))) == numbers


@given(st.text(max_size=20))
def test_whatever_else_comes_is_numbers_or_refused(text: str) -> None:
    try:
        numbers = vlq.decode(text)
    except Malformed:
        return
    assert all(abs(number) <= WIDEST for number in numbers)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("", []),
        ("A", [0]),
        ("C", [1]),
        ("D", [-1]),
        ("gB", [16]),
        ("2H", [123]),
        ("AAgBC", [0, 0, 16, 1]),
        ("+/////D", [WIDEST]),
        ("//////D", [-WIDEST]),
        ("gA", [0]),
    ],
)
def test_numbers_as_tools_write_them(text: str, numbers: list[int]) -> None:
    assert vlq.decode(text) == numbers


@pytest.mark.parametrize("text", ["g", "AAg", "=", "é", "//////E", "ggggggggA"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        vlq.decode(text)
