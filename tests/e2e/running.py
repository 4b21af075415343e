"""Real nodes for tests: their processes, their files, and the open service."""

import asyncio
import os
import select
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ccfpy.base.json import Json, JsonObject
from ccfpy.client.blocking import BlockingConnection
from ccfpy.client.call import NOT_EXECUTED, VIEW_CHANGED
from ccfpy.client.connection import Connection
from ccfpy.client.errors import ClientError, NotCommitted, OutcomeUnknown, ServiceError
from ccfpy.client.governance import Governance
from ccfpy.client.keys import FileSigner
from ccfpy.client.opening import open_service
from ccfpy.client.share import constitution
from ccfpy.local.configuration import (
    INTERFACE,
    Placement,
    ServiceOptions,
)
from ccfpy.local.network import NODE_PROGRAM, ProcessNetwork
from ccfpy.local.node import NodeProcess

DEADLINE_S = 60.0
POLL_S = 0.01
Made = TypeVar("Made")
_UNAVAILABLE = 503


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A running service of one node."""

    options: ServiceOptions
    node: NodeProcess

    @property
    def url(self) -> str:
        """Return the address of its first interface."""
        return self.node.url

    @property
    def certificate(self) -> str:
        """Return the service's certificate as PEM."""
        return self.options.service_certificate.read_text()

    @property
    def ledger(self) -> Path:
        """Return the ledger's folder."""
        return self.node.ledger

    @property
    def enclave_pid(self) -> int:
        """Return the process id of the enclave."""
        (child,) = children(self.node.pid)
        return child

    def connect(self, name: str | None = None) -> BlockingConnection:
        """Connect as a participant, or without an identity."""
        return BlockingConnection(self.connection(name))

    def connection(self, name: str | None = None) -> Connection:
        """Make a connection for use in a coroutine."""
        identity = None if name is None else self.options.keys(name)
        return Connection(
            self.url, service_certificate=self.certificate, identity=identity
        )

    def open(self, users: Sequence[str]) -> None:
        """Open the service to users by its members' votes."""
        with self.connect() as anybody:
            members = [
                Governance(anybody.connection, FileSigner.load(self.options.keys(name)))
                for name in self.options.members
            ]
            certificates = [
                self.options.keys(name).certificate.read_text() for name in users
            ]
            anybody.run(open_service(anybody.connection, members, users=certificates))


@contextmanager
def running_node(  # noqa: PLR0913  # each has its name
    workspace: Path,
    *,
    app: str = "logging",
    members: int = 1,
    users: Sequence[str] = ("user0", "stranger", "newcomer"),
    interface: JsonObject | None = None,
    extra: JsonObject | None = None,
    scripts: Sequence[Path] | None = None,
    cose_claims: tuple[str, str] = ("", ""),
    prefix: Sequence[str] = (),
) -> Iterator[Running]:
    """Start a node on any free port, and end it in every case.

    Args:
        workspace: the folder of its files.
        app: that it serves.
        members: how many founding members there are.
        users: who get keys.
        interface: more of its interface's configuration.
        extra: more of its configuration.
        scripts: the constitution, if not the default one.
        cose_claims: of its COSE signatures.
        prefix: the command before its program.
    """
    section: JsonObject = {"bind_address": "127.0.0.1:0"}
    network: Json = {"rpc_interfaces": {INTERFACE: section | (interface or {})}}
    options = ServiceOptions(
        workspace=workspace,
        app=app,
        program=NODE_PROGRAM,
        members=[f"member{i}" for i in range(members)],
        users=users,
        constitution=constitution("default") if scripts is None else scripts,
        cose_claims=cose_claims,
        extra={"network": network} | (extra or {}),
    )
    processes = ProcessNetwork(options)
    try:
        asyncio.run(processes.begin([Placement(prefix=prefix)]))
        yield Running(options=options, node=processes.nodes[0])
    finally:
        processes.stop()


def children(pid: int) -> list[int]:
    """List the living processes that a process started."""
    found: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # the thread has ended meanwhile
            found += [int(word) for word in path.read_text().split()]
    return found


def wait_gone(pid: int, *, timeout_s: float = DEADLINE_S) -> None:
    """Wait until a process has ended."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        ready, _, _ = select.select([descriptor], [], [], timeout_s)
    finally:
        os.close(descriptor)
    assert ready, f"process {pid} still runs after {timeout_s} s"


def wait_until(
    condition: Callable[[], bool], *, what: str, timeout_s: float = DEADLINE_S
) -> None:
    """Ask again and again until a condition holds."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"in {timeout_s} s: no {what}"
        select.select([], [], [], POLL_S)


async def despite_elections(work: Callable[[], Awaitable[Made]]) -> Made:
    """Do some work with a service of several nodes, and all of it again if an election
    came in between, as on a crowded machine; any other failure is the test's."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        try:
            return await work()
        except ClientError as error:
            if not is_of_an_election(error) or time.monotonic() > deadline:
                raise
        await asyncio.sleep(POLL_S)


def is_of_an_election(error: ClientError) -> bool:
    """Return whether a request failed as one may while nodes elect a primary."""
    match error:
        case NotCommitted():
            return error.is_final
        case ServiceError():
            return error.code == VIEW_CHANGED or (
                error.status == _UNAVAILABLE and error.code in NOT_EXECUTED
            )
        case _:
            return isinstance(error, OutcomeUnknown)
