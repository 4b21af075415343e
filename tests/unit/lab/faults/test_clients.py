"""Clients whose service is gone record what they sent, and that nothing came back."""

import asyncio
import random

from ccfpy.local.network import ProcessNetwork
from ccfpy.local.node import NodeProcess
from tests.lab.consistency import History, check
from tests.lab.faults.clients import Clients
from tests.lab.faults.recorder import Recorder


def test_requests_to_a_node_that_is_gone_have_unknown_outcomes(
    network: ProcessNetwork, gone: NodeProcess
) -> None:
    recorder = Recorder()
    dice = random.Random(1)
    clients = Clients(network, recorder, user="user0", pause_s=0.0, dice=dice)

    async def ask() -> None:
        for is_write in (True, False):
            assert not await clients.request("c", gone, is_write=is_write, dice=dice)
        assert not await clients.commits(gone)
        assert await clients.probe([gone], after=2, timeout_s=0.1) is None
        await clients.close()

    asyncio.run(ask())
    found = check(History(events=recorder.events))
    assert found.writes >= 3
    assert found.unknown == found.writes
    assert found.reads == 0
