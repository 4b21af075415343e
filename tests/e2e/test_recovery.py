"""All nodes of a service are lost; it is brought back from one ledger, by its members.

The service that takes its place is of three nodes from the beginning, as operators
would have it: one recovers, two join while only the public state is there.
"""

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ccfpy.base.ids import TxId
from ccfpy.client.connection import Connection
from ccfpy.client.errors import Unreachable
from ccfpy.client.receipts import fetch_receipt, verify_receipt
from ccfpy.client.reply import text_field
from ccfpy.client.share import constitution
from ccfpy.ledger.audit import ChunkFile, Damage, ServiceSeen, Summary, audit
from ccfpy.ledger.chunk import ChunkName, arrange
from ccfpy.testing.processes.configuration import Placement, Remains, ServiceOptions
from ccfpy.testing.processes.network import NODE_PROGRAM, PUBLIC, ProcessNetwork
from ccfpy.testing.processes.node import NodeProcess
from tests.e2e.running import wait_until

MESSAGES = 12
"""Enough for several ledger files of the size below."""


@dataclass(slots=True, kw_only=True)
class Recovered:
    """A service that was lost and is back.

    Attributes:
        lost: the nodes it had, all killed.
        nodes: those that took their place.
        remains: what they began with.
        names: of the ledger files of each of them, before the service opened.
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
        members=[f"member{i}" for i in range(3)],
        constitution=constitution("default"),
        chunk_size="20KB",
    )


def files(node: NodeProcess) -> list[str]:
    return sorted(path.name for path in node.ledger.iterdir())


async def write(network: ProcessNetwork, first: int, count: int) -> TxId:
    """Write private messages as a user; wait until all are committed."""
    primary = await network.primary()
    last: TxId | None = None
    async with network.connect(primary, "user0") as user:
        for number in range(first, first + count):
            body = {"id": number, "msg": f"secret {number}" + "." * 2000}
            last = (await user.post("/app/log/private", body)).txid
        assert last is not None
        await user.wait_committed(last)
    return last


async def read(network: ProcessNetwork, node: NodeProcess, number: int) -> str:
    async with network.connect(node, "user0") as user:
        reply = await user.get(f"/app/log/private?id={number}")
    return text_field(reply.object(), "msg").rstrip(".")


async def lose(network: ProcessNetwork) -> TxId:
    """Run a service of three nodes for a while, and kill all of them."""
    await network.begin([Placement() for _ in range(3)])
    await network.open()
    written = await write(network, 0, MESSAGES)
    for node in network.nodes:
        node.kill()
    return written


def remains_of(node: NodeProcess, network: ProcessNetwork) -> Remains:
    """Copy what an operator would save: committed files to where nobody writes."""
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


@pytest.fixture(scope="module")
def recovered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recovered]:
    """A service that was lost and is back; the tests of this module share it."""
    network = ProcessNetwork(options_in(tmp_path_factory.mktemp("recovered")))
    try:
        yield asyncio.run(recover(network))
    finally:
        network.stop()


def test_every_node_reads_what_was_private_in_the_lost_service(
    recovered: Recovered,
) -> None:
    async def read_everywhere() -> list[str]:
        return [
            await read(recovered.network, node, number)
            for node in recovered.nodes
            for number in (0, MESSAGES - 1)
        ]

    assert asyncio.run(read_everywhere()) == ["secret 0", f"secret {MESSAGES - 1}"] * 3


def test_its_files_were_provisional_until_it_opened(recovered: Recovered) -> None:
    for names in recovered.names:
        assert any(name.endswith(".recovery") for name in names)
    for node in recovered.nodes:
        wait_until(
            lambda node=node: not any("recovery" in name for name in files(node)),  # type: ignore[misc]
            what=f"the ledger of {node.name} to be kept",
        )


def test_the_service_goes_on_in_a_view_of_its_own(recovered: Recovered) -> None:
    network = recovered.network

    async def go_on() -> TxId:
        after = await write(network, 100, 3)
        primary = await network.primary()
        async with network.connect(primary) as anybody:
            told = (await anybody.get("/node/network")).object()
            assert told["service_status"] == "Open"
            assert told["recovery_count"] == 1
            previous = await anybody.get("/node/service/previous_identity")
            assert (
                text_field(previous.object(), "previous_service_identity")
                == recovered.remains.identity.read_text()
            )
        for node in recovered.nodes:
            async with network.connect(node) as anybody:
                await anybody.wait_committed(after)
            assert await read(network, node, 102) == "secret 102"
        return after

    after = asyncio.run(go_on())
    assert after.view >= recovered.written.view + 2
    assert after.seqno > recovered.written.seqno


def test_the_new_services_certificate_proves_what_it_did(recovered: Recovered) -> None:
    network = recovered.network

    async def prove() -> None:
        txid = await write(network, 200, 1)
        primary = await network.primary()
        async with network.connect(primary, "user0") as user:
            receipt = await fetch_receipt(user, txid)
            verify_receipt(
                receipt, service_certificate=user.service_certificate, txid=txid
            )

    asyncio.run(prove())


def test_a_client_of_the_lost_service_does_not_trust_the_new_one(
    recovered: Recovered,
) -> None:
    async def ask() -> None:
        pinned = recovered.remains.identity.read_text()
        url = recovered.nodes[0].url
        async with Connection(url, service_certificate=pinned) as client:
            await client.get("/node/network")

    with pytest.raises(Unreachable):
        asyncio.run(ask())


@pytest.mark.parametrize("number", range(3))
def test_an_auditor_follows_the_ledger_from_one_service_to_the_next(
    recovered: Recovered, number: int
) -> None:
    """The node that recovered has the beginning where its operator put it."""
    folders = [recovered.nodes[number].ledger]
    if number == 0:
        folders += recovered.remains.read_only
    found = {path.name: path for folder in folders for path in folder.iterdir()}
    findings = list(
        audit(
            ChunkFile(str(name), found[str(name)].read_bytes)
            for name in arrange(name for name in found if "ignored" not in name)
        )
    )
    assert not [finding for finding in findings if isinstance(finding, Damage)]
    summary = findings[-1]
    assert isinstance(summary, Summary)
    assert summary.last_signed is not None
    assert summary.last_signed.view > recovered.written.view
    services = [
        finding.service.pem
        for finding in findings
        if isinstance(finding, ServiceSeen) and finding.is_new_identity
    ]
    assert services == [
        recovered.remains.identity.read_text(),
        recovered.network.options.service_certificate.read_text(),
    ]
