"""The compose file's service opens, whichever of its nodes is the primary."""

import asyncio
from pathlib import Path

import pytest

from ccfpy.client.share import constitution
from ccfpy.local.configuration import Placement, ServiceOptions
from ccfpy.local.network import NODE_PROGRAM, ProcessNetwork
from deploy.compose import open as opening


@pytest.fixture
def options(tmp_path: Path) -> ServiceOptions:
    return ServiceOptions(
        workspace=tmp_path,
        app="logging",
        program=NODE_PROGRAM,
        members=opening.MEMBERS,
        users=opening.USERS,
        constitution=constitution("default"),
        election_timeout_ms=1000,
    )


async def _open_during_an_election(network: ProcessNetwork) -> None:
    await network.begin([Placement()] * 3)
    first = network.nodes[0]
    addresses = [node.url.removeprefix("https://") for node in network.nodes]
    first.pause()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(opening.main(addresses))
        try:
            await network.primary(other_than=first)
        finally:
            first.resume()


def test_the_service_opens_although_its_first_node_stops_leading(
    options: ServiceOptions,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CCFPY_COMMON", str(options.shared))
    network = ProcessNetwork(options)
    try:
        asyncio.run(_open_during_an_election(network))
    finally:
        network.stop()
    said = capsys.readouterr().out
    assert said == "the service is open; 3 nodes keep its ledger\n"
