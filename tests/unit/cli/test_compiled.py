from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

from ccfpy.cli.compiled import compiled_modules

SUFFIX = EXTENSION_SUFFIXES[0]
OTHER = ".cpython-39-riscv64-linux-gnu.so"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    package = tmp_path / "ccfpy"
    (package / "kv").mkdir(parents=True)
    for name in ("app.py", "kv/tx.py", "kv/maps.py"):
        (package / name).touch()
    return package


def test_a_package_of_sources_has_no_compiled_modules(package: Path) -> None:
    assert compiled_modules(package) == {}


def test_a_module_runs_compiled_if_python_loads_the_file(package: Path) -> None:
    (package / f"app{SUFFIX}").touch()
    (package / f"kv/tx{SUFFIX}").touch()
    assert compiled_modules(package) == {"app.py": True, "kv/tx.py": True}


def test_a_file_for_another_python_or_processor_is_not_loaded(package: Path) -> None:
    (package / f"kv/tx{SUFFIX}").touch()
    (package / f"kv/maps{OTHER}").touch()
    assert compiled_modules(package) == {"kv/maps.py": False, "kv/tx.py": True}


def test_a_file_that_pip_installed_and_that_is_gone_is_missed(package: Path) -> None:
    information = package.parent / "ccfpy-0.1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Name: ccfpy\nVersion: 0.1.0\n")
    library = f"ccfpy_compiled__mypyc{SUFFIX}"
    installed = ("ccfpy/app.py", f"ccfpy/kv/tx{SUFFIX}", library)
    (information / "RECORD").write_text("".join(f"{name},,\n" for name in installed))
    assert compiled_modules(package) == {"kv/tx.py": False}
