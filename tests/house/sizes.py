"""The size of each package, now or at an earlier commit.

``python -m tests.house.sizes [COMMIT]`` prints a table: each package's files and lines
of code, without blank lines, comments and docstrings. Below the table are the class
names that occur more than once in the trusted packages. ``make reference`` writes the
table into docs/ARCHITECTURE.md, and a test compares the page with the code.
"""

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from tests.house.tree import DOCUMENTED, ROOT, TRUSTED, Module, modules, statements

SHARED: Final = (*TRUSTED, "crypto")
"""The packages in which a class name occurs once: crypto does no I/O either."""
PAGE: Final = ROOT / "docs/ARCHITECTURE.md"
SLACK: Final = 20
"""A figure of the page may be off by one part in so many: if it had to be exact, every
change of the code would change the page."""
_TABLE: Final = re.compile(r"^\| package \| files \|.*\n(?:\|.*\n)+", re.MULTILINE)
_ROW: Final = re.compile(r"^\| (\S.*) \| ([\d,]+) \| ([\d,]+) \|$", re.MULTILINE)
_NO_CODE: Final = frozenset(
    {
        tokenize.COMMENT,
        tokenize.DEDENT,
        tokenize.ENCODING,
        tokenize.ENDMARKER,
        tokenize.INDENT,
        tokenize.NEWLINE,
        tokenize.NL,
    }
)


def code_lines(module: Module) -> int:
    """Return the lines that hold code, without docstrings."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(module.text).readline):
        if token.type not in _NO_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in statements(module.parse()):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node) is not None:
            docstring = node.body[0]
            end = docstring.end_lineno or docstring.lineno
            lines.difference_update(range(docstring.lineno, end + 1))
    return len(lines)


def shared_names(found: Iterable[Module]) -> Mapping[str, Sequence[str]]:
    """Return the class names that occur more than once, and the files they occur in."""
    places: dict[str, list[str]] = {}
    for module in found:
        if module.package not in SHARED:
            continue
        for name in module.outline.classes:
            places.setdefault(name, []).append(module.path)
    return {name: paths for name, paths in places.items() if len(paths) > 1}


def modules_at(commit: str) -> tuple[Module, ...]:
    """Return the Python files of ``ccfpy`` at an earlier commit."""

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", *words], cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout

    names = git("ls-tree", "-r", "--name-only", commit, "ccfpy").splitlines()
    return tuple(
        Module(path=name, text=git("show", f"{commit}:{name}"))
        for name in names
        if name.endswith(".py")
    )


def table(found: Sequence[Module]) -> str:
    """Return a table in Markdown of the packages and their sums."""
    count: Counter[str] = Counter()
    lines: Counter[str] = Counter()
    for module in found:
        count[module.package] += 1
        lines[module.package] += code_lines(module)
    rows = ["| package | files | lines of code |", "| --- | ---: | ---: |"]
    rows += [
        _row(package, count[package], lines[package])
        for package in sorted(count)
        if package != "__init__"
    ]
    core = [package for package in count if package in {*SHARED, "host"}]
    rows += [
        _row("**trusted and host**", _sum(count, core), _sum(lines, core)),
        _row("**all**", count.total(), lines.total()),
    ]
    return "\n".join(rows)


def _row(what: str, count: int, lines: int) -> str:
    return f"| {what} | {count} | {lines:,} |"


def _sum(counted: Counter[str], packages: Iterable[str]) -> int:
    return sum(counted[package] for package in packages)


def on_page(page: str, made: str) -> str:
    """Return the page with its table replaced.

    Raises:
        ValueError: the page has no table of sizes, or several.
    """
    text, tables = _TABLE.subn(f"{made}\n", page)
    if tables != 1:
        raise ValueError(f"the page has {tables} tables of sizes")
    return text


def outdated(page: str, made: str) -> list[str]:
    """Return the rows of the page's table that the code no longer bears out."""
    shown, now = (
        {
            name: tuple(int(each.replace(",", "")) for each in pair)
            for name, *pair in rows
        }
        for rows in (_ROW.findall(_TABLE.findall(page)[0]), _ROW.findall(made))
    )
    return [
        name
        for name in shown | now
        if name not in shown
        or name not in now
        or any(
            abs(old - new) > max(1, new / SLACK)
            for old, new in zip(shown[name], now[name], strict=True)
        )
    ]


def write() -> None:
    """Write the table into the page."""
    PAGE.write_text(on_page(PAGE.read_text(), table(modules("ccfpy"))))


def main() -> None:
    """Print the table and the names."""
    found = modules_at(sys.argv[1]) if len(sys.argv) > 1 else modules("ccfpy")
    names = sorted(shared_names(found))
    said = f"{len(names)} class names occur more than once: {', '.join(names)}"
    sys.stdout.write(f"{table(found)}\n\n{said}\n")


if __name__ == "__main__":
    main()
