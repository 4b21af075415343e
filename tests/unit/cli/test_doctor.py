import json
import socket
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

import ccfpy
from ccfpy.cli.doctor import compiled_modules
from tests.unit.cli.conftest import Command


def test_every_finding_has_a_verdict_and_bad_ones_a_remedy(command: Command) -> None:
    ended = command("doctor", "--json", "--node", "local://127.0.0.1:0")
    checks = {check["name"]: check for check in json.loads(ended.out)}
    named = {"python", "dependencies", "port", "isolation", "openssl", "modules"}
    assert named <= set(checks)
    assert ended.code == 0
    for check in checks.values():
        assert check["verdict"] in ("ok", "warn")
        assert check["found"]
        assert check["verdict"] == "ok" or check["remedy"]


def _found(command: Command, name: str) -> dict[str, str]:
    ended = command("doctor", "--json", "--node", "local://127.0.0.1:0")
    (check,) = (it for it in json.loads(ended.out) if it["name"] == name)
    assert isinstance(check, dict)
    return check


@pytest.mark.slow
def test_it_tells_which_modules_run_compiled(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "kv").mkdir()
    monkeypatch.setattr(ccfpy, "__file__", str(tmp_path / "__init__.py"))
    none = _found(command, "modules")
    assert none["found"] == "none compiled: all run from their sources"
    (tmp_path / f"kv/tx{EXTENSION_SUFFIXES[0]}").touch()
    assert _found(command, "modules")["found"] == "1 of 1 compiled"
    (tmp_path / "kv/maps.cpython-39-riscv64-linux-gnu.so").touch()
    some = _found(command, "modules")
    assert some["found"] == "1 of 2 compiled; run from their sources: kv/maps.py"
    assert some["verdict"] == "warn"
    assert "--force-reinstall" in some["remedy"]
    for name in ("names", "store", "versions"):
        (tmp_path / f"kv/{name}.so.gone.so").touch()
    many = _found(command, "modules")["found"]
    assert many.endswith("kv/maps.py, kv/names.py, kv/store.py and 1 more")
    monkeypatch.setenv(ccfpy.PURE_VARIABLE, "1")
    assert _found(command, "modules")["found"] == "5 compiled, but CCFPY_PURE is 1"


@pytest.mark.slow
def test_an_engine_that_is_installed_but_does_not_load_is_a_failure(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _found(command, "wasmtime")["found"].endswith(" loads")
    (tmp_path / "wasmtime.py").write_text("raise RuntimeError('unsupported platform')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "wasmtime")
    found = _found(command, "wasmtime")
    assert found["verdict"] == "fail"
    assert found["found"] == "does not load: unsupported platform"
    assert found["remedy"]


def test_a_port_that_is_taken_is_a_warning(command: Command) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        ended = command("doctor", "--node", f"local://127.0.0.1:{port}")
    assert ended.code == 0
    (line,) = (line for line in ended.out.splitlines() if "port:" in line)
    assert line.startswith("warn port: ")
    assert "is taken" in line
    assert "--node" in line


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
