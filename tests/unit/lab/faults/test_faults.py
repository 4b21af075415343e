"""Every kind of fault can be made, and a node that dies of a fault is missed."""

import asyncio
import random
import sys
from pathlib import Path

import pytest

from ccfpy.client.share import constitution
from ccfpy.local.configuration import Placement, ServiceOptions
from ccfpy.local.network import NODE_PROGRAM, ProcessNetwork
from ccfpy.local.node import NodeProcess
from tests.lab.faults.faults import _FAULTS, FATAL, NAMESPACED, FaultKind, Means


def test_every_kind_has_its_fault() -> None:
    assert {*_FAULTS, *NAMESPACED} == set(FaultKind)
    assert set(_FAULTS).isdisjoint(NAMESPACED)
    assert set(FATAL) <= set(_FAULTS)


def _exiting(network: ProcessNetwork) -> NodeProcess:
    """Start what stands for a node that has failed, and whose process still runs."""
    waits = (
        "import pathlib, time\nwhile not pathlib.Path('end').exists(): time.sleep(0.01)"
    )
    placement = Placement(program=(sys.executable, "-c", waits))
    node = NodeProcess(network.options, len(network.nodes), placement)
    node.prepare({}, trusted=None)
    node.address = "127.0.0.1:1"  # nobody answers there
    node.has_joined = True
    network.nodes.append(node)
    node.start()
    return node


async def _ended(tmp_path: Path) -> list[bool]:
    options = ServiceOptions(
        workspace=tmp_path,
        app="logging",
        constitution=constitution("default"),
        program=NODE_PROGRAM,
    )
    network = ProcessNetwork(options)
    means = Means(network=network, dice=random.Random(1))
    try:
        await network.begin([Placement()])
        failed = _exiting(network)
        assert failed.is_alive
        async with asyncio.TaskGroup() as group:
            asked = group.create_task(means.has_ended(FaultKind.FULL_DISK, failed))
            await asyncio.sleep(0)
            (failed.folder / "end").touch()
        return [
            asked.result(),
            await means.has_ended(FaultKind.FULL_DISK, network.nodes[0]),
            await means.has_ended(FaultKind.STOP, network.nodes[0]),
            await means.has_ended(FaultKind.KILL, failed),
        ]
    finally:
        network.stop()


@pytest.mark.slow
def test_a_node_that_is_exiting_is_not_taken_for_alive(tmp_path: Path) -> None:
    assert asyncio.run(_ended(tmp_path)) == [True, False, False, True]
