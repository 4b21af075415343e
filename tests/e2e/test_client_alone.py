"""Where ``ccfpy-client`` alone is installed, people verify, audit, propose and vote."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.wheel.split import split
from tests.e2e.running import DEADLINE_S, Running
from tests.interop.environments import ROOT, install_locked

LOCK = "../../requirements-client.lock"
LEFT_OUT = ("wasmtime", "uvloop", "h2", "httptools", "msgpack", "pyopenssl")
"""Libraries that only nodes need."""


class Alone:
    """Commands of an environment that has nothing but the client and its libraries."""

    def __init__(self, python: Path, service: Running, folder: Path) -> None:
        self._bin = python.parent
        self._folder = folder
        self._env = {
            "PATH": os.defpath,
            "HOME": str(folder),
            "CCFPY_URL": service.url,
            "CCFPY_COMMON": str(service.options.shared),
        }

    def run(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Run one of its commands, far from the checkout."""
        program, *rest = words
        return subprocess.run(
            [self._bin / program, *rest],
            cwd=self._folder,
            env=self._env,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )

    def ok(self, *words: str | Path) -> str:
        """Run a command that must succeed; return its output."""
        done = self.run(*words)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout


@pytest.fixture(scope="module")
def alone(service: Running, tmp_path_factory: pytest.TempPathFactory) -> Alone:
    folder = tmp_path_factory.mktemp("alone")
    build = [
        sys.executable,
        "-m",
        "hatchling",
        "build",
        "-t",
        "wheel",
        "-d",
        str(folder),
    ]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (whole,) = folder.glob("*.whl")
    wheel, _ = split(whole, folder / "dist")
    python = install_locked("client", LOCK, "What ccfpy-client needs")
    shell = Alone(python, service, folder)
    pip = ("python", "-m", "pip", "--disable-pip-version-check")
    options = ("--quiet", "--no-index", "--no-deps", "--force-reinstall")
    shell.ok(*pip, "install", *options, wheel)
    shell.ok(*pip, "check")
    return shell


def test_what_only_nodes_need_is_not_installed(alone: Alone) -> None:
    listed = json.loads(alone.ok("python", "-m", "pip", "list", "--format", "json"))
    names = {each["name"].lower() for each in listed}
    assert "ccfpy-client" in names
    assert not names & {"ccfpy", *LEFT_OUT}
    found = alone.ok("python", "-c", "import ccfpy; print(ccfpy.__file__)")
    assert not Path(found).is_relative_to(ROOT / "ccfpy")


def test_an_auditor_verifies_a_receipt_and_the_ledger(
    alone: Alone, service: Running, tmp_path: Path
) -> None:
    written = alone.run(
        "ccfpy", "call", "/app/log/private", "--as", "user0", "--commit",
        "-d", '{"id": 1, "msg": "hi"}',
    )  # fmt: skip
    assert written.returncode == 0, written.stderr
    txid = written.stderr.split()[-1]
    receipt = tmp_path / "receipt.json"
    receipt.write_text(alone.ok("ccfpy", "receipt", "get", txid, "--as", "user0"))
    assert txid in alone.ok("ccfpy", "receipt", "verify", receipt)
    audited = alone.ok("ccfpy", "ledger", "verify", service.ledger)
    assert "The ledger is whole" in audited


def test_members_propose_and_vote(alone: Alone) -> None:
    proposed = alone.ok(
        "ccfpy", "gov", "propose", "--action", "set_recovery_threshold",
        "--arg", "recovery_threshold=2", "--json",
    )  # fmt: skip
    id_ = json.loads(proposed)["proposalId"]
    listed = json.loads(alone.ok("ccfpy", "gov", "list"))
    assert [each["proposalState"] for each in listed if each["proposalId"] == id_]
    shown = alone.run("ccfpy", "gov", "show", id_)
    action = {"name": "set_recovery_threshold", "args": {"recovery_threshold": 2}}
    assert json.loads(shown.stdout)["actions"] == [action]
    assert "where all of ccfpy is installed" in shown.stderr
    alone.ok("ccfpy", "gov", "vote", id_, "--as", "member0")
    last = alone.ok("ccfpy", "gov", "vote", id_, "--as", "member1", "--json")
    assert json.loads(last)["proposalState"] == "Accepted"


@pytest.mark.parametrize(
    "words",
    [["sandbox"], ["node", "--config", "none"], ["gov", "actions"], ["api"]],
    ids=" ".join,
)
def test_what_is_not_here_is_said_in_a_sentence(alone: Alone, words: list[str]) -> None:
    done = alone.run("ccfpy", *words)
    assert (done.returncode, done.stdout) == (1, "")
    (sentence,) = done.stderr.splitlines()
    assert sentence.startswith("ccfpy: ")
    assert "only ccfpy-client is installed: pip install ccfpy==" in sentence


def test_help_lists_the_commands_that_are_here(alone: Alone) -> None:
    lines = alone.ok("ccfpy", "--help").partition("Commands:\n")[2].splitlines()
    listed = {line.split()[0] for line in lines if line[2:3].strip()}
    assert {"attest", "call", "gov", "keygen", "ledger", "receipt"} <= listed
    assert not listed & {"sandbox", "node", "app", "console"}
