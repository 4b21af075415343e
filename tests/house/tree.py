"""The repository as the house tests see it: its files, its modules, their imports."""

import ast
import subprocess
from collections import deque
from collections.abc import Iterator
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
"""The packages whose code is a function of its arguments: no I/O, clock or
randomness."""

AST = ast.FunctionDef | ast.AsyncFunctionDef
DOCUMENTED: Final = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
"""The statements that may have a docstring."""

_BLOCKS: Final = ("body", "orelse", "finalbody", "handlers", "cases")
"""The fields in which a statement contains others."""


@cache
def files() -> tuple[Path, ...]:
    """List every file that is under version control, or will be with the next
    commit."""
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


@dataclass(frozen=True, slots=True)
class Function:
    """A function or method, also a nested one.

    Attributes:
        place: its file and line.
        name: its name, without the name of its class.
        lines: the number of its lines.
    """

    place: str
    name: str
    lines: int


@dataclass(frozen=True, slots=True)
class Outline:
    """The parts of a Python file that most house tests need.

    Attributes:
        imports: every name that the file imports; ``from a import b`` yields ``a`` and
            ``a.b``.
        functions: each function that it defines.
        classes: the name of each class that it defines.
        docstring: the module's own docstring, if it has one.
        docstrings: the docstrings of the module, its classes and its functions.
    """

    imports: frozenset[str]
    functions: tuple[Function, ...]
    classes: tuple[str, ...]
    docstring: str | None
    docstrings: tuple[str, ...]


@dataclass(frozen=True)
class Module:
    """One Python file; its outline is kept, but not its syntax tree.

    The trees of all files are so many objects that Python's garbage collector would
    take five times as long as the parser.
    """

    path: str
    text: str

    @property
    def name(self) -> str:
        """Return the dotted name under which the module is imported."""
        dotted = self.path.removesuffix(".py").replace("/", ".")
        return dotted.removesuffix(".__init__")

    @property
    def package(self) -> str:
        """Return the package below ``ccfpy`` that contains the module, or an empty
        string."""
        parts = self.path.split("/")
        return parts[1].removesuffix(".py") if parts[0] == "ccfpy" else ""

    def parse(self) -> ast.Module:
        """Parse the file into its syntax tree."""
        return ast.parse(self.text, self.path)

    @cached_property
    def outline(self) -> Outline:
        """Return the module's imports, definitions and docstrings."""
        imports: set[str] = set()
        functions: list[Function] = []
        classes: list[str] = []
        docstrings: list[str] = []
        tree = self.parse()
        for node in statements(tree):
            match node:
                case ast.Import():
                    imports.update(alias.name for alias in node.names)
                case ast.ImportFrom(module=str(source)):
                    imports.add(source)
                    imports.update(f"{source}.{alias.name}" for alias in node.names)
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    functions.append(self._function(node))
                case ast.ClassDef():
                    classes.append(node.name)
                case _:
                    pass
            if isinstance(node, DOCUMENTED):
                docstring = ast.get_docstring(node, clean=False)
                docstrings += [] if docstring is None else [docstring.strip()]
        return Outline(
            imports=frozenset(imports),
            functions=tuple(functions),
            classes=tuple(classes),
            docstring=ast.get_docstring(tree),
            docstrings=tuple(docstrings),
        )

    def _function(self, node: AST) -> Function:
        return Function(
            place=f"{self.path}:{node.lineno}",
            name=node.name,
            lines=(node.end_lineno or 0) - node.lineno + 1,
        )

    def calls(self, *names: str) -> list[str]:
        """Yield the places where the module calls one of the built-in functions
        ``names``."""
        if not any(name in self.text for name in names):
            return []
        return [
            f"{self.path}:{node.lineno}: {node.func.id}()"
            for node in ast.walk(self.parse())
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in names
        ]


def statements(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield a module and its statements, outer ones first, without expressions."""
    left: deque[ast.AST] = deque([tree])
    while left:
        node = left.popleft()
        yield node
        for field in _BLOCKS:
            block = getattr(node, field, None)
            if isinstance(block, list):
                left += block


@cache
def modules(*tops: str) -> tuple[Module, ...]:
    """List the Python files below the folders ``tops``."""
    return tuple(
        Module(path=path, text=text)
        for path, text in texts()
        if path.endswith(".py") and path.split("/")[0] in tops
    )
