import pytest

from ccfpy.client.review.description import CONTEXT_LINES, Diff, plain
from tests.attacks import attack


@pytest.mark.parametrize(
    ("before", "after", "title", "lines"),
    [
        (None, "a\nb", "x: new", ("@@ -0,0 +1,2 @@", "+a", "+b")),
        ("a\n", None, "x: removed", ("@@ -1 +0,0 @@", "-a")),
        ("a\nb", "a\nc", "x: changed", ("@@ -1,2 +1,2 @@", " a", "-b", "+c")),
        (None, "", "x: new", ()),
    ],
)
def test_a_diff_says_what_happens_and_shows_it(
    before: str | None, after: str | None, title: str, lines: tuple[str, ...]
) -> None:
    assert Diff.of("x", before, after) == Diff(title=title, lines=lines)


def test_a_diff_shows_few_lines_around_a_change() -> None:
    old = [f"line {number}" for number in range(30)]
    new = [*old[:15], "other", *old[16:]]
    shown = Diff.of("x", "\n".join(old), "\n".join(new)).lines
    assert len(shown) == 1 + 2 * CONTEXT_LINES + 2


@attack("gov: a text that hides a part of itself from members")
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, ä, 漢\nnext", "plain, ä, 漢\nnext"),
        ("\x1b[2K\rhidden", "\\x1b[2K\\rhidden"),
        ("evil \u202e txt", "evil \\u202e txt"),
        ("no\u200bwidth\x00", "no\\u200bwidth\\x00"),
        ("line\r\nend", "line\nend"),
    ],
)
def test_no_character_hides(text: str, shown: str) -> None:
    assert plain(text) == shown


@attack("gov: a text that hides a part of itself from members")
def test_a_diff_hides_no_character() -> None:
    assert Diff.of("x", None, "a\x1b[A\u2028b").lines[1:] == ("+a\\x1b[A\\u2028b",)
