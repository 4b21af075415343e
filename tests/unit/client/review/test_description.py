import pytest

from ccfpy.base.schema import schema_of
from ccfpy.client.review.description import (
    UNFOLDED_LINES_MAX,
    Change,
    Description,
    Diff,
    Fact,
    Section,
    Topic,
    as_json,
)


@pytest.mark.parametrize(
    ("before", "after", "title", "lines"),
    [
        (None, "a\nb", "x: new", ("@@ -0,0 +1,2 @@", "+a", "+b")),
        ("a", None, "x: removed", ("@@ -1 +0,0 @@", "-a")),
        (
            "a\n",
            None,
            "x: removed",
            ("@@ -1 +0,0 @@", "-a⟦a line break at the end⟧"),
        ),
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
