"""Long audits: shared out, interrupted, gone on with."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from distributed import LocalCluster

from tests.unit.audit.made import written
from tests.unit.cli.conftest import Command
from tests.unit.ledger.made import FIRST, small_ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """A ledger of two committed chunks and an open one."""
    return written(small_ledger(), tmp_path / "ledger")


@pytest.mark.slow
def test_more_processes_print_the_same(command: Command, ledger: Path) -> None:
    one = command("ledger", "verify", ledger, "--processes", 1, "--json")
    two = command("ledger", "verify", ledger, "--processes", 2, "--json")
    assert one == two
    assert one.code == 0


def test_an_audit_goes_on_where_the_last_one_was(
    command: Command, ledger: Path, tmp_path: Path
) -> None:
    state = tmp_path / "audit.json"
    (ledger / "ledger_9").rename(tmp_path / "ledger_9")
    first = command("ledger", "verify", ledger, "--state", state)
    assert first.out.startswith("2.1: a new identity of the service, Opening")
    (tmp_path / "ledger_9").rename(ledger / "ledger_9")
    (ledger / "ledger_1-5.committed").unlink()
    second = command("ledger", "verify", ledger, "--state", state)
    assert second.code == 0
    resumed, ended = second.out.splitlines()
    assert resumed.startswith("2.8: an earlier audit came this far; the service was Op")
    assert resumed.endswith(f"certificate {FIRST.certificate.digest_hex}")
    assert ended == "The ledger is whole: 10 transactions, 4 signatures, the last 2.10."
    third = command("ledger", "verify", ledger, "--state", state, "--json")
    findings = [json.loads(line) for line in third.out.splitlines()]
    assert [finding["finding"] for finding in findings] == [
        "Resumed",
        "ChunkChecked",
        "Summary",
    ]
    assert findings[0]["last_signed"] == "2.8"


def test_damage_is_told_with_its_transaction_and_may_be_mended(
    command: Command, ledger: Path, tmp_path: Path
) -> None:
    state = tmp_path / "audit.json"
    chunk = ledger / "ledger_6-8.committed"
    whole = chunk.read_bytes()
    chunk.write_bytes(whole.replace(b"public:log", b"public:lag", 1))
    damaged = command("ledger", "verify", ledger, "--state", state)
    assert damaged.code == 1
    assert "DAMAGED: ledger_6-8.committed at 8, transaction 6: " in damaged.out
    assert "can be believed up to 2.5" in damaged.out
    chunk.write_bytes(whole)
    assert command("ledger", "verify", ledger, "--state", state).code == 0


def test_a_state_that_is_none_is_a_mistake(
    command: Command, ledger: Path, tmp_path: Path
) -> None:
    state = tmp_path / "audit.json"
    state.write_text("noise")
    ended = command("ledger", "verify", ledger, "--state", state)
    assert ended.code == 2
    assert "does not say how far an audit came" in ended.err
    assert state.read_text() == "noise"
    assert command("ledger", "verify", ledger, "--state", tmp_path).code == 1
    absent = tmp_path / "absent" / "audit.json"
    ended = command("ledger", "verify", ledger, "--state", absent)
    assert ended.code == 2
    assert "is no folder" in ended.err


@pytest.mark.slow
def test_a_cluster_is_asked_instead_of_this_machine(
    command: Command, ledger: Path
) -> None:
    words = ("ledger", "verify", ledger, "--scheduler", "nonsense://x")
    assert "no Dask scheduler answers at nonsense://x" in command(*words).err
    assert command(*words, "--processes", 2).code == 2


@pytest.mark.slow
def test_a_clusters_workers_read_the_chunks(command: Command, ledger: Path) -> None:
    with LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0"
    ) as cluster:
        address = cluster.scheduler_address
        shared = command("ledger", "verify", ledger, "--scheduler", address)
    assert shared.code == 0
    assert shared.out == command("ledger", "verify", ledger).out


@pytest.mark.slow
def test_a_bar_on_the_terminal_and_results_in_the_pipe(
    command: Command, ledger: Path
) -> None:
    ours, theirs = os.openpty()
    program = "from ccfpy.cli.main import main; main()"
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        done = subprocess.run(
            [sys.executable, "-c", program, "ledger", "verify", ledger],
            stdout=subprocess.PIPE,
            stderr=theirs,
            env={**os.environ, "TERM": "xterm"},
            text=True,
            check=True,
        )
        os.close(theirs)
        assert b"verifying" in terminal.read(1 << 16)
    assert done.stdout == command("ledger", "verify", ledger).out
