import subprocess
import sys
from pathlib import Path

import pytest

from ccfpy.base.version import VERSION
from ccfpy.cli import entries
from ccfpy.cli.main import COMMANDS
from tests.unit.audit.made import written
from tests.unit.cli.conftest import Command
from tests.unit.ledger.made import small_ledger


def _modules_after(*words: str) -> set[str]:
    code = (
        "import sys; from ccfpy.cli.main import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_help_lists_every_command_and_loads_none() -> None:
    loaded = _modules_after("--help")
    assert set(COMMANDS) <= loaded
    assert "typer" in loaded
    assert not {"aiohttp", "cryptography", "pydantic"} & loaded
    assert not {"ccfpy.cli.ledger", "ccfpy.client.connection"} & loaded


def test_a_node_loads_no_command_line_library() -> None:
    loaded = _modules_after("node", "--version")
    assert "ccfpy.host.main" in loaded
    assert not {"typer", "rich", "aiohttp"} & loaded


@pytest.mark.parametrize("name", [n for n in COMMANDS if n != "node"])
def test_every_command_explains_itself(command: Command, name: str) -> None:
    ended = command(name, "--help")
    assert ended.code == 0
    assert f"Usage: ccfpy {name}" in ended.out


def test_the_version_is_told(command: Command) -> None:
    assert command("--version") == (0, f"ccfpy {VERSION}\n", "")
    assert "--config" in command("node", "--help").out


@pytest.fixture
def client_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only ``ccfpy-client`` is installed, as far as commands can see."""

    def find_spec(name: str) -> object:
        return None if name in {"ccfpy.node", "ccfpy.cli.sandbox"} else object()

    monkeypatch.setattr(entries, "find_spec", find_spec)


@pytest.mark.usefixtures("client_alone")
def test_a_command_that_is_not_installed_says_what_to_install(command: Command) -> None:
    ended = command("sandbox")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == (
        "ccfpy: there is no sandbox here, as only ccfpy-client is installed: "
        f"pip install ccfpy=={VERSION}\n"
    )
    listed = command("--help").out
    assert "\n  receipt " in listed
    assert "\n  sandbox " not in listed


@pytest.mark.usefixtures("client_alone")
def test_a_command_that_needs_more_than_is_installed_says_what_to_install(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "ccfpy.devtools.maa_mock", None)
    ended = command("attest", "maa-mock", "--out", str(tmp_path))
    assert ended.code == 1
    assert f"pip install ccfpy=={VERSION}" in ended.err
    assert len(ended.err.splitlines()) == 1


def test_a_module_that_is_missing_from_all_of_ccfpy_is_our_mistake(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ccfpy.cli.keygen", None)
    with pytest.raises(ModuleNotFoundError):
        command("keygen")


@pytest.mark.parametrize("words", [["no-such"], ["ledger", "no-such"], ["call"]])
def test_misuse_exits_with_2(command: Command, words: list[str]) -> None:
    ended = command(*words)
    assert ended.code == 2
    assert "Usage:" in ended.err


def test_a_node_refuses_a_command_line_that_makes_no_sense(command: Command) -> None:
    ended = command("node", "--app")
    assert ended.code == 2
    ended = command("node", "--nonsense")
    assert ended.code not in (0, 1)
    assert "[fatal]" in ended.out


@pytest.mark.slow
@pytest.mark.parametrize("reads_errors", [True, False])
@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["--version"],
        ["node", "--help"],
        ["node", "--nonsense"],
        ["doctor"],
        ["doctor", "--json"],
        ["ledger", "show", "LEDGER"],
        ["ledger", "verify", "LEDGER"],
        ["ledger", "verify", "LEDGER", "--json"],
        ["no-such"],
        ["ledger", "verify", "/no/such/folder"],
    ],
    ids=" ".join,
)
def test_a_reader_who_stops_early_sees_no_complaint(
    words: list[str], reads_errors: bool, tmp_path: Path
) -> None:
    ledger = written(small_ledger(), tmp_path / "ledger")
    argv = [str(ledger) if word == "LEDGER" else word for word in words]
    with subprocess.Popen(
        [sys.executable, "-m", "ccfpy.cli.main", *argv],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if reads_errors else subprocess.STDOUT,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        said = process.stderr.read().decode() if process.stderr else ""
    assert process.returncode != 120  # what an interpreter that cannot flush leaves
    for word in ("Traceback", "BrokenPipeError", "broken pipe", "Exception ignored"):
        assert word not in said
