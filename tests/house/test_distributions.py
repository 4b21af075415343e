"""The distribution ``ccfpy-client`` needs nothing that it does not have."""

import ast
import sys
from collections.abc import Iterator
from typing import Final

import pytest

from ccfpy.cli.main import COMMANDS
from deploy.wheel.split import is_of_client, requirements, settings
from tests.house.test_dependencies import DISTRIBUTIONS, EXTRAS
from tests.house.test_dependencies import _name as name_of
from tests.house.tree import ROOT, Module, files, modules

SAID: Final = settings()
MODULES: Final = {module.name: module for module in modules("ccfpy")}
CLIENT: Final = {
    name
    for name, module in MODULES.items()
    if is_of_client(module.path.removeprefix("ccfpy/"), SAID)
}
MODELS: Final = {"pydantic", "msgspec"}
"""Libraries that are imported where an application has imported them before."""


def _imports(module: Module) -> Iterator[str]:
    """Yield the names that a module imports when it runs, in its functions too."""
    left: list[ast.AST] = [module.parse()]
    while left:
        node = left.pop()
        match node:
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                left += node.orelse
                continue
            case ast.Import():
                yield from (alias.name for alias in node.names)
            case ast.ImportFrom(module=str(source)):
                for alias in node.names:
                    whole = f"{source}.{alias.name}"
                    yield whole if whole in MODULES else source
            case _:
                pass
        left += ast.iter_child_nodes(node)


def _is_beyond(name: str) -> bool:
    return any(f"{name}.".startswith(f"{each}.") for each in SAID["beyond"])


def _strays() -> Iterator[tuple[str, str]]:
    """Yield each module of the client with each module of others that it imports."""
    for name in sorted(CLIENT):
        for imported in _imports(MODULES[name]):
            is_ours = imported in MODULES and imported not in CLIENT
            is_command = name == "ccfpy.cli.main" and imported.startswith("ccfpy.cli.")
            if is_ours and not is_command:
                yield name, imported


def test_the_client_imports_modules_of_its_own_alone() -> None:
    strays = [
        f"{name} imports {imported}"
        for name, imported in _strays()
        if not _is_beyond(imported)
    ]
    assert strays == [], "see tool.ccfpy.client in pyproject.toml"


def test_what_only_some_commands_need_is_imported_in_functions_alone() -> None:
    needed = {imported for _, imported in _strays()}
    for each in SAID["beyond"]:
        assert any(f"{name}.".startswith(f"{each}.") for name in needed), each
    for name, imported in _strays():
        top = [node for node in MODULES[name].parse().body if _is_import(node)]
        assert not any(imported in ast.unparse(node) for node in top), name


def _is_import(node: ast.stmt) -> bool:
    return isinstance(node, ast.Import | ast.ImportFrom)


def test_the_client_needs_the_libraries_that_it_imports_and_no_other() -> None:
    imported = {
        name.split(".")[0] for each in CLIENT for name in _imports(MODULES[each])
    }
    optional = {
        name_of(item).lower() for extra in SAID["extras"] for item in EXTRAS[extra]
    }
    needed = {name_of(item).lower() for item in requirements(SAID)}
    assert len(needed) == len(SAID["requires"])
    found = {
        package.lower()
        for name in imported - sys.stdlib_module_names - {"ccfpy"} - MODELS
        for package in DISTRIBUTIONS.get(name, [name])
    }
    assert found - optional == needed
    assert optional <= found


@pytest.mark.parametrize("kind", ["files", "except"])
def test_every_pattern_names_files(kind: str) -> None:
    paths = [path.relative_to(ROOT).as_posix() for path in files()]
    for pattern in SAID[kind]:
        one = {"files": [pattern], "except": []}
        assert any(is_of_client(p.removeprefix("ccfpy/"), one) for p in paths), pattern


def test_a_command_is_in_the_module_of_its_name() -> None:
    """So that help knows which are installed, and loads none."""
    assert [name for name in COMMANDS if f"ccfpy.cli.{name}" not in MODULES] == []
