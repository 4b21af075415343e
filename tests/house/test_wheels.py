"""Wheels are built as the documents say, from what the build asks for."""

import re
import subprocess
import tomllib

import pytest
from hatchling.build import get_requires_for_build_wheel
from hatchling.metadata.core import ProjectMetadata
from hatchling.plugin.manager import PluginManager

from ccfpy.base.version import VERSION
from tests.house.tree import ROOT

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
HOOK = "HATCH_BUILD_HOOK_ENABLE_CUSTOM"


def _names(requirements: list[str]) -> set[str]:
    found = (re.match(r"[\w.-]+", item) for item in requirements)
    return {match[0].lower() for match in found if match}


def test_a_build_that_compiles_asks_for_what_the_compiled_modules_import(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without the libraries, mypy refuses a name of theirs that is used as a type."""
    monkeypatch.chdir(ROOT)
    assert not get_requires_for_build_wheel()
    monkeypatch.setenv(HOOK, "1")
    dependencies = _names(PYPROJECT["project"]["dependencies"])
    asked = _names(get_requires_for_build_wheel())
    assert asked == dependencies | {"mypy", "setuptools"}


def test_make_wheel_types_the_command_of_the_page_on_compiled_modules() -> None:
    page = (ROOT / "docs/compiled.md").read_text()
    command = rf"^{HOOK}=1 python (-m pip wheel .*)$"
    (documented,) = re.findall(command, page, re.MULTILINE)
    typed = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", "wheel", "BIN=here"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert f"{HOOK}=1 here/python {documented}\n" in typed


def test_a_wheel_has_the_version_that_the_software_says() -> None:
    assert "version" not in PYPROJECT["project"]
    assert ProjectMetadata(str(ROOT), PluginManager()).version == VERSION
