"""An installation contains everything that ccfpy needs at run time, and no more."""

import base64
import csv
import ctypes
import hashlib
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any

import pytest
from hatchling.metadata.core import ProjectMetadata

from ccfpy.base.version import VERSION
from deploy.wheel.compiled import PARTS, CompiledModules, NotCompiled
from deploy.wheel.split import is_of_client, settings, split
from tests.house.tree import ROOT, files, modules

# These tests build wheels and compile modules.
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a wheel that is built from the tree as it is."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d"]
    subprocess.run([*command, folder], cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(built: Path) -> frozenset[str]:
    """Return the names in the wheel."""
    with zipfile.ZipFile(built) as archive:
        return frozenset(archive.namelist())


@pytest.fixture(scope="module")
def parts(
    built: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[zipfile.ZipFile, zipfile.ZipFile]:
    """Return the client's wheel, and the wheel of everything else."""
    client, others = split(built, tmp_path_factory.mktemp("split"))
    assert re.fullmatch(r"ccfpy_client-[\d.]+-py3-none-any\.whl", client.name)
    assert others.name == built.name
    return zipfile.ZipFile(client), zipfile.ZipFile(others)


def _tracked(top: str) -> set[str]:
    names = (path.relative_to(ROOT) for path in files())
    return {name.as_posix() for name in names if name.parts[0] == top}


def test_the_wheel_holds_the_package(wheel: frozenset[str]) -> None:
    assert _tracked("ccfpy") <= wheel


@pytest.mark.parametrize("top", ["governance", "apps"])
def test_the_wheel_carries_what_travels_with_it(
    wheel: frozenset[str], top: str
) -> None:
    shared = _tracked(top)
    assert shared
    assert {f"ccfpy/share/{name}" for name in shared} <= wheel


def test_the_wheel_holds_nothing_else(wheel: frozenset[str]) -> None:
    tops = {Path(name).parts[0].split("-")[0] for name in wheel}
    assert tops == {"ccfpy"}
    strays = {name for name in wheel if "__pycache__" in name or "/tests/" in name}
    assert not strays


def test_the_wheel_lists_what_is_compiled_into_the_engine(
    wheel: frozenset[str],
) -> None:
    lists = {name.partition(".dist-info/")[2] for name in wheel if "/sboms/" in name}
    assert lists == {"sboms/engine.cdx.json"}


def test_the_wheel_holds_nothing_of_the_lab(wheel: frozenset[str]) -> None:
    lab = {path.name for path in (ROOT / "tests/lab").iterdir() if path.is_dir()}
    assert {"cluster", "scenario", "attacks", "faults", "consistency"} <= lab
    kit = {Path(name).parts[2] for name in wheel if name.startswith("ccfpy/testing/")}
    assert not kit & lab


def test_nothing_that_ships_imports_the_tests() -> None:
    strays = [
        f"{module.path} imports {name}"
        for module in modules("ccfpy", "apps")
        for name in sorted(module.outline.imports)
        if name.split(".")[0] == "tests"
    ]
    assert not strays


def test_each_file_is_in_one_of_two_wheels(
    wheel: frozenset[str], parts: tuple[zipfile.ZipFile, zipfile.ZipFile]
) -> None:
    client, others = ({*part.namelist()} for part in parts)
    assert not client & others
    about = {name for name in client | others | wheel if ".dist-info/" in name}
    assert (client | others) - about == wheel - about
    ours = {name.removeprefix("ccfpy/") for name in client - about}
    assert all(is_of_client(name, settings()) for name in ours)
    assert {"__init__.py", "py.typed", "cli/main.py", "ledger/merkle.py"} <= ours
    assert not any(name.startswith(("node/", "host/", "js/")) for name in ours)


def _described(part: zipfile.ZipFile, file: str) -> str:
    (name,) = (n for n in part.namelist() if n.endswith(f".dist-info/{file}"))
    return part.read(name).decode()


def test_ccfpy_needs_the_client_of_its_own_version_and_brings_no_second_program(
    parts: tuple[zipfile.ZipFile, zipfile.ZipFile],
) -> None:
    client, others = parts
    assert f"Requires-Dist: ccfpy-client=={VERSION}\n" in _described(others, "METADATA")
    assert "console_scripts" not in _described(others, "entry_points.txt")
    assert "pytest11" in _described(others, "entry_points.txt")
    needed = _described(client, "METADATA")
    assert f"Name: ccfpy-client\nVersion: {VERSION}\n" in needed
    libraries = ("wasmtime", "uvloop", "h2", "httptools", "msgpack", "pydantic")
    assert not [name for name in libraries if f"Requires-Dist: {name}" in needed]
    assert _described(client, "entry_points.txt") == (
        "[console_scripts]\nccfpy = ccfpy.cli.main:main\n"
    )


def test_the_records_of_both_wheels_list_every_file_with_its_digest(
    parts: tuple[zipfile.ZipFile, zipfile.ZipFile],
) -> None:
    for part in parts:
        rows = list(csv.reader(_described(part, "RECORD").splitlines()))
        assert sorted(name for name, *_ in rows) == sorted(part.namelist())
        for name, digest, size in rows:
            if not name.endswith("/RECORD"):
                found = hashlib.sha256(part.read(name)).digest()
                given = digest.removeprefix("sha256=")
                assert base64.urlsafe_b64decode(given + "=") == found, name
                assert int(size) == len(part.read(name))


OTHER = ".cpython-39-riscv64-linux-gnu.so"
"""The suffix of another processor."""

MEASURED = """
import ccfpy
from ccfpy.enclave.application import find_application
from ccfpy.enclave.measuring import measure
print(ccfpy.__file__)
print(measure(find_application("logging")).unique_id.hex())
"""


def test_what_is_installed_measures_as_the_checkout(
    parts: tuple[zipfile.ZipFile, zipfile.ZipFile], tmp_path: Path
) -> None:
    """A person who signed an enclave with one of them may run it with the other."""
    installed = tmp_path / "site-packages"
    for part in parts:
        part.extractall(installed)
    found = []
    for root in (installed, ROOT):
        said = subprocess.run(
            [sys.executable, "-c", MEASURED],
            cwd=tmp_path,
            env={"PYTHONPATH": str(root)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split()
        assert Path(said[0]).is_relative_to(root)
        found.append(said[1])
    assert found[0] == found[1]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return the library that a small module is compiled into.

    The files are named as for another processor.
    """
    place = tmp_path_factory.mktemp("small")
    (place / "ccfpy").mkdir()
    (place / "ccfpy/small.py").write_text(
        "def half(n: int) -> int:\n    return n // 2\n"
    )
    hook = _hook(place, "ccfpy/small.py")
    made: dict[str, Any] = {"force_include": {}, "sbom_files": []}
    with pytest.MonkeyPatch.context() as patch:
        # Quickly made. At level 0, mypyc turns assertions in C on.
        patch.setenv("MYPYC_OPT_LEVEL", "1")
        patch.setenv("SETUPTOOLS_EXT_SUFFIX", OTHER)
        patch.setenv("CCFPY_WHEEL_PLATFORM", "linux_riscv64")
        hook.initialize("standard", made)
    assert made["sbom_files"] == [PARTS]
    assert (ROOT / PARTS).is_file()
    assert str(made["tag"]).endswith("-linux_riscv64")
    try:
        (shared,) = (
            Path(path)
            for path, name in made["force_include"].items()
            if name.startswith("ccfpy_compiled")
        )
        yield shared
    finally:
        hook.finalize("standard", {}, "")


def test_what_is_compiled_can_be_named_by_python_alone(library: Path) -> None:
    """So that compiled functions call each other directly, and not a replacement."""
    loaded = ctypes.CDLL(str(library))
    assert hasattr(loaded, "PyInit_ccfpy_compiled__mypyc")
    assert not hasattr(loaded, "CPyDef_half")


def test_what_is_compiled_names_no_file_of_the_machine_that_compiled(
    library: Path,
) -> None:
    """Else its bytes would depend on that machine. Assertions in C name their file."""
    text = library.read_bytes()
    assert not [name for name in re.findall(rb"[\w./-]+\.[hc]\b", text) if b"/" in name]
    assert b"__assert_fail" not in text


def test_what_is_compiled_for_another_processor_names_its_files_so(
    library: Path,
) -> None:
    """Python ignores a file with the suffix of another processor."""
    assert library.name.endswith(OTHER)
    text = library.read_bytes()
    assert OTHER.encode() in text
    assert EXTENSION_SUFFIXES[0].encode() not in text


def test_of_what_could_not_be_compiled_no_copy_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ccfpy").mkdir()
    (tmp_path / "ccfpy/broken.py").write_text("1: int = this is no Python")
    copies = tmp_path / "copies"
    copies.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(copies))
    for name in ("ccfpy/absent.py", "ccfpy/broken.py"):
        hook = _hook(tmp_path, name)
        with pytest.raises(NotCompiled):
            hook.initialize("standard", {"force_include": {}})
        assert not list(copies.iterdir())


def _hook(root: Path, module: str) -> CompiledModules:
    return CompiledModules(
        str(root),
        {"modules": [module]},
        None,
        ProjectMetadata(str(root), None),
        str(root),
        "wheel",
    )
