import pytest

from ccfpy.base.schema import schema_of
from ccfpy.client.review.description import (
    CONTEXT_LINES,
    UNFOLDED_LINES_MAX,
    Change,
    Description,
    Diff,
    Fact,
    Section,
    Topic,
    as_json,
    plain,
)
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
    found = Diff.of("x", before, after)
    assert (found.title, found.lines) == (title, lines)
    assert found.added == sum(line.startswith("+") for line in lines)
    assert found.removed == sum(line.startswith("-") for line in lines)


def test_what_stays_as_it_is_has_no_lines() -> None:
    assert Diff.of("x", "a", "a") == Diff(subject="x", change=Change.UNCHANGED)


@pytest.mark.parametrize(
    ("count", "may_fold", "folded"),
    [
        (UNFOLDED_LINES_MAX - 1, True, False),
        (UNFOLDED_LINES_MAX, True, True),
        (UNFOLDED_LINES_MAX, False, False),
    ],
)
def test_a_long_diff_is_folded_where_it_may(
    count: int, may_fold: bool, folded: bool
) -> None:
    # One line more says where the others are.
    diff = Diff.of("x", None, "line\n" * count, may_fold=may_fold)
    assert diff.is_folded is folded
    assert diff.added == count, "and none is missing"


def test_a_description_is_json_of_its_schema() -> None:
    shown = Description(
        title="Proposal x",
        sections=(
            Section(
                topic=Topic.OUTCOME,
                title="What would change",
                facts=(
                    Fact(label="it would fail", text="why", is_warning=True),
                    Fact(label="how", text="x…", whole="xy", is_unknown=True, depth=1),
                ),
                diffs=(
                    Diff.of("member", "a", "b"),
                    Diff(subject="other", change=Change.UNCHANGED),
                ),
            ),
        ),
    )
    written = as_json(shown)
    assert written == {
        "title": "Proposal x",
        "sections": [
            {
                "topic": "outcome",
                "title": "What would change",
                "facts": [
                    {"label": "it would fail", "text": "why", "is_warning": True},
                    {
                        "label": "how",
                        "text": "x…",
                        "depth": 1,
                        "whole": "xy",
                        "is_unknown": True,
                    },
                ],
                "diffs": [
                    {
                        "subject": "member",
                        "change": "changed",
                        "lines": ["@@ -1 +1 @@", "-a", "+b"],
                        "added": 1,
                        "removed": 1,
                    },
                    {"subject": "other", "change": "unchanged"},
                ],
            }
        ],
    }
    assert schema_of(Description).read(written) == shown


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


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        ("a\u202eb\n", "a\\u202eb\n", ("-a\\u202eb", "+a\\\\u202eb")),
        ("a\n", "a\r\n", ("-a", "+a\\r")),
        ("a\tb\n", "a       b\n", ("-a\\tb", "+a       b")),
        ("a\n", "a", (" a", "-")),
        ("a", "a\n", (" a", "+")),
        ("a\r\nb\r\n", "a\r\nc\r\n", (" a", "-b", "+c")),
    ],
)
def test_lines_that_look_the_same_are_told_apart(
    before: str, after: str, lines: tuple[str, ...]
) -> None:
    diff = Diff.of("x.js", before, after)
    assert diff.lines[1:] == lines
    assert diff.added + diff.removed > 0
