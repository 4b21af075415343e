"""The repository as the house tests see it: its files, its modules, their imports."""

import ast
import subprocess
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]

TRUSTED: Final = (
    "node",
    "gov",
    "js",
    "endpoints",
    "http",
    "service",
    "ledger",
    "consensus",
    "attestation",
    "boundary",
    "kv",
    "base",
)
"""The packages whose code is a function of its arguments: no I/O, clock or dice."""

AST = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def files() -> tuple[Path, ...]:
    """List every file that is, or is about to be, under version control."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    paths = (ROOT / name for name in listed.split("\0") if name)
    return tuple(sorted(path for path in paths if path.is_file()))


@cache
def texts() -> tuple[tuple[str, str], ...]:
    """List every text file as its name from the root and its content."""
    found = []
    for path in files():
        data = path.read_bytes()
        if b"\0" not in data:
            text = data.decode("utf-8", errors="replace")
            found.append((path.relative_to(ROOT).as_posix(), text))
    return tuple(found)


@dataclass(frozen=True)
class Module:
    """One Python file and its syntax tree."""

    path: str
    text: str

    @property
    def name(self) -> str:
        """The dotted name under which it is imported."""
        dotted = self.path.removesuffix(".py").replace("/", ".")
        return dotted.removesuffix(".__init__")

    @property
    def package(self) -> str:
        """The package below ``ccfpy`` that it belongs to, or an empty string."""
        parts = self.path.split("/")
        return parts[1].removesuffix(".py") if parts[0] == "ccfpy" else ""

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax tree."""
        return ast.parse(self.text, self.path)

    @cached_property
    def imports(self) -> frozenset[str]:
        """Every name it imports, ``from a import b`` giving both ``a`` and ``a.b``."""
        names: set[str] = set()
        for node in ast.walk(self.tree):
            match node:
                case ast.Import():
                    names.update(alias.name for alias in node.names)
                case ast.ImportFrom(module=str(source)):
                    names.add(source)
                    names.update(f"{source}.{alias.name}" for alias in node.names)
                case _:
                    pass
        return frozenset(names)

    @property
    def functions(self) -> list[AST]:
        """Every function and method, nested ones too."""
        return [
            node
            for node in ast.walk(self.tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        ]

    @property
    def behaves(self) -> bool:
        """Whether any of its functions does something: not so for bare declarations."""
        return any(
            not isinstance(statement, ast.Expr)
            or not isinstance(statement.value, ast.Constant)
            for function in self.functions
            for statement in function.body
        )

    def calls(self, *names: str) -> list[str]:
        """Say where it calls one of the built-in functions ``names``."""
        return [
            f"{self.path}:{node.lineno}: {node.func.id}()"
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in names
        ]


@cache
def modules(*tops: str) -> tuple[Module, ...]:
    """List the Python files below the folders ``tops``."""
    return tuple(
        Module(path=path, text=text)
        for path, text in texts()
        if path.endswith(".py") and path.split("/")[0] in tops
    )
