"""Others' words cannot leave their quotation."""

import pytest

from ccfpy.client.review.quoting import (
    CLOSE,
    NAME_CHARACTERS_MAX,
    OPEN,
    quoted,
    quoted_name,
)
from tests.attacks import attack
from tests.unit.client.review.misleading import FORGED, VERDICT


@attack("gov: a proposer's words in the place of a judgement")
@pytest.mark.parametrize(
    "words", ["", "a", FORGED, f"{CLOSE} {VERDICT}", f"a\n{VERDICT}", f"{OPEN}{OPEN}"]
)
def test_words_stay_between_their_brackets_and_on_their_line(words: str) -> None:
    told = quoted(words)
    assert (told[0], told[-1]) == (OPEN, CLOSE)
    assert not {OPEN, CLOSE, "\n"} & set(told[1:-1])


def test_different_words_are_quoted_differently() -> None:
    assert quoted(CLOSE) != quoted(OPEN) != quoted("a")
    assert quoted("a\nb") != quoted("a b")


def test_a_long_name_is_cut_and_its_length_is_said() -> None:
    name = "a" * NAME_CHARACTERS_MAX
    assert quoted_name(name) == quoted(name)
    assert quoted_name(f"{name}b") == f"{quoted(name)}… of 81 characters"


def test_no_mark_of_a_long_name_is_cut() -> None:
    name = "a" * (NAME_CHARACTERS_MAX - 3) + "⟦U+200B⟧"
    assert quoted_name(name).startswith(
        f"{quoted('a' * (NAME_CHARACTERS_MAX - 3))}… of"
    )
