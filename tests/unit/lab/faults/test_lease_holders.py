"""Clients that have leases record what they know of them, and nothing else."""

import asyncio
import random

import pytest

from ccfpy.base.json import JsonObject
from ccfpy.client.errors import UnexpectedReply
from ccfpy.local.network import ProcessNetwork
from ccfpy.local.node import NodeProcess
from tests.lab.faults.etcd_clients import EtcdClients
from tests.lab.faults.lease_holders import LeaseHolders, number_of
from tests.lab.faults.recorder import Recorder


def test_holders_go_on_without_an_answer_until_the_end(
    network: ProcessNetwork, gone: NodeProcess
) -> None:
    dice, recorder, asked = random.Random(1), Recorder(), list[NodeProcess]()
    clients = EtcdClients(network, recorder, user="user0", pause_s=0.0, dice=dice)

    def choose() -> NodeProcess:
        asked.append(gone)
        if len(asked) == 3:
            holders.end()
        return gone

    holders = LeaseHolders(
        clients, choose=choose, now_s=recorder.now_s, election_timeout_s=1.0, dice=dice
    )

    async def hold() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(holders.keep())
            group.create_task(holders.leave_alone())
        await clients.close()

    asyncio.run(hold())
    assert len(asked) >= 3
    assert holders.events == []
    assert holders.kept_over == 0
    assert not holders.has_begun.is_set()
    assert holders.has_ended.is_set()


def test_numbers_are_read_as_the_gateway_writes_them() -> None:
    assert number_of({"ID": "7"}, "ID") == 7
    assert number_of({}, "TTL", default=0) == 0


@pytest.mark.parametrize("told", [{}, {"ID": 7}, {"ID": "x"}])
def test_an_answer_without_a_number_is_refused(told: JsonObject) -> None:
    with pytest.raises(UnexpectedReply, match="no number ID"):
        number_of(told, "ID")
