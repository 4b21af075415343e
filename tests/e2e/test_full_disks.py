"""A real node whose log, streams or ledger the system refuses to write."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ccfpy.audit.auditor import ChunkFile, Damage, Summary, audit
from ccfpy.audit.chunks import arrange
from ccfpy.base.ids import TxId
from ccfpy.client.blocking import BlockingConnection
from ccfpy.client.errors import ClientError
from tests.e2e.running import Running, running_node, wait_gone, wait_until

BLOCKS = 200
"""Of 512 bytes: as large as any file of a node may become."""


def _shell(words: str) -> list[str]:
    return ["sh", "-c", words, "sh"]


def _wait_ended(service: Running) -> int | None:
    """Wait for the end of a node, and return its exit code."""
    wait_until(lambda: not service.node.is_alive, what="the node's end")
    return service.node.exit_code()


UNREAD = "mkfifo unread; exec 1<>unread; head -c 65536 /dev/zero; "
"""Has the shell's output be a pipe that is full, and that nobody reads."""


@pytest.mark.parametrize(
    "words",
    [
        'exec "$@" >/dev/full',
        'exec "$@" >/dev/full 2>/dev/full',
        'exec "$@" >&-',
        'exec "$@" <&- >&- 2>&-',
        f'{UNREAD} exec "$@"',
        f'{UNREAD} exec "$@" 2>&1',
    ],
)
def test_a_node_without_a_log_serves_and_stops_when_asked(
    tmp_path: Path, words: str
) -> None:
    with running_node(tmp_path, prefix=_shell(words)) as service:
        service.open(["user0"])
        with service.connect("user0") as user:
            for number in range(50):
                user.post("/app/log/private", {"id": number, "msg": "x"})
            reply = user.post("/app/log/private", {"id": 0, "msg": "the last"})
            assert reply.txid is not None
            user.wait_committed(reply.txid)
        enclave = service.enclave_pid
        os.kill(service.node.pid, signal.SIGTERM)
        assert _wait_ended(service) == 0
        wait_gone(enclave)
    assert (service.node.folder / "err").read_bytes() == b""


def _write_on(user: BlockingConnection, committed: list[TxId]) -> None:
    """Write again and again, and note what is committed."""
    while True:
        entry = {"id": len(committed), "msg": "x" * 2000}
        reply = user.post("/app/log/private", entry)
        assert reply.txid is not None
        user.wait_committed(reply.txid)
        committed.append(reply.txid)


@contextmanager
def _small_disk(folder: Path) -> Iterator[list[str]]:
    """Mount a disk that is soon full at a folder; without root, limit files instead.

    Yields:
        the command before a node's program.
    """
    if os.geteuid():
        yield _shell(f'ulimit -f {BLOCKS}; exec "$@"')
        return
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", "size=600k", "tmpfs"]
    subprocess.run(["mount", *options, str(folder)], check=True)
    try:
        yield []
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_disk_that_is_full_ends_the_node_and_keeps_what_is_committed(
    tmp_path: Path,
) -> None:
    """The log, the ledger and all else lie on it."""
    committed: list[TxId] = []
    folder = tmp_path / "small"
    with _small_disk(folder) as prefix:
        with running_node(folder, prefix=prefix) as service:
            service.open(["user0"])
            with service.connect("user0") as user, pytest.raises(ClientError):
                _write_on(user, committed)
            assert _wait_ended(service) == 1
            ledger = service.ledger
        assert len(committed) > 10
        _check_kept(ledger, committed)


def test_a_ledger_whose_disk_is_full_ends_the_node_and_keeps_what_is_committed(
    tmp_path: Path,
) -> None:
    prefix = _shell(f'ulimit -f {BLOCKS}; exec "$@"')
    committed: list[TxId] = []
    with running_node(tmp_path, prefix=prefix) as service:
        service.open(["user0"])
        with service.connect("user0") as user, pytest.raises(ClientError):
            _write_on(user, committed)
        assert _wait_ended(service) == 1
        log = service.node.log.read_text()
        ledger = service.ledger
    assert len(committed) > 10
    (why,) = (line for line in log.splitlines() if "[fatal]" in line)
    assert "| cannot write the ledger in " in why
    assert why.endswith(": file too large. Exiting.")
    _check_kept(ledger, committed)


def _check_kept(ledger: Path, committed: list[TxId]) -> None:
    """A ledger is whole, and has what was committed."""
    names = arrange(path.name for path in ledger.iterdir())
    files = [ChunkFile(str(name), (ledger / str(name)).read_bytes) for name in names]
    *findings, summary = audit(files)
    assert not [found for found in findings if isinstance(found, Damage)]
    assert isinstance(summary, Summary)
    assert summary.last_signed is not None
    assert summary.last_signed >= committed[-1]
