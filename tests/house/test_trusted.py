"""Checks that import contracts cannot make: ways around them inside trusted code."""

import ast
import subprocess
import sys

import pytest

from tests.house.tree import ROOT, TRUSTED, Module, modules

DOORS = ("__import__", "open", "eval", "exec", "compile", "input", "print")
REACH_C = ("ccfpy/js/quickjs/native.py",)
"""WebAssembly's memory."""
MODULES = ("importlib", "builtins", "ctypes", "pickle", "marshal", "sys")
CLOCKS = {"now", "utcnow", "today"}

_ALLOWED = {("ctypes", path) for path in REACH_C}

INTERFACES = "ccfpy/toolkit/interfaces/"
"""Packages that are trusted as the boundary is, although no node uses them."""

EDGE = ("typer", "rich", "pydantic", "aiohttp", "click", "ccfpy.host", "ccfpy.cli")


def _trusted(*also: str) -> list[Module]:
    packages = {*TRUSTED, *also}
    return [
        module
        for module in modules("ccfpy")
        if module.package in packages or module.path.startswith(INTERFACES)
    ]


def test_trusted_code_opens_no_side_door() -> None:
    opened = [call for module in _trusted("crypto") for call in module.calls(*DOORS)]
    assert not opened


def test_trusted_code_imports_no_module_that_reaches_around_the_contracts() -> None:
    reached = [
        f"{module.path}: {name}"
        for module in _trusted("crypto")
        for name in module.outline.imports
        if (name.split(".")[0] in MODULES and (name, module.path) not in _ALLOWED)
        or (name == "io" and "io.BytesIO" not in module.outline.imports)
        or (name.startswith("io.") and name != "io.BytesIO")
    ]
    assert not reached


def test_trusted_code_does_not_ask_datetime_for_the_time() -> None:
    asked = [
        f"{module.path}:{node.lineno}: {node.func.attr}()"
        for module in _trusted("crypto")
        for node in ast.walk(module.parse())
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in CLOCKS
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in {"datetime", "date", "dt"}
    ]
    assert not asked


def test_the_enclave_process_loads_nothing_made_for_the_edge() -> None:
    code = "import sys, ccfpy.enclave.__main__; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert "ccfpy.enclave.__main__" in loaded
    assert not set(EDGE) & set(loaded)


@pytest.mark.parametrize("flag", ["-O", "-OO"])
def test_ccfpy_refuses_to_run_without_its_assertions(flag: str) -> None:
    refused = subprocess.run(
        [sys.executable, flag, "-c", "import ccfpy.base.ids"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert refused.returncode != 0
    assert "without -O" in refused.stderr
