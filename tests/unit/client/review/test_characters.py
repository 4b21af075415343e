import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.client.review.characters import (
    BLANKS_SHOWN_MAX,
    EMPTY_LINES_SHOWN_MAX,
    NAME_CHARACTERS_MAX,
    QUOTE_CLOSE,
    QUOTE_OPEN,
    inline,
    lines,
    mark,
    plain,
    quoted,
    quoted_name,
    script,
)
from tests.attacks import attack
from tests.unit.client.review.misleading import FORGED, VERDICT

HIDDEN = (
    "\u3164\ufe00\u200b\u202e\u00a0\u2800\u00ad\u034f\u115f\u180e\u2066\ufeff\ufff9"
    "\U000e0041\U000e0100\ufe0f\u200d\x00\x1b\x7f\x85\u0301\u0489\ud800\ue000\u0378"
)


@attack("gov: a text that hides a part of itself from members")
@pytest.mark.parametrize("character", HIDDEN, ids=lambda each: f"{ord(each):04X}")
def test_what_nobody_sees_is_marked(character: str) -> None:
    coded = f"⟦U+{ord(character):04X}⟧"
    assert plain(f"a{character}b") == f"a{coded}b"
    assert plain(character) == inline(character) == coded
    assert plain(character * 3) == f"⟦U+{ord(character):04X} 3 times⟧"


@attack("gov: a text that looks like another to members")
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("./p\u043elicy.js", "./p⟦U+043E⟧licy.js"),
        ("\u0430dmin_user", "⟦U+0430⟧dmin_user"),
        ("user_\u0430", "user_⟦U+0430⟧"),
        ("\u0441\u043e\u0440", "⟦U+0441, U+043E, U+0440⟧"),
        ("1\u0417", "1⟦U+0417⟧"),
        ("\u0430 = 1", "⟦U+0430⟧ = 1"),
        ("\u0391\u0392", "⟦U+0391, U+0392⟧"),
        ("\u30cb", "⟦U+30CB⟧"),
        ("\uff01\uff1b\u037e", "⟦U+FF01, U+FF1B, U+037E⟧"),
        ("it\u2019s \u2010", "it⟦U+2019⟧s ⟦U+2010⟧"),
        ("e\u0301", "e⟦U+0301⟧"),
        ("\u0131d", "⟦U+0131⟧d"),
        ("\u05d0\u05d1", "⟦U+05D0, U+05D1⟧"),
        ("\u2044", "⟦U+2044⟧"),
    ],
)
def test_what_looks_like_something_else_is_marked(text: str, shown: str) -> None:
    assert plain(text) == inline(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "function f (a, b) { return `${a}\\n` + b[0]; } // ~#@",
        "\u043f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440",
        "na\u00efve caf\u00e9, Stra\u00dfe, \u00e5\u00f8\u00f1, z\u0142oty",
        "\u039a\u03b1\u03bb\u03b7\u03bc\u03ad\u03c1\u03b1",
        "\u6f22\u5b57\u304b\u306a\u30ab\u30ca, JSON\u3092\u8fd4\u3059",
        "\u30a8\u30e9\u30fc\u51e6\u7406",
        "\ud55c\uad6d\uc5b4",
        "a \u2264 b \u2192 c \u00a7 1",
        "one\n\n  two\n",
    ],
)
def test_what_is_seen_as_itself_stays(text: str) -> None:
    assert plain(text) == text


@attack("gov: a text that hides a part of itself from members")
def test_lines_end_where_they_end_for_javascript() -> None:
    text = "//\rattack()\u2028//\u2029x\r\ny\n"
    assert list(lines(text)) == [
        "//⟦U+000D⟧",
        "attack()⟦U+2028⟧",
        "//⟦U+2029⟧",
        "x⟦U+000D, U+000A⟧",
        "y",
        "",
    ]
    assert plain("a\rb") != plain("a\r\nb")
    assert inline("a\r\nb\n") == "a⟦U+000D, U+000A⟧b⟦U+000A⟧"


def test_no_text_imitates_a_mark() -> None:
    assert mark("U+200B") == "⟦U+200B⟧"
    assert plain("⟦U+200B⟧") == "⟦U+27E6⟧U+200B⟦U+27E7⟧"
    assert plain("⟪x⟫") == "⟦U+27EA⟧x⟦U+27EB⟧"


def test_long_runs_of_blanks_are_counted() -> None:
    most, more = (" " * (BLANKS_SHOWN_MAX + extra) for extra in (0, 1))
    assert plain(f"a{most}b") == f"a{most}b"
    assert plain(f"a{more}b") == f"a⟦{len(more)} spaces⟧b"
    assert plain("a \nb  ") == "a⟦1 space⟧\nb⟦2 spaces⟧"
    assert plain("\t\tx") == "⟦TAB 2 times⟧x"
    fewer, many = ("\n" * (EMPTY_LINES_SHOWN_MAX + extra) for extra in (1, 2))
    assert plain(f"a{fewer}b") == f"a{fewer}b"
    assert plain(f"a{many}b") == f"a\n⟦{EMPTY_LINES_SHOWN_MAX + 1} empty lines⟧\nb"


def test_bytes_that_are_no_text_are_told_from_others() -> None:
    assert plain(b"a\xff\xfe".decode(errors="surrogateescape")) == "a⟦byte FF, byte FE⟧"


TEXTS = st.text(
    st.one_of(
        st.sampled_from("a1_ \t\r\n\u2028⟦⟧⟪⟫," + HIDDEN + "\u0430\u043f\u304b\u6f22"),
        st.characters(),
    )
)


@given(TEXTS, TEXTS)
def test_texts_that_differ_are_shown_differently(one: str, other: str) -> None:
    assert (plain(one) == plain(other)) == (one == other)
    assert (inline(one) == inline(other)) == (one == other)


@given(TEXTS)
def test_nothing_is_shown_that_is_not_seen(text: str) -> None:
    for character in plain(text).replace("\n", ""):
        assert character in "⟦⟧" or character.isascii() or script(character)
        assert unicodedata.category(character)[0] not in "CM"


@attack("gov: a proposer's words in the place of a judgement")
@pytest.mark.parametrize(
    "words",
    [
        "",
        "a",
        FORGED,
        f"{QUOTE_CLOSE} {VERDICT}",
        f"a\n{VERDICT}",
        f"{QUOTE_OPEN}{QUOTE_OPEN}",
    ],
)
def test_words_stay_between_their_brackets_and_on_their_line(words: str) -> None:
    told = quoted(words)
    assert (told[0], told[-1]) == (QUOTE_OPEN, QUOTE_CLOSE)
    assert not {QUOTE_OPEN, QUOTE_CLOSE, "\n"} & set(told[1:-1])


def test_different_words_are_quoted_differently() -> None:
    assert quoted(QUOTE_CLOSE) != quoted(QUOTE_OPEN) != quoted("a")
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
