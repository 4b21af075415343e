"""Every file and function is short enough to be read at once."""

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
