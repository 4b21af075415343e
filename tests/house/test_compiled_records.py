"""A compiled dataclass looks up the types of its fields when its module is loaded.

At this moment a type that was imported for type checking alone is missing. If the type
is a compiled class as well, mypyc looks it up without a check, and the process ends.
"""

import ast
import re
import tomllib
from collections.abc import Iterator

from deploy.wheel.compiled import modules as compiled_files
from tests.house.tree import ROOT, Module, modules


def _compiled() -> frozenset[str]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    hook = settings["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]
    return frozenset(compiled_files(ROOT, hook))


def _checked_only(module: Module, sources: frozenset[str]) -> set[str]:
    """Return the names imported from compiled modules for type checking alone."""
    return {
        alias.name
        for statement in module.parse().body
        if isinstance(statement, ast.If)
        and ast.unparse(statement.test) == "TYPE_CHECKING"
        for node in ast.walk(statement)
        if isinstance(node, ast.ImportFrom)
        and f"{(node.module or '').replace('.', '/')}.py" in sources
        for alias in node.names
    }


def _fields(module: Module) -> Iterator[tuple[str, str]]:
    """Return the fields of a module's dataclasses, with their types."""
    for node in ast.walk(module.parse()):
        if isinstance(node, ast.ClassDef) and any(
            "dataclass" in ast.unparse(each) for each in node.decorator_list
        ):
            for field in node.body:
                if isinstance(field, ast.AnnAssign):
                    place = f"{module.path}: {node.name}.{ast.unparse(field.target)}"
                    yield place, ast.unparse(field.annotation)


def test_a_compiled_record_has_the_types_of_its_fields_at_hand() -> None:
    compiled = _compiled()
    read = [module for module in modules("ccfpy") if module.path in compiled]
    assert len(read) == len(compiled)
    missing = [
        place
        for module in read
        if (names := _checked_only(module, compiled))
        for place, annotation in _fields(module)
        if names & set(re.findall(r"\w+", annotation))
    ]
    assert not missing
