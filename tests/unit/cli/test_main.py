import subprocess
import sys

import pytest

from ccfpy.base.version import VERSION
from ccfpy.cli.main import COMMANDS
from tests.unit.cli.conftest import Command


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
