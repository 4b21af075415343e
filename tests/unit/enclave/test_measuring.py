"""The measurement covers all code of the trusted process, and nothing else."""

import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import ccfpy
from ccfpy.enclave import measuring
from ccfpy.enclave.measuring import (
    COMPILED,
    FRAMEWORK,
    LIBRARIES,
    NotMeasured,
    application_files,
    dependencies,
    framework_digest,
    measure,
    node_interface,
    package_name,
)
from tests.house.tree import ROOT

LOADED = """
import os, sys
os.environ.pop("CCF_PLATFORM_OVERRIDE", None)
import ccfpy.enclave.__main__, ccfpy.toolkit.enclave.__main__
from ccfpy.enclave.assembly import build_node
build_node("logging")
for name, module in list(sys.modules.items()):
    print(name, getattr(module, "__file__", None) or "")
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The modules of a process that serves an application, with their files."""
    home = tmp_path_factory.mktemp("home")
    out = subprocess.run(
        [sys.executable, "-P", "-c", LOADED],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        env={"HOME": str(home), "PYTHONPATH": str(Path(ccfpy.__file__).parents[1])},
    ).stdout
    rows = (line.partition(" ") for line in out.splitlines())
    return {name: file for name, _, file in rows}


@pytest.mark.newest
def test_all_of_ccfpy_that_a_node_loads_is_measured(loaded: dict[str, str]) -> None:
    package = Path(ccfpy.__file__).parent
    # An application that travels with an installed ccfpy is measured as any other.
    measured = [package / name for name in (*FRAMEWORK, "share")]
    assert not [
        file
        for file in loaded.values()
        if Path(file).is_relative_to(package)
        and not any(Path(file).is_relative_to(each) for each in measured)
    ]


def test_every_library_that_a_node_loads_is_measured_by_its_version(
    loaded: dict[str, str],
) -> None:
    of_others = {
        name.partition(".")[0]
        for name, file in loaded.items()
        if "site-packages" in file and not name.startswith(("apps", "ccfpy"))
    }
    providers = packages_distributions()
    # What a virtual environment itself puts in, and parts of compiled modules.
    known = {name for name in of_others if name in providers}
    packages = {package_name(it) for name in known for it in providers[name]}
    assert packages - {"setuptools", "ccfpy"} <= dependencies().keys()
    assert {package_name(name) for name in LIBRARIES} <= packages
    assert "absent" not in dependencies().values()


@pytest.fixture
def application(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    (folder / "inner").mkdir(parents=True)
    (folder / "__init__.py").write_text("app = 1\n")
    (folder / "inner/data.bin").write_bytes(b"data")
    return folder


def test_every_file_of_an_application_counts(application: Path) -> None:
    before = measure(application)
    assert sorted(before.application) == ["__init__.py", "inner/data.bin"]
    (application / "inner/data.bin").write_bytes(b"datb")
    assert measure(application).unique_id != before.unique_id
    (application / "inner/data.bin").write_bytes(b"data")
    assert measure(application) == before
    (application / "more.py").write_text("")
    assert measure(application).unique_id != before.unique_id


def test_caches_and_hidden_files_do_not(application: Path) -> None:
    before = application_files(application)
    for name in ("__pycache__/x.pyc", ".git/config", "node_modules/a/b.js"):
        (application / name).parent.mkdir(parents=True, exist_ok=True)
        (application / name).write_text("x")
    (application / ".hidden").write_text("x")
    assert application_files(application) == before


def test_a_single_file_is_measured_alone(application: Path) -> None:
    (application.parent / "beside.py").write_text("")
    single = application.parent / "single.py"
    single.write_text("app = 1\n")
    assert list(application_files(single)) == ["single.py"]


def test_where_it_lies_makes_no_difference(application: Path, tmp_path: Path) -> None:
    moved = application.rename(tmp_path / "elsewhere")
    assert sorted(application_files(moved)) == ["__init__.py", "inner/data.bin"]


def test_interface_and_configuration_count(application: Path) -> None:
    ids = {
        measure(application).unique_id,
        measure(application, interface=bytes(32)).unique_id,
        measure(application, configuration={"a": 1}).unique_id,
    }
    assert len(ids) == 3
    assert measure(application).interface == node_interface()


def test_the_framework_counts_without_its_prose(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "ccfpy"
    for name in FRAMEWORK:
        if name.endswith(".py"):
            continue
        (package / name).mkdir(parents=True)
        (package / name / "__init__.py").write_text(name)
    for name in ("__init__.py", "app.py", "toolkit/__init__.py"):
        (package / name).write_text("")
    monkeypatch.setattr(ccfpy, "__file__", str(package / "__init__.py"))
    before = framework_digest()
    (package / "kv/README.md").write_text("prose")
    (package / "host").mkdir()
    (package / "host/__init__.py").write_text("untrusted")
    assert framework_digest() == before
    (package / "kv/__init__.py").write_text("changed")
    changed = framework_digest()
    (tmp_path / f"{COMPILED}.so").write_text("compiled")
    assert len({before, changed, framework_digest()}) == 3


def test_what_cannot_be_read_is_named(application: Path) -> None:
    (application / "inner/gone").symlink_to(application / "nowhere")
    assert "inner/gone" not in application_files(application)
    with pytest.raises(NotMeasured, match=r"cannot measure .*nowhere"):
        measuring._digest(application / "nowhere")
