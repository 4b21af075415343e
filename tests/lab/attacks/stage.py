"""A service to be attacked, with its honest client beside it.

Three nodes with CCF's own election timeout: an attack that costs the primary its place
here would do so in production.
"""

import asyncio
import base64
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ccfpy.client.errors import ClientError
from ccfpy.client.governance import read_governance
from ccfpy.client.share import constitution
from ccfpy.local.configuration import Placement, ServiceOptions
from ccfpy.local.network import (
    NODE_PROGRAM,
    NotInTime,
    ProcessNetwork,
    running_service,
)
from ccfpy.local.node import NodeProcess
from tests.lab.attacks import app as attacked_app
from tests.lab.attacks import honest
from tests.lab.attacks.attack import App, Target
from tests.lab.attacks.honest import Answer, is_caught_up, read_answers
from tests.lab.attacks.hostile_scripts import INSTALL, SHORT
from tests.lab.attacks.measuring import (
    children,
    cpu_s,
    folder_bytes,
    processes_of,
    resident_bytes,
)

if TYPE_CHECKING:
    from ccfpy.base.json import JsonObject

NODES = 3
MEMBERS = ("member0", "member1")
USERS = ("user0", "honest")
ELECTION_TIMEOUT_MS = 5000
"""CCF's own default."""
CATCH_UP_TIMEOUT_S = 40.0
POLL_S = 0.05
WARM_UP_S = 3.0
LARGE_VALUES = 4
LARGE_BYTES = 700 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What meters show at one moment.

    Attributes:
        at_s: by the machine's monotonic clock.
        disk_bytes: of the primary's ledger and snapshots.
        view: the highest that a node reports; None if no node answers.
    """

    at_s: float
    cpu_s: float
    memory_bytes: int
    disk_bytes: int
    view: int | None


class Stage:
    """A service with an honest client.

    Args:
        network: the nodes.
        app: of all of them.
        primary: the one that is attacked.
        client: the honest client's process.
        answers: the file that it writes.
    """

    def __init__(
        self,
        network: ProcessNetwork,
        app: App,
        primary: NodeProcess,
        client: subprocess.Popen[bytes],
        answers: Path,
    ) -> None:
        self.network = network
        self.app = app
        self.primary = primary
        self._client = client
        self._answers = answers
        self._nodes = tuple(network.nodes)

    def target(self, folder: Path, *, is_quick: bool) -> Target:
        """Return what an attack gets to know."""
        return Target(
            network=self.network,
            primary=self.primary,
            folder=folder,
            is_quick=is_quick,
        )

    @property
    def lost(self) -> Sequence[str]:
        """Return the names of nodes that ended."""
        return [node.name for node in self._nodes if not node.is_alive]

    @property
    def memory_bytes(self) -> int:
        """Return the resident memory of all nodes, in bytes."""
        return sum(map(resident_bytes, processes_of(self._nodes)))

    async def read(self) -> Reading:
        """Read all meters."""
        ids = processes_of(self._nodes)
        return Reading(
            at_s=time.monotonic(),
            cpu_s=sum(map(cpu_s, ids)),
            memory_bytes=self.memory_bytes,
            disk_bytes=folder_bytes(self.primary.folder),
            view=await self._view(),
        )

    async def _view(self) -> int | None:
        views = []
        for node in self._nodes:
            if not node.is_alive:
                continue
            try:
                async with self.network.connect(node, timeout_s=5) as anybody:
                    fields = (await anybody.get("/node/network")).object()
            except ClientError:
                continue
            view = fields.get("current_view")
            views += [view] if isinstance(view, int) else []
        return max(views, default=None)

    def answers(self) -> list[Answer]:
        """Return all answers that the honest client has had."""
        return list(read_answers(self._answers))

    async def catch_up(self, *, after_s: float) -> bool:
        """Wait until the honest client has an answer to all that it sent before a time.

        Returns:
            Whether that happened before a deadline.
        """
        deadline_s = time.monotonic() + CATCH_UP_TIMEOUT_S
        while not is_caught_up(self.answers(), after_s=after_s):
            if time.monotonic() > deadline_s or self._client.poll() is not None:
                return False
            await asyncio.sleep(POLL_S)
        return True

    def enclave_of(self, node: NodeProcess) -> int:
        """Return the process id of a node's trusted half."""
        (child,) = children(node.pid)
        return child


@asynccontextmanager
async def staged(workspace: Path, app: App) -> AsyncIterator[Stage]:
    """Start a service and its honest client, and stop both in the end.

    Args:
        workspace: a new folder for its files.
        app: which application the nodes serve.

    Raises:
        CcfpyError: the service does not come up.
    """
    options = ServiceOptions(
        workspace=workspace,
        app=app if app is App.ETCD else str(copy_of_app(workspace)),
        constitution=constitution("default"),
        program=NODE_PROGRAM,
        members=MEMBERS,
        users=USERS,
        election_timeout_ms=ELECTION_TIMEOUT_MS,
        has_http2=True,
    )
    async with running_service(options, [Placement()] * NODES) as network:
        primary = await network.primary()
        if app is App.NOTES:
            await _warm_up(network, primary)
        else:
            await _warm_up_etcd(network, primary)
        answers = workspace / "honest.jsonl"
        command = honest.command(
            primary.url,
            service_certificate=options.service_certificate,
            identity=options.keys("honest"),
            app=app,
        )
        with answers.open("wb") as out:
            client = subprocess.Popen(  # noqa: S603, ASYNC220  # ours; no shell
                command, stdin=subprocess.PIPE, stdout=out, cwd=workspace
            )
        try:
            stage = Stage(network, app, primary, client, answers)
            begin_s = time.monotonic()
            if not await stage.catch_up(after_s=begin_s + WARM_UP_S):
                raise NotInTime("the honest client is not answered before any attack")
            yield stage
        finally:
            assert client.stdin is not None
            client.stdin.close()
            client.terminate()
            client.wait()


def copy_of_app(workspace: Path) -> Path:
    """Copy the application out of ccfpy's folder, as a user's application would be.

    A node trusts applications inside ccfpy's folder to end by themselves.
    """
    workspace.mkdir(parents=True, exist_ok=True)
    copy = workspace / "attacked.py"
    shutil.copyfile(attacked_app.__file__, copy)
    return copy


async def _warm_up(network: ProcessNetwork, primary: NodeProcess) -> None:
    """Do once what an attack may do, so that code is loaded and compiled beforehand."""
    await network.govern(
        [{"name": "set_user_data", "args": {"user_id": "0" * 64, "user_data": None}}]
    )
    await network.govern([INSTALL])
    async with network.connect(primary) as anybody:
        for path in ("/node/network/nodes", "/node/api", "/gov/api", SHORT):
            await anybody.request("GET", path)
        await read_governance(anybody, "members/proposals")


async def _warm_up_etcd(network: ProcessNetwork, primary: NodeProcess) -> None:
    """Keep some large values, as any service does that is in use."""
    async with network.connect(primary, USERS[0]) as user:
        for number in range(LARGE_VALUES):
            key = base64.b64encode(b"large %d" % number).decode()
            value = base64.b64encode(bytes(LARGE_BYTES)).decode()
            body: JsonObject = {"key": key, "value": value}
            (await user.request("POST", "/v3/kv/put", json=body)).raise_for_error()
