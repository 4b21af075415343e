"""The two processes of a node live and die together, and the ledger outlives them."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ccfpy.audit.auditor import ChunkFile, Damage, OpenTail, Summary, audit
from ccfpy.audit.chunks import arrange
from tests.e2e.running import Running, running_node, wait_gone

if TYPE_CHECKING:
    from ccfpy.base.json import Json


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Running]:
    """A node for one test to kill; its ledger is cut often."""
    ledger: Json = {"directory": "0.ledger", "chunk_size": "10KB"}
    with running_node(tmp_path, extra={"ledger": ledger}) as running:
        yield running


def _audit(folder: Path) -> Summary:
    """Audit a ledger; an unsigned tail is no damage."""
    names = arrange(path.name for path in folder.iterdir())
    files = [ChunkFile(str(name), (folder / str(name)).read_bytes) for name in names]
    *findings, summary = audit(files)
    assert not [f for f in findings if isinstance(f, Damage)]
    assert isinstance(summary, Summary)
    return summary


def test_the_enclave_dies_with_its_host_and_the_ledger_still_verifies(
    node: Running,
) -> None:
    enclave = node.enclave_pid
    node.open(["user0"])
    with node.connect("user0") as user:
        committed = None
        for number in range(200):
            reply = user.post("/app/log/private", {"id": number, "msg": "x" * 100})
            if number == 100:
                committed = reply.txid
                assert committed is not None
                user.wait_committed(committed)
        os.kill(node.node.pid, signal.SIGKILL)
    wait_gone(enclave)
    node.node.stop()
    summary = _audit(node.ledger)
    assert summary.last_signed is not None
    assert committed is not None
    assert summary.last_signed > committed


def test_the_host_stops_when_its_enclave_dies(node: Running) -> None:
    os.kill(node.enclave_pid, signal.SIGKILL)
    wait_gone(node.node.pid)
    assert node.node.exit_code() == 1
    assert "was killed by signal 9" in node.node.last_words()
    assert _audit(node.ledger).last_signed is not None


@pytest.mark.parametrize(
    ("number", "word"), [(signal.SIGTERM, "Terminated"), (signal.SIGHUP, "Hangup")]
)
def test_a_signal_ends_both_processes_in_good_order(
    node: Running, number: signal.Signals, word: str
) -> None:
    host, enclave = node.node.pid, node.enclave_pid
    os.kill(host, number)
    wait_gone(host)
    wait_gone(enclave)
    assert node.node.exit_code() == 0
    log = node.node.log.read_text()
    assert f"{word}: Shutting down enclave gracefully..." in log
    assert "[fatal]" not in log
    assert (node.node.folder / "err").read_bytes() == b""
    _audit(node.ledger)


def test_an_entry_cut_short_by_the_kill_is_no_damage(tmp_path: Path) -> None:
    with running_node(tmp_path) as node:
        node.open(["user0"])
        with node.connect("user0") as user:
            reply = user.post("/app/log/private", {"id": 1, "msg": "signed"})
            assert reply.txid is not None
            user.wait_committed(reply.txid)
        os.kill(node.node.pid, signal.SIGKILL)
        wait_gone(node.node.pid)
        names = arrange(path.name for path in node.ledger.iterdir())
        assert names[-1].is_open
        last = node.ledger / str(names[-1])
        whole = last.read_bytes()
        last.write_bytes(whole + whole[8:20])
        findings = list(
            audit(ChunkFile(str(n), (node.ledger / str(n)).read_bytes) for n in names)
        )
    (tail,) = (f for f in findings if isinstance(f, OpenTail))
    assert tail.torn_bytes == 12
    assert not any(isinstance(f, Damage) for f in findings)
