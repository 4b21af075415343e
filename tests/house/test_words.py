"""Words that no file may contain: of unfinished work, of machines, of old books."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator

from tests.house.tree import Module, modules, texts

UNFINISHED = re.compile(r"\b(?:FIX[M]E|XX[X]|TO[D]O|HAC[K])\b")
MACHINES = re.compile(
    r"(?<![\w.])/(?:work|root|home|Users)/\w"  # somebody's folders
    r"|[\w-]\.python(?:hosted)?\.org/simple|files\.pythonhosted|npmj[s]\.org"
)


ARCHAIC = re.compile(
    r"\b(?:whoever|whomever|whosoever|likewise|lest|as\s+above|whilst|albeit|whence"
    r"|thence|hence(?:forth)?|thereof|therein|wherein|hereby|hitherto|forthwith)\b",
    re.IGNORECASE,
)
"""Words that name nothing, or that a reader of plain English need not know."""
_CODE = re.compile(r"^```.*?^```$|`[^`]*`", re.MULTILINE | re.DOTALL)


def _prose(module: Module) -> Iterator[tuple[int, str]]:
    """Yield a module's docstrings, those of its values too, and its comments."""
    for node in ast.walk(module.parse()):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            yield node.lineno, node.value.value
    for token in tokenize.generate_tokens(io.StringIO(module.text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


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


def test_prose_uses_no_archaic_word() -> None:
    pages = [
        f"{path}: {match[0]}"
        for path, text in texts()
        if path.endswith(".md")
        for match in ARCHAIC.finditer(_CODE.sub("", text))
    ]
    code = [
        f"{module.path}:{line}: {match[0]}"
        for module in modules("ccfpy", "apps")
        if ARCHAIC.search(module.text)  # few files are parsed
        for line, text in _prose(module)
        for match in ARCHAIC.finditer(text)
    ]
    assert pages + code == []
