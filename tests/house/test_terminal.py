"""Commands write to a terminal through two modules, which mark what others chose.

``ccfpy/cli/output.py`` writes, and ``ccfpy/cli/terminal.py`` draws. A call of ``print``
elsewhere could show a stranger's text as it is.
"""

import ast
from collections.abc import Iterator, Mapping

import pytest

from tests.house.tree import Module, modules

MAY: Mapping[str, frozenset[str]] = {
    "ccfpy/cli/output.py": frozenset({"sys.stdout", "sys.stderr", "typer.prompt"}),
    "ccfpy/cli/terminal.py": frozenset({"rich.console.Console", "rich.text.Text"}),
}
"""What the two modules do, and nobody else."""
WRITES = frozenset(
    {"print", "sys.stdout", "sys.stderr", "os.write", "rich.print"}
    | {
        f"{library}.{how}"
        for library in ("typer", "click")
        for how in ("echo", "secho")
    }
    | {"rich.console.Console", "rich.text.Text"}
)
DRAWS = frozenset({"Progress", "Live", "Status"})
"""What rich draws on a console of its own, if none is given."""


def _used(module: Module) -> Iterator[tuple[int, str]]:
    """Yield the names that a module uses, with what it imports, and their lines."""
    for node in ast.walk(module.parse()):
        match node:
            case ast.Name(id=name):
                yield node.lineno, name
            case ast.Attribute(value=ast.Name(id=name), attr=attribute):
                yield node.lineno, f"{name}.{attribute}"
            case ast.ImportFrom(module=str(source), names=names):
                for alias in names:
                    yield node.lineno, f"{source}.{alias.name}"
            case _:
                pass


def _faults(module: Module) -> Iterator[str]:
    forbidden = WRITES - MAY.get(module.path, frozenset())
    for line, name in _used(module):
        if name in forbidden:
            yield f"{module.path}:{line}: {name}"
    for node in ast.walk(module.parse()):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            given = {keyword.arg for keyword in node.keywords}
            if node.func.id in DRAWS and "console" not in given:
                yield f"{module.path}:{node.lineno}: {node.func.id} without a console"


def test_commands_write_through_two_modules() -> None:
    commands = [m for m in modules("ccfpy") if m.package == "cli"]
    assert [fault for module in commands for fault in _faults(module)] == []


def test_libraries_print_nothing() -> None:
    found = [
        f"{module.path}:{line}"
        for module in modules("ccfpy")
        for line, name in _used(module)
        if name == "print"
    ]
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        "print(f'{x}')",
        "say = functools.partial(print, flush=True)",
        "import sys\nsys.stdout.write(x)",
        "import typer\ntyper.echo(x)",
        "def f():\n    from rich.console import Console",
        "from rich import print",
        "from rich.text import Text",
        "Live(x)",
    ],
)
def test_a_module_that_writes_by_itself_is_found(text: str) -> None:
    assert list(_faults(Module(path="ccfpy/cli/x.py", text=text)))
