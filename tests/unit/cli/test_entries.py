"""Tables of commands: what help loads, and that tables say what commands say."""

import inspect
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping

import pytest

from ccfpy.cli.entries import Command, Entry, Table, commands_below
from ccfpy.cli.gov import gov
from ccfpy.cli.main import COMMANDS
from tests.unit.cli.conftest import Command as Ran

HEAVY = {"aiohttp", "wasmtime", "cryptography", "ccfpy.js"}
"""What only the run of a command needs."""

OPTION = re.compile(r"^  (-[-\w]+(?:, -[-\w]+| / -[-\w]+)*)", re.MULTILINE)
"""The names of an option at the beginning of its lines in help."""

EVERY_HELP = """
import contextlib, io, json, sys
from ccfpy.cli.main import main
found = {}
for words in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
        main([*words, "--help"])
    for name in set(sys.modules) & set(json.loads(sys.argv[2])) - set(found):
        found[name] = words
print(json.dumps(found))
"""


def _commands(table: Table) -> Iterator[tuple[Entry, Command]]:
    for entry in table.values():
        face = entry.load()
        if isinstance(face, Mapping):
            yield from _commands(face)
        else:
            yield entry, face


def test_no_help_loads_what_only_a_run_needs() -> None:
    words = [each for each in commands_below(COMMANDS) if each != ["node"]]
    assert ["gov", "vote"] in words
    assert ["enclave", "platform", "new"] in words
    ended = subprocess.run(
        [sys.executable, "-c", EVERY_HELP, json.dumps(words), json.dumps([*HEAVY])],
        capture_output=True,
        check=True,
    )
    assert json.loads(ended.stdout) == {}


def test_each_summary_is_the_first_sentence_of_the_commands_help() -> None:
    differing = []
    for entry, command in _commands(COMMANDS):
        if entry is COMMANDS["node"]:  # a host process, which explains itself
            continue
        first = (inspect.getdoc(command) or "").split("\n\n")[0]
        if " ".join(first.split()) != entry.summary:
            differing.append((entry.summary, first))
    assert not differing


def test_narrow_help_cuts_no_option_and_no_summary(
    command: Ran, monkeypatch: pytest.MonkeyPatch
) -> None:
    def options(words: list[str], columns: int) -> list[str]:
        monkeypatch.setenv("COLUMNS", str(columns))
        return OPTION.findall(command(*words, "--help").out.partition("Options:")[2])

    for words in commands_below(COMMANDS):
        if words != ["node"]:  # a host process, which explains itself
            told = options(words, 500)
            assert "-h, --help" in told
            assert options(words, 60) == options(words, 80) == told, words
    assert "--initial-service-cert-validity-days" in options(["sandbox"], 80)
    listed = " ".join(command("gov", "--help").out.split())
    assert all(entry.summary in listed for entry in gov.values())
