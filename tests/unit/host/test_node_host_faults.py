"""Each descriptor that a host writes, refused by the system in each way.

A host is whole or it ends. A line of the log is dropped and counted. What the ledger,
the enclave or those who wait for files depend on ends the node, in one sentence. What
one caller or one aside depends on costs that caller or that aside.
"""

import asyncio
import contextlib
import errno
import os
import re
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ccfpy.boundary.events import Event, SessionData
from ccfpy.enclave.in_process import InProcessLink
from ccfpy.host import enclave_process, metrics
from ccfpy.host.connecting import begin
from ccfpy.host.enclave_link import EnclaveLink
from ccfpy.host.output_files import write_atomically
from ccfpy.testing.disk import MemoryDisk, Operation
from tests.attacks import attack
from tests.exposition import value
from tests.unit.host.echo_host import (
    DEADLINE_S,
    Node,
    ask,
    echo_class,
    in_process,
    prepare,
    process,
    running,
)

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

FULL, FAILING, CLOSED = errno.ENOSPC, errno.EIO, errno.EBADF
ERRORS = [FULL, FAILING, CLOSED]
SAID_AT_LAST = "told to stop"


def _name(error: object) -> str:
    return errno.errorcode[error] if isinstance(error, int) else str(error)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Node, "metrics", "unix:metrics.socket")
    prepare()
    return tmp_path


def _scrape() -> str:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(DEADLINE_S)
        client.connect("metrics.socket")
        client.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
        answer = b""
        while data := client.recv(1 << 16):
            answer += data
    return answer.decode()


def _is_served(node: Node) -> None:
    """A node that goes on serves clients that were there, new ones, and scrapes."""
    with node.connect() as client:
        assert ask(client, b"append one") == b"append one"
        assert ask(client, b"hello") == b"hello"
    assert "ccfpy_sessions_active" in _scrape()


# The log


class _Refusing(FileIO):
    """A file of a system that refuses each write, or each but the first bytes."""

    def __init__(self, error: int | None, *, taken: int = 0) -> None:
        super().__init__(os.devnull, "wb")
        self.error = error
        self.taken = taken

    def write(self, data: "ReadableBuffer", /) -> int:
        size = min(self.taken, memoryview(data).nbytes)
        self.taken -= size
        if size:
            return size
        if self.error is None:
            return super().write(data)
        raise OSError(self.error, os.strerror(self.error))


def _full_device() -> FileIO:
    return FileIO("/dev/full", "wb")


def _reader_gone() -> FileIO:
    reading, writing = os.pipe()
    os.close(reading)
    return FileIO(writing, "wb")


def _closed() -> FileIO:
    stream = FileIO(os.devnull, "wb")
    stream.close()
    return stream


def _closed_beneath() -> FileIO:
    # The number is not given back, or another file of the test would get it.
    number = os.open(os.devnull, os.O_RDONLY)
    return FileIO(number, "wb")


def _reader_slow(*, blocks: bool) -> FileIO:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writing, bytes(1 << 12))
    os.set_blocking(writing, blocks)
    _held.append(FileIO(reading))
    return FileIO(writing, "wb")


_held: list[FileIO] = []

LOGS: dict[str, Callable[[], FileIO]] = {
    "full": _full_device,
    "full after half a line": lambda: _Refusing(FULL, taken=30),
    "failing": lambda: _Refusing(FAILING),
    "as large as may be": lambda: _Refusing(errno.EFBIG),
    "closed": _closed,
    "closed beneath": _closed_beneath,
    "a pipe that nobody reads any more": _reader_gone,
    "a full pipe that does not block": lambda: _reader_slow(blocks=False),
    "a full pipe": lambda: _reader_slow(blocks=True),
}


@attack("slow: requests that fill the disk under the log")
@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
@pytest.mark.parametrize("make", [in_process, process])
@pytest.mark.parametrize("log", LOGS)
def test_lines_that_the_log_does_not_take_are_dropped_and_counted(
    folder: Path, log: str, make: object, capfd: pytest.CaptureFixture[str]
) -> None:
    with contextlib.closing(LOGS[log]()) as stream:
        with running(folder, make, stream=stream) as node:
            _is_served(node)
            text = _scrape().partition("\r\n\r\n")[2]
            dropped = value(text, "ccfpy_log_lines_dropped_total")
            assert dropped >= value(text, "ccfpy_log_lines_total", level="info") - 1 > 3
        assert node.exit_code == 3
    while _held:
        _held.pop().close()
    out, err = capfd.readouterr()
    assert (out, err) == ("", f"{SAID_AT_LAST}\n")


# Files that others wait for


@pytest.mark.parametrize("error", ERRORS, ids=_name)
@pytest.mark.parametrize(
    "name",
    [
        "node.pid",
        "node.address",
        "rpc.addresses",
        "nodecert.pem",
        "service_cert.pem",
        ".measurement",
        ".attestation",
    ],
)
def test_a_node_whose_files_cannot_be_written_says_so_and_ends(
    folder: Path, name: str, error: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Path.write_bytes

    def write_bytes(path: Path, data: bytes) -> int:
        if name in path.name:
            whole(path, data[:1])
            raise OSError(error, os.strerror(error))
        return whole(path, data)

    monkeypatch.setattr(Path, "write_bytes", write_bytes)
    node = Node(folder, in_process)
    node.thread.start()
    node.wait_for_end()
    assert node.exit_code in {1, 105}
    (line,) = (line for line in node.log.splitlines() if "[fatal]" in line)
    remedy = "make room" if error == FULL else "create its folder"
    assert re.search(rf"cannot write \S*{name}: {os.strerror(error)}; {remedy}", line)
    if node.exit_code == 105:
        assert not Path("node.pid").exists()
    assert not list(Path().glob(".*.tmp"))


def test_a_file_that_can_be_neither_written_nor_removed_is_one_sentence_too(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise OSError(FAILING, os.strerror(FAILING))

    monkeypatch.setattr(Path, "write_bytes", refuse)
    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(Exception, match=r"^cannot write .*: Input/output error; "):
        write_atomically(folder / "node.pid", b"1")


# The disk


def _disk(folder: str, error: int) -> MemoryDisk:
    """Return a disk that refuses all changes in one folder once something is there."""
    disk = MemoryDisk()
    changes = {Operation.WRITE, Operation.SYNC, Operation.RENAME, Operation.CREATE}

    def fault(operation: Operation, path: Path) -> None:
        if operation in changes and path.is_relative_to(folder):
            raise OSError(error, os.strerror(error))

    disk.fault = fault
    return disk


@pytest.mark.parametrize("error", ERRORS, ids=_name)
def test_a_ledger_that_cannot_be_written_ends_the_node_before_any_answer(
    folder: Path, error: int
) -> None:
    with running(folder, in_process, disk=_disk("ledger", error)) as node:
        with node.connect() as client:
            assert ask(client, b"append one", 1) == b""
        node.wait_for_end()
    assert node.exit_code == 1
    reason = os.strerror(error).lower()
    assert f"cannot write the ledger in ledger: {reason}. Exiting." in node.log
    assert node.log.count("[fatal]") == 1


@pytest.mark.parametrize("error", ERRORS, ids=_name)
@pytest.mark.parametrize(
    ("place", "word", "said"),
    [
        ("snapshots", b"snapshot the state", "Cannot write snapshot snapshot_5_7: "),
        (".index", b"keep this", "Cannot write .index/3.ab: "),
    ],
)
def test_a_snapshot_or_a_blob_that_cannot_be_written_is_dropped(
    folder: Path, place: str, word: bytes, said: str, error: int
) -> None:
    with running(folder, in_process, disk=_disk(place, error)) as node:
        with node.connect() as client:
            assert ask(client, word) == word
        node.wait_for(said)
        _is_served(node)
    assert node.exit_code == 3


# Pipes and sockets


class _Link(InProcessLink):
    """A link whose end fails once a client says so."""

    def __init__(self, error: Exception) -> None:
        super().__init__(echo_class())
        self._error = error

    def send(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, SessionData) and event.data == b"fail":
                raise self._error
        super().send(events)


@pytest.mark.parametrize("error", [*ERRORS, errno.EPIPE], ids=_name)
def test_a_pipe_to_the_enclave_that_fails_ends_the_node(
    folder: Path, error: int, capfd: pytest.CaptureFixture[str]
) -> None:
    failure = OSError(error, os.strerror(error))
    with running(folder, lambda _: _Link(failure)) as node:
        with node.connect() as client:
            assert ask(client, b"fail", 1) == b""
        node.wait_for_end()
    _has_ended_by(node, os.strerror(error), capfd)


class _Pipe(FileIO):
    """A pipe's end that fails as the system would have it, once a test says how."""

    failing = ""
    error = 0

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        self._fail("readinto")
        return super().readinto(buffer)

    def write(self, data: "ReadableBuffer", /) -> int:
        self._fail("write")
        return super().write(data)

    def _fail(self, what: str) -> None:
        if self.failing == what:
            raise OSError(self.error, os.strerror(self.error))


@pytest.mark.parametrize("error", [FAILING, CLOSED], ids=_name)
@pytest.mark.parametrize("failing", ["readinto", "write"])
def test_a_real_pipe_that_fails_ends_the_node(
    folder: Path,
    failing: str,
    error: int,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(enclave_process, "FileIO", _Pipe)
    with running(folder, process) as node:
        with node.connect() as client:
            assert ask(client, b"hello") == b"hello"
            monkeypatch.setattr(_Pipe, "error", error)
            monkeypatch.setattr(_Pipe, "failing", failing)
            assert ask(client, b"hello", 1) == b""
        node.wait_for_end()
    _has_ended_by(node, os.strerror(error), capfd)


def _has_ended_by(node: Node, what: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert node.exit_code == 1
    (line,) = (line for line in node.log.splitlines() if "[fatal]" in line)
    assert "Exception in the host: " in line
    assert what in line
    _, err = capfd.readouterr()
    assert err == line.partition("| ")[2] + "\n"


def test_clients_and_scrapes_that_go_away_in_the_midst_cost_nobody_else_anything(
    folder: Path,
) -> None:
    with running(folder, process) as node:
        for _ in range(5):
            _leave(node.connect(), b"flood 5000000")
            other = socket.socket(socket.AF_UNIX)
            other.connect("metrics.socket")
            _leave(other, b"GET /metrics HTTP/1.1\r\n\r\n")
        _is_served(node)
    assert node.exit_code == 3


def _leave(client: socket.socket, said: bytes) -> None:
    """Say something and reset the connection."""
    with client:
        client.sendall(said)
        linger = struct.pack("ii", 1, 0)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


def test_metrics_that_cannot_be_collected_are_refused_and_the_node_lives(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: int) -> None:
        raise OSError(FAILING, os.strerror(FAILING))

    with running(folder, in_process) as node:
        monkeypatch.setattr(metrics, "usage_of", refuse)
        assert _scrape().startswith("HTTP/1.1 500 Internal Server Error\r\n")
        assert "Cannot collect metrics: OSError(5, 'Input/output error')" in node.log
        monkeypatch.undo()
        monkeypatch.chdir(folder)
        _is_served(node)
    assert node.exit_code == 3


# Defects


class _Defect(Exception):
    """What nobody expects."""


def _in_a_callback() -> None:
    asyncio.get_running_loop().call_soon(_fail)


def _in_a_timer() -> None:
    asyncio.get_running_loop().call_later(0.001, _fail)


async def _fail_later() -> None:
    await asyncio.sleep(0)
    _fail()


def _in_a_task() -> None:
    _tasks.append(begin(_fail_later()))


_tasks: list[asyncio.Task[None]] = []
"""Held, as a task is that somebody may want to cancel."""


def _in_a_thread() -> None:
    threading.Thread(target=_fail).start()


def _fail() -> None:
    raise _Defect("unexpected")


WHERE: dict[str, Callable[[], None]] = {
    "a callback": _in_a_callback,
    "a timer": _in_a_timer,
    "a task": _in_a_task,
    "a thread": _in_a_thread,
}


class _Defective(InProcessLink):
    def __init__(self, fail: Callable[[], None]) -> None:
        super().__init__(echo_class())
        self._fail = fail

    def send(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, SessionData) and event.data == b"fail":
                self._fail()
                return
        super().send(events)


@pytest.mark.parametrize("where", WHERE)
def test_an_error_that_nobody_expects_ends_the_node_wherever_it_is_raised(
    folder: Path, where: str, capfd: pytest.CaptureFixture[str]
) -> None:
    def make(_: str) -> EnclaveLink:
        return _Defective(WHERE[where])

    with running(folder, make) as node:
        with node.connect() as client:
            assert ask(client, b"fail", 1) == b""
        node.wait_for_end()
    _has_ended_by(node, "_Defect('unexpected') at _fail:", capfd)


@pytest.fixture
def other() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


@pytest.mark.parametrize("make", [in_process, process])
def test_an_effect_that_cannot_be_performed_ends_the_node_and_not_a_part_of_it(
    folder: Path,
    make: object,
    other: socket.socket,
    capfd: pytest.CaptureFixture[str],
) -> None:
    with running(folder, make) as node:
        with node.connect() as client:
            word = "call {}:{}".format(*other.getsockname()).encode()
            assert ask(client, word) == word
            client.sendall(word)  # the number of the call is taken
            assert client.recv(1) == b""
        node.wait_for_end()
    _has_ended_by(node, "AssertionError('call 7 is open already", capfd)
