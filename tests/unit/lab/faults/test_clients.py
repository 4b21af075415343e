"""Clients whose service is gone record what they sent, and that nothing came back."""

import asyncio
import random
from pathlib import Path

from ccfpy.client.keyfiles import generate_keys
from ccfpy.local.configuration import Placement, ServiceOptions
from ccfpy.local.network import ProcessNetwork
from ccfpy.local.node import NodeProcess
from tests.lab.consistency import History, check
from tests.lab.faults.clients import Clients
from tests.lab.faults.recorder import Recorder


def test_requests_to_a_node_that_is_gone_have_unknown_outcomes(tmp_path: Path) -> None:
    options = ServiceOptions(
        workspace=tmp_path, app="faults", constitution=(), program=("node",)
    )
    generate_keys(options.keys("user0"), with_encryption_key=False)
    certificate = options.keys("user0").certificate.read_text()
    options.service_certificate.write_text(certificate)
    node = NodeProcess(options, 0, Placement())
    node.address = "127.0.0.1:1"  # nothing listens there
    recorder = Recorder()
    dice = random.Random(1)
    clients = Clients(
        ProcessNetwork(options), recorder, user="user0", pause_s=0.0, dice=dice
    )

    async def ask() -> None:
        for is_write in (True, False):
            assert not await clients.request("c", node, is_write=is_write, dice=dice)
        assert not await clients.commits(node)
        assert await clients.probe([node], after=2, timeout_s=0.1) is None
        await clients.close()

    asyncio.run(ask())
    found = check(History(events=recorder.events))
    assert found.writes >= 3
    assert found.unknown == found.writes
    assert found.reads == 0
