"""A service that has lost all its nodes, and that members recover from one ledger.

The new service has three nodes from the beginning, as operators would have it: one node
recovers, and two join while the service has only its public state.
"""

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ccfpy.base.ids import TxId
from ccfpy.client.requests import text_field
from ccfpy.client.share import constitution
from ccfpy.ledger.chunk import ChunkName
from ccfpy.local.configuration import Placement, Remains, ServiceOptions
from ccfpy.local.network import NODE_PROGRAM, PUBLIC, ProcessNetwork
from ccfpy.local.node import NodeProcess
from tests.e2e.running import DEADLINE_S, despite_elections

MESSAGES = 12
"""Enough for several ledger files of the size below."""


@dataclass(slots=True, kw_only=True)
class Recovered:
    """A service that was lost and has been recovered.

    Attributes:
        lost: its former nodes, all killed.
        nodes: the nodes that replaced them.
        remains: the files with which these nodes began.
        names: the names of the ledger files of each node, before the service opened.
        written: the last transaction before the loss.
    """

    network: ProcessNetwork
    lost: list[NodeProcess]
    nodes: list[NodeProcess]
    remains: Remains
    names: list[list[str]] = field(default_factory=list)
    written: TxId


def options_in(workspace: Path) -> ServiceOptions:
    return ServiceOptions(
        workspace=workspace,
        app="logging",
        program=NODE_PROGRAM,
        election_timeout_ms=10_000,  # a pause of a crowded machine elects nobody
        members=[f"member{i}" for i in range(3)],
        constitution=constitution("default"),
        chunk_size="20KB",
    )


def files(node: NodeProcess) -> list[str]:
    return sorted(path.name for path in node.ledger.iterdir())


async def write(
    network: ProcessNetwork, first: int, count: int, *, padding: int = 2000
) -> TxId:
    """Write private messages as a user; wait until all are committed."""

    async def write_all() -> TxId:
        primary = await network.primary()
        last: TxId | None = None
        async with network.connect(primary, "user0") as user:
            for number in range(first, first + count):
                body = {"id": number, "msg": f"secret {number}" + "." * padding}
                last = (await user.post("/app/log/private", body)).txid
            assert last is not None
            await user.wait_committed(last)
        return last

    return await despite_elections(write_all)


async def read(network: ProcessNetwork, node: NodeProcess, number: int) -> str:
    async with network.connect(node, "user0") as user:
        reply = await user.get(f"/app/log/private?id={number}")
    return text_field(reply.object(), "msg").rstrip(".")


async def lose(network: ProcessNetwork) -> TxId:
    """Run a service of three nodes for a while, and kill all of them.

    Each node's ledger then has all that was written: any of them can be recovered.
    """
    await network.begin([Placement() for _ in range(3)])
    await network.open()
    written = await write(network, 0, MESSAGES)
    for node in network.nodes:
        async with network.connect(node) as anybody:
            await anybody.wait_committed(written, timeout_s=DEADLINE_S)
    for node in network.nodes:
        node.kill()
    return written


def remains_of(node: NodeProcess, network: ProcessNetwork) -> Remains:
    """Copy the files that an operator would save: committed files, where nobody
    writes."""
    folder = network.options.workspace / "saved"
    current, committed = folder / "current", folder / "committed"
    for path in (current, committed):
        path.mkdir(parents=True)
    for file in node.ledger.iterdir():
        is_committed = ChunkName.parse(file.name).is_committed
        shutil.copy(file, committed if is_committed else current)
    identity = folder / "lost_cert.pem"
    shutil.copy(network.options.service_certificate, identity)
    return Remains(identity=identity, ledger=current, read_only=[committed])


async def recover(network: ProcessNetwork) -> Recovered:
    written = await lose(network)
    lost = list(network.nodes)
    remains = remains_of(lost[1], network)
    first = await network.recover(Placement(), remains)
    joiners = [network.launch(Placement()) for _ in range(2)]
    for node in joiners:
        await node.wait_started()
    for node in joiners:
        await network.wait_joined(node, state=PUBLIC)
    made = Recovered(
        network=network,
        lost=lost,
        nodes=[first, *joiners],
        remains=remains,
        written=written,
    )
    made.names = [files(node) for node in made.nodes]
    await network.bring_back(remains)
    for node in made.nodes:
        await network.wait_joined(node)
    return made


@contextmanager
def recovered_service(workspace: Path) -> Iterator[Recovered]:
    """Lose a service and recover it, and stop its nodes in every case."""
    network = ProcessNetwork(options_in(workspace))
    try:
        yield asyncio.run(recover(network))
    finally:
        network.stop()
