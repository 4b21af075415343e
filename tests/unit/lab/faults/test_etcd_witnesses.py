"""Watchers and lease holders go on until nodes were read for the last time."""

import asyncio
import random

import pytest

from ccfpy.local.network import NotInTime, ProcessNetwork
from tests.lab.faults.etcd_clients import EtcdClients
from tests.lab.faults.etcd_witnesses import EtcdWitnesses, Witnessed
from tests.lab.faults.recorder import Recorder


def test_where_nothing_happens_nothing_was_seen(network: ProcessNetwork) -> None:
    recorder, dice = Recorder(), random.Random(1)
    clients = EtcdClients(network, recorder, user="user0", pause_s=0.0, dice=dice)
    witnesses = EtcdWitnesses(
        network,
        clients,
        now_s=recorder.now_s,
        election_timeout_s=1.0,
        dice=dice,
    )

    async def witness() -> None:
        with pytest.raises(NotInTime, match=r"no lease .* was granted in 0 s"):
            await witnesses.ready(timeout_s=0)
        async with witnesses.witnessing():
            await witnesses.settle(timeout_s=1.0)

    asyncio.run(witness())
    assert witnesses.nodes == []
    assert witnesses.judge() == Witnessed(
        revisions=0,
        nodes=0,
        watchers=0,
        streams=0,
        events=0,
        leases_ended=0,
        leases_kept_over=0,
    )
