import json
import socket
from pathlib import Path

import pytest

import ccfpy
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


@pytest.mark.slow
def test_it_tells_whether_modules_are_compiled(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found() -> object:
        ended = command("doctor", "--json", "--node", "local://127.0.0.1:0")
        (check,) = (it for it in json.loads(ended.out) if it["name"] == "modules")
        return check["found"]

    (tmp_path / "kv").mkdir()
    monkeypatch.setattr(ccfpy, "__file__", str(tmp_path / "__init__.py"))
    assert found() == "none compiled: all run from their sources"
    (tmp_path / "kv" / "tx.cpython-311-x86_64-linux-gnu.so").touch()
    assert found() == "1 compiled"
    monkeypatch.setenv(ccfpy.PURE_VARIABLE, "1")
    assert found() == "1 compiled, but CCFPY_PURE is 1"


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
