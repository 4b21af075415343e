"""Wheels are built as the documents say, from what the build asks for."""

import json
import re
import subprocess
import tomllib
from hashlib import sha256
from pathlib import Path

import mypyc
import pytest
from hatchling.build import get_requires_for_build_wheel
from hatchling.metadata.core import ProjectMetadata
from hatchling.plugin.manager import PluginManager

from ccfpy.base.version import VERSION
from ccfpy.js.quickjs import VERSION as ENGINE_VERSION
from deploy.wheel.compiled import AFTER_FAILURE
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


def test_what_compiled_code_calls_after_a_failure_is_declared_by_mypyc() -> None:
    """A name that mypyc no longer has would put nothing apart, and nobody would see."""
    declared = (Path(mypyc.__file__).parent / "lib-rt/CPy.h").read_text()
    named = re.findall(r"\bCPy_\w+(?=\()", AFTER_FAILURE)
    assert named
    assert [name for name in named if f" {name}(" not in declared] == []


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


def test_the_changelog_says_when_this_version_was_released_or_that_it_was_not() -> None:
    headings = re.findall(
        r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE
    )
    released = [title for title in headings if title != "Unreleased"]
    assert headings.index("Unreleased") == 0 if "Unreleased" in headings else released
    for title in released:
        assert re.fullmatch(r"\d+\.\d+\.\d+ - \d{4}-\d\d-\d\d", title), title
    tags = subprocess.run(
        ["git", "tag", "--list", "v*"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert {tag.removeprefix("v") for tag in tags} <= {
        title.split(" - ")[0] for title in released
    }
    if released and "Unreleased" not in headings:
        assert released[0].startswith(f"{VERSION} - ")


def test_each_step_of_a_release_is_a_command() -> None:
    steps = re.split(
        r"^\d+\. ", (ROOT / "RELEASING.md").read_text(), flags=re.MULTILINE
    )
    assert len(steps) == 11
    assert all(step.count("```sh") == 1 for step in steps)


def test_workflows_run_what_is_in_the_makefile_or_a_program_of_the_checkout() -> None:
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for path in sorted((ROOT / ".github/workflows").glob("*.yml")):
        for line in re.findall(r"^ +- run: (.*)$", path.read_text(), re.MULTILINE):
            program, *words = line.split()
            if program == "make":
                assert words[0] in targets, line
            elif program == "sudo":
                assert (ROOT / words[-1]).exists(), line
            else:
                assert program == "gh" or (ROOT / program).exists(), line


def test_an_action_is_named_by_its_commit() -> None:
    """A tag can be moved; whoever moves it would run in our place."""
    for path in sorted((ROOT / ".github/workflows").glob("*.yml")):
        for used in re.findall(
            r"^ +(?:- )?uses: (.*)$", path.read_text(), re.MULTILINE
        ):
            assert re.fullmatch(r"\./\S+|[\w./-]+@[0-9a-f]{40} # v[\d.]+", used), used


def _parts(name: str) -> dict[str, dict[str, object]]:
    bill = json.loads((ROOT / f"deploy/wheel/sboms/{name}.cdx.json").read_text())
    return {part["name"]: part for part in bill["components"]}


def test_wheels_say_what_is_compiled_into_the_engine_and_into_modules() -> None:
    parts = _parts("engine")
    (engine,) = (name for name in parts if name.endswith(".wasm"))
    digest = sha256((ROOT / engine).read_bytes()).hexdigest()
    assert parts[engine]["hashes"] == [{"alg": "SHA-256", "content": digest}]
    assert parts["quickjs"]["version"] == ENGINE_VERSION
    hook = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]
    assert (
        f"mypy[mypyc]=={_parts('compiled')['mypy']['version']}" in hook["dependencies"]
    )
