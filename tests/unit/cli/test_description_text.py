import pytest

from ccfpy.cli.description_text import LAID_OUT, LINE_CHARACTERS_MAX, lines
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


def test_what_is_not_known_here_is_said_to_be_that() -> None:
    facts = (
        Fact(label="1. set_user: add a user", text="", is_unknown=True),
        Fact(label="what ccfpy found", text="no risk", depth=1, is_unknown=True),
    )
    section = Section(topic=Topic.ACTIONS, title="", facts=facts)
    told = lines(Description(title="", sections=(section,)), full=True)
    assert [line for _, line in told[1:]] == [
        "  1. set_user: add a user (not known here)",
        "    what ccfpy found (not known here): no risk",
    ]


def _shown(*, full: bool, **diff: tuple[str, ...]) -> list[str]:
    changed = Diff(subject="x", change=Change.CHANGED, **diff)  # type: ignore[arg-type]
    section = Section(topic=Topic.OUTCOME, title="", diffs=(changed,))
    told = lines(Description(title="", sections=(section,)), full=full)
    return [line for _, line in told[2:]]


def test_a_program_of_long_lines_is_laid_out_below_itself() -> None:
    told = _shown(full=False, lines=("-a;b", "+a;c"), laid_out=(" a;", "-b", "+c"))
    assert told == [
        "    -a;b",
        "    +a;c",
        f"  {LAID_OUT}",
        "     a;",
        "    -b",
        "    +c",
    ]


@pytest.mark.parametrize("extra", [0, 1])
def test_a_long_line_is_counted_and_no_mark_is_cut(extra: int) -> None:
    line = "+" + "x" * (LINE_CHARACTERS_MAX - 2 + extra) + "⟦U+200B⟧"
    assert _shown(full=True, lines=(line,)) == [f"    {line}"]
    (told,) = _shown(full=False, lines=(line,))
    kept = LINE_CHARACTERS_MAX - 1 + extra
    assert told == f"    {line[:kept]}⟦{len(line) - kept} more characters: say --full⟧"
    short = line[:LINE_CHARACTERS_MAX]
    assert _shown(full=False, lines=(short[:-1],)) == [f"    {short[:-1]}"]


def test_a_long_diff_is_counted_and_shown_on_request() -> None:
    longest, longer = _described(UNFOLDED_LINES_MAX), _described(UNFOLDED_LINES_MAX + 1)
    assert not any("say --full" in line for _, line in lines(longest, full=False))
    assert any("1 more lines: say --full" in x for _, x in lines(longer, full=False))
    assert not any("say --full" in line for _, line in lines(longer, full=True))
