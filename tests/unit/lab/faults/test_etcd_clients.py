"""Clients of etcd's keys: what they record, and what they read from answers."""

import asyncio
import base64
import random

import pytest

from ccfpy.base.json import JsonObject
from ccfpy.client.errors import ClientError, UnexpectedReply
from ccfpy.local.network import ProcessNetwork
from ccfpy.local.node import NodeProcess
from tests.lab.consistency import History, check
from tests.lab.consistency.history import GivenUp
from tests.lab.consistency.last_reads import check_last_reads
from tests.lab.consistency.linearizable import NOT_EQUAL, check_linearizable
from tests.lab.faults.etcd_clients import EtcdClients, object_of, revision_of
from tests.lab.faults.recorder import Recorder


def test_calls_of_a_node_that_is_gone_have_unknown_outcomes(
    network: ProcessNetwork, gone: NodeProcess
) -> None:
    recorder = Recorder()
    dice = random.Random(1)
    clients = EtcdClients(network, recorder, user="user0", pause_s=0.0, dice=dice)

    async def ask() -> None:
        for client in ("c", "probe"):
            for is_write in (True, False):
                assert not await clients.request(
                    client, gone, is_write=is_write, dice=dice
                )
        for is_serializable in (False, True):
            with pytest.raises(ClientError):
                await clients.read_last(gone, is_serializable=is_serializable)
        with pytest.raises(ClientError):
            await clients.put("c", gone, key="k", value="v", lease=7)
        await clients.close()

    asyncio.run(ask())
    found = check(History(events=recorder.events))
    assert (found.writes, found.unknown, found.reads) == (1, 1, 0)
    assert check_last_reads(recorder.events, ()) == 0
    assert clients.writes == {}
    assert check_linearizable(recorder.events) == 0
    reasons = [each.reason for each in recorder.events if isinstance(each, GivenUp)]
    assert len(reasons) == 6  # the latter two are the last reads'
    assert NOT_EQUAL not in reasons


def _told(value: str) -> JsonObject:
    kept = base64.b64encode(value.encode()).decode()
    return {"kvs": [{"mod_revision": "7", "value": kept}]}


def test_an_object_has_a_revision_and_writes() -> None:
    assert object_of({"header": {}}) == (0, 0, ())
    assert object_of(_told('{"count": 3, "tail": [4, 9]}')) == (7, 3, (4, 9))


@pytest.mark.parametrize("value", ["", "{}", "[]", '{"count": "x", "tail": []}'])
def test_an_answer_without_an_object_is_refused(value: str) -> None:
    with pytest.raises(UnexpectedReply, match="not an object"):
        object_of(_told(value))


def test_an_answer_has_the_revision_of_the_store() -> None:
    assert revision_of({"header": {"revision": "9"}}) == 9


@pytest.mark.parametrize("told", [{}, {"header": {}}, {"header": {"revision": "x"}}])
def test_an_answer_without_a_revision_is_refused(told: JsonObject) -> None:
    with pytest.raises(UnexpectedReply, match="no revision"):
        revision_of(told)
