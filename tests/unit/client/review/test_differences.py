import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.client.review.characters import EMPTY_LINES_SHOWN_MAX, MARK
from ccfpy.client.review.differences import (
    BEGIN,
    CONTEXT_CHARACTERS,
    CONTEXT_LINES,
    END,
    LONG_LINE,
    PROGRAM_LINE,
    compared,
    has_long_lines,
    laid_out,
    layout,
    split,
)
from tests.attacks import attack

STATEMENTS = "".join(f"function f{n}(a,b){{return a+{n}*b;}}" for n in range(100))


def _lines(before: str, after: str, *, is_file: bool = False) -> tuple[str, ...]:
    return compared(before, after, is_file=is_file)[0]


def test_few_lines_around_a_change_are_shown() -> None:
    old = [f"line {number}" for number in range(30)]
    new = [*old[:15], "other", *old[16:]]
    found, added, removed = compared("\n".join(old), "\n".join(new), is_file=False)
    assert len(found) == 1 + 2 * CONTEXT_LINES + 2
    assert (added, removed) == (1, 1)


@attack("gov: a text that hides a part of itself from members")
def test_a_difference_hides_no_character() -> None:
    assert _lines("", "a\x1b[A\u2028b")[1:] == ("+a⟦U+001B⟧[A⟦U+2028⟧", "+b")


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        ("a\u202eb\n", "a\\u202eb\n", ("-a⟦U+202E⟧b", "+a\\u202eb")),
        ("a\u202eb\n", "a⟦U+202E⟧b\n", ("-a⟦U+202E⟧b", "+a⟦U+27E6⟧U+202E⟦U+27E7⟧b")),
        ("a\n", "a\r\n", ("-a", "+a⟦U+000D, U+000A⟧")),
        ("a\tb\n", "a       b\n", ("-a⟦TAB⟧b", "+a       b")),
        ("a\n", "a \n", ("-a", "+a⟦1 space⟧")),
        ("a\n", "a", ("-a", "+a⟦no line break at the end⟧")),
        ("a", "a\n", ("-a⟦no line break at the end⟧", "+a")),
        ("a\nb\n", "a\rb\n", ("-a", "+a⟦U+000D⟧", " b")),
        (
            "a\r\nb\r\n",
            "a\r\nc\r\n",
            (" a⟦U+000D, U+000A⟧", "-b⟦U+000D, U+000A⟧", "+c⟦U+000D, U+000A⟧"),
        ),
        ("", "\n", ("+",)),
    ],
)
def test_lines_that_look_the_same_are_told_apart(
    before: str, after: str, lines: tuple[str, ...]
) -> None:
    assert _lines(before, after)[1:] == lines


def test_a_row_that_is_new_says_that_it_ends_with_a_line_break() -> None:
    assert _lines("", "a")[1:] == ("+a",)
    assert _lines("", "a\n")[1:] == ("+a⟦a line break at the end⟧",)
    assert _lines("", "a\n\n")[1:] == ("+a", "+")
    assert _lines("a\n", "")[1:] == ("-a⟦a line break at the end⟧",)


def test_files_say_that_their_last_line_has_no_end() -> None:
    assert _lines("", "a", is_file=True)[1:] == ("+a⟦no line break at the end⟧",)
    assert _lines("", "a\n", is_file=True)[1:] == ("+a",)
    assert _lines("", "a")[1:] == ("+a",)


def test_many_empty_lines_are_counted() -> None:
    for count in (EMPTY_LINES_SHOWN_MAX, EMPTY_LINES_SHOWN_MAX + 1):
        found, added, _ = compared("", "\n" * count, is_file=False)
        is_counted = count > EMPTY_LINES_SHOWN_MAX
        assert found[1:] == (
            (f"+⟦{count} empty lines⟧",) if is_counted else ("+",) * count
        )
        assert added == count


@attack("gov: a change in a line too long to read")
def test_of_a_long_line_what_differs_is_shown_with_what_is_around() -> None:
    changed = STATEMENTS.replace("a+50*b", "a+50*c").replace("f90(", "f91(")
    head, old, new = _lines(STATEMENTS, changed)
    assert head.startswith("@@ ")
    assert f"function f50(a,b){{return a+50*{BEGIN}b{END};}}function f51" in old
    assert f"function f50(a,b){{return a+50*{BEGIN}c{END};}}function f51" in new
    assert f"function {BEGIN}f90{END}(a" in old
    assert f"function {BEGIN}f91{END}(a" in new
    assert "characters that stay⟧" in new
    assert len(new) < 8 * CONTEXT_CHARACTERS, "and nothing else is"
    assert new.count(BEGIN) == new.count(END) == 2


@attack("gov: a change in a line too long to read")
def test_of_a_long_line_no_mark_is_cut() -> None:
    head = "x" * LONG_LINE
    old, new = _lines(f"{head}\u200b\u200c;", f"{head}\u200b\u200d;")[1:]
    assert old.endswith(f"{BEGIN}⟦U+200B, U+200C⟧{END};")
    assert new.endswith(f"{BEGIN}⟦U+200B, U+200D⟧{END};")


@pytest.mark.parametrize("extra", [0, 1])
def test_only_in_long_lines_words_are_compared(extra: int) -> None:
    text = "a " * ((LONG_LINE - 1) // 2) + "x" * extra
    old, new = _lines(f"{text}b", f"{text}c")[1:]
    assert (BEGIN in old, BEGIN in new) == (bool(extra), bool(extra))


@attack("gov: a change in a line too long to read")
def test_a_program_of_long_lines_is_laid_out() -> None:
    changed = STATEMENTS.replace("a+50*b", "a+50*c")
    found = laid_out(STATEMENTS, changed)
    assert [line for line in found if line[0] in "+-"] == [
        "-  return a+50*b;",
        "+  return a+50*c;",
    ]
    assert " function f50(a,b){" in found
    assert laid_out("a;\n" * 100, "b;") == ()
    assert [has_long_lines("x" * (PROGRAM_LINE + n)) for n in (0, 1)] == [False, True]


def test_a_layout_breaks_no_text_and_no_comment() -> None:
    program = "if(a){b(';}',`{;`);/* {;} */c();// {;}\nd()}else{e()}"
    assert layout(program).split("\n") == [
        "if(a){",
        "  b(';}',`{;`);",
        "  /* {;} */c();",
        "  // {;}",
        "d()",
        "}",
        "else{",
        "  e()",
        "}",
    ]


@pytest.mark.parametrize("text", ['"\\', "'\\", "`\\", '"', "/*"])
def test_texts_that_nobody_ends_are_looked_at_once(text: str) -> None:
    program = text * 40_000
    assert "".join(layout(program).split()) == program


def test_lines_of_few_words_are_compared_in_little_time() -> None:
    old = " ".join("xy"[n * n % 7 % 2] for n in range(1_900))
    new = " ".join("xy"[n * n % 11 % 2] for n in range(1_900))
    many = 20
    found = _lines("\n".join([old] * many), "\n".join([new] * many))
    assert sum(line[0] == "+" for line in found) == many


PROGRAMS = st.text(st.sampled_from("ab{};\"'`/* \n\\"))


@given(PROGRAMS)
def test_a_layout_keeps_every_character_in_its_order(program: str) -> None:
    assert "".join(layout(program).split()) == "".join(program.split())


LINES = st.text(st.sampled_from("ab \t\r\n\u2028\u200b⟦⟪{;,"))


@given(LINES, LINES)
def test_texts_that_differ_have_a_difference_that_shows(old: str, new: str) -> None:
    found, added, removed = compared(old, new, is_file=True)
    assert (old == new) == (found == ()) == (added + removed == 0)
    gone = [line[1:] for line in found if line[0] in " -"]
    come = [line[1:] for line in found if line[0] in " +"]
    assert old == new or gone != come


@given(LINES, LINES)
def test_of_long_lines_too(old: str, new: str) -> None:
    def long(text: str) -> str:
        return "{;".join(("w " * LONG_LINE, text.replace("\n", ""), "x" * 100))

    found = _lines(long(old), long(new), is_file=True)
    gone = [line[1:] for line in found if line[0] == "-"]
    come = [line[1:] for line in found if line[0] == "+"]
    assert gone != come or long(old) == long(new)
    for line in found:
        assert "⟦" not in MARK.sub("", line), "no mark is cut"


@given(LINES)
def test_split_lines_are_the_text(text: str) -> None:
    assert "".join(split(text)) == text
