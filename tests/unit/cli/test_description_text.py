from ccfpy.cli.description_text import lines
from ccfpy.client.review.description import (
    UNFOLDED_LINES_MAX,
    Change,
    Description,
    Diff,
    Fact,
    Section,
    Topic,
)


def _described(diff_lines: int) -> Description:
    return Description(
        title="Proposal x",
        sections=(
            Section(
                topic=Topic.SUMMARY, title="", facts=(Fact(label="state", text="Open"),)
            ),
            Section(
                topic=Topic.ACTIONS,
                title="Actions",
                facts=(Fact(label="1. act"), Fact(label="arg", text="a\nb", depth=1)),
                diffs=(
                    Diff(
                        subject="module",
                        change=Change.NEW,
                        lines=("+ line",) * diff_lines,
                    ),
                    Diff(subject="same", change=Change.UNCHANGED),
                    Diff(
                        subject="other",
                        change=Change.CHANGED,
                        lines=("@@", "-a", "+b", " c"),
                    ),
                ),
            ),
        ),
    )


def test_a_description_is_indented_lines() -> None:
    told = lines(_described(1), full=False)
    assert [line for _, line in told] == [
        "Proposal x",
        "  state: Open",
        "",
        "Actions",
        "  1. act",
        "    arg: a",
        "      b",
        "  module: new",
        "    + line",
        "  other: changed",
        "    @@",
        "    -a",
        "    +b",
        "     c",
    ]
    assert [style for style, _ in told[-4:]] == ["cyan", "red", "green", ""]


def test_a_long_diff_is_counted_and_shown_on_request() -> None:
    longest, longer = _described(UNFOLDED_LINES_MAX), _described(UNFOLDED_LINES_MAX + 1)
    assert not any("say --full" in line for _, line in lines(longest, full=False))
    assert any("1 more lines: say --full" in x for _, x in lines(longer, full=False))
    assert not any("say --full" in line for _, line in lines(longer, full=True))
