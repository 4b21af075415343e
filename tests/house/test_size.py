"""Every file and function is short enough to be read at once, and the table of
docs/ARCHITECTURE.md says how large the packages are."""

import pytest

from tests.house import sizes
from tests.house.tree import modules

FILE_LINES_MAX = 800
FUNCTION_LINES_MAX = 70

EVERYTHING = modules("ccfpy", "apps", "tests", "benchmarks")


def test_no_file_is_longer_than_800_lines() -> None:
    long = [
        f"{module.path}: {lines} lines"
        for module in EVERYTHING
        if (lines := module.text.count("\n")) > FILE_LINES_MAX
    ]
    assert not long


def test_no_function_is_longer_than_70_lines() -> None:
    long = [
        f"{function.place}: {function.name} has {function.lines} lines"
        for module in EVERYTHING
        for function in module.outline.functions
        if function.lines > FUNCTION_LINES_MAX
    ]
    assert not long


def test_the_page_says_how_large_each_package_is() -> None:
    made = sizes.table(modules("ccfpy"))
    assert sizes.outdated(sizes.PAGE.read_text(), made) == [], "run make reference"


def _table(*rows: str) -> str:
    head = "| package | files | lines of code |\n| --- | ---: | ---: |\n"
    return head + "".join(f"| {row} |\n" for row in rows)


@pytest.mark.parametrize(
    ("shown", "now", "outdated"),
    [
        ("kv | 14 | 1,428", "kv | 15 | 1,490", []),
        ("kv | 14 | 1,428", "kv | 16 | 1,428", ["kv"]),
        ("kv | 14 | 1,428", "kv | 14 | 1,504", ["kv"]),
        ("kv | 14 | 1,428", "ky | 14 | 1,428", ["kv", "ky"]),
    ],
)
def test_a_figure_may_be_off_by_a_twentieth_or_by_one(
    shown: str, now: str, outdated: list[str]
) -> None:
    page = f"# Sizes\n\n{_table(shown)}\nMore.\n"
    assert sizes.outdated(page, _table(now)) == outdated
    assert sizes.outdated(sizes.on_page(page, _table(now).strip()), _table(now)) == []


def test_a_page_without_a_table_of_sizes_is_refused() -> None:
    with pytest.raises(ValueError, match="has 0 tables"):
        sizes.on_page("# Sizes\n", _table("kv | 14 | 1,428"))
