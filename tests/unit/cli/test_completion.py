"""Completion, by the shells of this machine and by what a script asks."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ccfpy.cli.completion import typed_words
from tests.unit.cli.conftest import Command

SHELLS = [name for name in ("bash", "zsh", "fish") if shutil.which(name)]

TYPED = {
    "ledg": "ledger",
    "gov vo": "vote",
    "gov vote --re": "--reject",
    "enclave platform re": "require revoke",
    "app bundle --no-": "--no-build",
    "completion f": "fish",
    "gov no-such": "",
}
"""What is typed behind the program's name, and what TAB offers for its last word."""

IN_BASH = """
eval "$(ccfpy completion bash)"
for typed in "$@"; do
    COMP_WORDS=(ccfpy $typed); COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    _ccfpy_completion ccfpy
    echo "${COMPREPLY[*]}"
done
"""


def _in_shell(*argv: str) -> str:
    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    ended = subprocess.run(
        argv,
        env={**os.environ, "PATH": programs},
        capture_output=True,
        text=True,
        check=True,
    )
    assert not ended.stderr
    return ended.stdout


@pytest.mark.slow
def test_bash_completes_commands_of_groups_and_their_options() -> None:
    out = _in_shell("bash", "-c", IN_BASH, "bash", *TYPED)
    assert dict(zip(TYPED, out.splitlines(), strict=True)) == TYPED


@pytest.mark.slow
@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_reads_its_script(shell: str, tmp_path: Path, command: Command) -> None:
    script = tmp_path / "script"
    script.write_text(command("completion", shell).out)
    _in_shell(shell, "-n", str(script))


def test_a_shell_that_is_not_known_is_refused(command: Command) -> None:
    ended = command("completion", "tcsh")
    assert ended.code == 2
    assert "bash" in ended.err


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"COMP_WORDS": "ccfpy\ngov\nvo", "COMP_CWORD": "2"}, ["gov"]),
        ({"COMP_WORDS": "ccfpy\ngov\n", "COMP_CWORD": "2"}, ["gov"]),
        ({"COMP_WORDS": "ccfpy gov", "COMP_CWORD": "-1"}, []),
        ({"COMP_WORDS": "ccfpy gov"}, []),
        ({"_TYPER_COMPLETE_ARGS": "ccfpy gov vo"}, ["gov"]),
        ({"_TYPER_COMPLETE_ARGS": "ccfpy gov vote "}, ["gov", "vote"]),
        ({"_TYPER_COMPLETE_ARGS": "ccfpy"}, []),
        ({}, []),
    ],
)
def test_the_word_at_the_cursor_chooses_no_command(
    asked: dict[str, str], words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("COMP_WORDS", "COMP_CWORD", "_TYPER_COMPLETE_ARGS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in asked.items():
        monkeypatch.setenv(name, value)
    assert typed_words() == words
