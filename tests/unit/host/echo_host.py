"""A whole host around the stand-in enclave, in a thread of the test."""

import contextlib
import io
import json
import select
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ccfpy.base.ids import NodeId
from ccfpy.enclave.in_process import InProcessLink
from ccfpy.host.disk import REAL_DISK, Disk
from ccfpy.host.enclave_link import EnclaveLink, ProcessLink
from ccfpy.host.main import run

if TYPE_CHECKING:
    from io import FileIO

    from _typeshed import ReadableBuffer

DEADLINE_S = 60
ECHO = Path(__file__).with_name("echo_enclave.py")
NODE, PEER = NodeId("ab" * 32), NodeId("cd" * 32)


def echo_class() -> type:
    sys.path.insert(0, str(ECHO.parent))
    try:
        import echo_enclave  # type: ignore[import-not-found]  # noqa: PLC0415  # a program
    finally:
        sys.path.pop(0)
    echo: type = echo_enclave.Echo
    return echo


def process(app: str) -> EnclaveLink:
    return ProcessLink(
        app,
        command=lambda name, ends: [sys.executable, str(ECHO), name, *map(str, ends)],
    )


def in_process(app: str) -> EnclaveLink:
    del app
    return InProcessLink(echo_class())


def configuration(**also: object) -> dict[str, object]:
    return {
        "network": {
            "node_to_node_interface": {"bind_address": "127.0.0.1:0"},
            "rpc_interfaces": {
                "first": {"bind_address": "127.0.0.1:0", "max_open_sessions_hard": 2},
                "echo": {"bind_address": "127.0.0.1:0", "protocol": "udp"},
            },
        },
        "command": {
            "type": "Start",
            "start": {
                "members": [{"certificate_file": "member.pem"}],
                "constitution_files": ["a.js", "b.js"],
            },
        },
        "output_files": {
            "node_to_node_address_file": "node.address",
            "rpc_addresses_file": "rpc.addresses",
        },
    } | also


class Log(io.BytesIO):
    """A log that notes what another node could hear before a line was written."""

    def __init__(self) -> None:
        super().__init__()
        self.other: socket.socket | None = None
        self.heard_before: bool | None = None

    def write(self, data: "ReadableBuffer", /) -> int:
        if self.other is not None and b"telling it" in bytes(data):
            self.heard_before = bool(select.select([self.other], [], [], 0)[0])
        return super().write(data)


class Node:
    """A host running in a thread, its folder and what it said.

    Args:
        folder: where it works.
        make: makes the link to its enclave.
        disk: for its ledger and snapshots.
        stream: takes its log, in place of memory.
    """

    metrics = "127.0.0.1:0"

    def __init__(
        self,
        folder: Path,
        make: object,
        disk: Disk = REAL_DISK,
        stream: "FileIO | None" = None,
    ) -> None:
        self.disk = disk
        self.folder = folder
        self.make = make
        self.stdout = Log()
        self.stream: BinaryIO | FileIO = self.stdout if stream is None else stream
        self.exit_code: int | None = None
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        self.exit_code = run(
            "app",
            [
                "--config=config.json",
                "--enclave=in-process",
                "--sync-ledger",
                f"--metrics={self.metrics}",
            ],
            in_process=self.make,  # type: ignore[arg-type]  # one of the two above
            executable=ECHO,
            stdout=self.stream,
            disk=self.disk,
        )

    @property
    def log(self) -> str:
        return self.stdout.getvalue().decode()

    def wait_for(self, text: str) -> None:
        self.wait_until(lambda: text in self.log, text)

    def wait_until(self, is_so: object, what: str) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not is_so():  # type: ignore[operator]  # a function of no arguments
            assert time.monotonic() < deadline, f"no {what!r} in:\n{self.log}"
            self.thread.join(0.005)

    def wait_for_end(self) -> None:
        self.thread.join(DEADLINE_S)
        assert not self.thread.is_alive(), self.log

    def address(self, name: str) -> tuple[str, int]:
        host, port = json.loads(Path("rpc.addresses").read_text())[name].split(":")
        return host, int(port)

    def connect(self) -> socket.socket:
        return socket.create_connection(self.address("first"), timeout=DEADLINE_S)


def prepare(**also: object) -> None:
    """Write what a node is started with into the working folder."""
    Path("member.pem").write_text("a certificate")
    Path("a.js").write_text("a")
    Path("b.js").write_text("b")
    Path("config.json").write_text(json.dumps(configuration(**also)))


@contextlib.contextmanager
def running(
    folder: Path,
    make: object,
    *,
    disk: Disk = REAL_DISK,
    stream: "FileIO | None" = None,
) -> Iterator[Node]:
    node = Node(folder, make, disk, stream)
    node.thread.start()
    try:
        if stream is None:
            node.wait_for("Output service certificate")
        else:
            node.wait_until(Path("service_cert.pem").exists, "a certificate")
        yield node
    finally:
        if node.thread.is_alive():
            with contextlib.suppress(OSError), node.connect() as client:
                client.sendall(b"stop")
                client.recv(10)
        node.thread.join(DEADLINE_S)
    node.wait_for_end()


def ask(client: socket.socket, words: bytes, size: int | None = None) -> bytes:
    client.sendall(words)
    answer = b""
    while len(answer) < (len(words) if size is None else size):
        data = client.recv(1 << 16)
        if not data:
            break
        answer += data
    return answer
