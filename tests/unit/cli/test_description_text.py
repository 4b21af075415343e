from ccfpy.cli.description_text import DIFF_LINES_MAX, lines
from ccfpy.client.review.description import Description, Diff, Row, Section


def _described(diff_lines: int) -> Description:
    return Description(
        title="Proposal x",
        sections=(
            Section(title="", rows=(Row(label="state", text="Open"),)),
            Section(
                title="Actions",
                rows=(Row(label="1. act"), Row(label="arg", text="a\nb", depth=1)),
                diffs=(
                    Diff(title="module: new", lines=("+ line",) * diff_lines),
                    Diff(title="other: changed", lines=("@@", "-a", "+b", " c")),
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
    longest, longer = _described(DIFF_LINES_MAX), _described(DIFF_LINES_MAX + 1)
    assert not any("say --full" in line for _, line in lines(longest, full=False))
    assert any("1 more lines: say --full" in x for _, x in lines(longer, full=False))
    assert not any("say --full" in line for _, line in lines(longer, full=True))
