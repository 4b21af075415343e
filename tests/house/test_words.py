"""Words and calls that belong to work in progress, or to one person's machine."""

import re

from tests.house.tree import modules, texts

UNFINISHED = re.compile(r"\b(?:FIX[M]E|XX[X]|TO[D]O|HAC[K])\b")
MACHINES = re.compile(
    r"(?<![\w.])/(?:work|root|home|Users)/\w"  # somebody's folders
    r"|[\w-]\.python(?:hosted)?\.org/simple|files\.pythonhosted|npmj[s]\.org"
)


def _matches(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path}:{text.count(chr(10), 0, match.start()) + 1}: {match[0]}"
        for path, text in texts()
        for match in pattern.finditer(text)
    ]


def test_nothing_is_marked_as_unfinished() -> None:
    assert not _matches(UNFINISHED)


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    assert not _matches(MACHINES)


def test_only_the_command_line_prints() -> None:
    spoken = [
        call
        for module in modules("ccfpy", "apps")
        if module.package != "cli"
        for call in module.calls("print", "input")
    ]
    assert not spoken


def test_no_debugger_is_left_behind() -> None:
    left = [
        call
        for module in modules("ccfpy", "apps", "tests", "benchmarks")
        for call in module.calls("breakpoint")
    ]
    assert not left
