"""Watchers of etcd's keys: what they read from answers, and where they watch."""

import asyncio
import random
from collections import Counter

import pytest

from apps.etcd.messages import Event, EventType, KeyValue, WatchResponse
from ccfpy.local.configuration import Placement, ServiceOptions
from ccfpy.local.network import NotInTime, ProcessNetwork
from ccfpy.local.node import NodeProcess
from tests.lab.consistency.watched import Kept, Told
from tests.lab.faults.grpc_stream import CallEnded, grpc_context
from tests.lab.faults.watchers import (
    FIRST_REVISION,
    Watcher,
    Watchers,
    least_watched,
    told_of,
)


def _event(revision: int) -> Event:
    kv = KeyValue(
        key=b"k",
        value=b"v",
        create_revision=2,
        mod_revision=revision,
        version=revision - 1,
    )
    return Event(type=EventType.PUT, kv=kv)


def test_an_event_is_read_as_it_was_told() -> None:
    kept = Kept(value="v", version=3, created=2, modified=4)
    assert told_of(_event(4)) == Told(revision=4, key="k", now=kept)
    gone = Event(type=EventType.DELETE, kv=KeyValue(key=b"k", mod_revision=5))
    assert told_of(gone) == Told(revision=5, key="k", now=None)


def test_a_watcher_knows_the_last_revision_that_it_was_told() -> None:
    watcher = Watcher(random.Random(1))
    watcher.take(WatchResponse(created=True))
    assert watcher.revision == FIRST_REVISION - 1
    watcher.take(WatchResponse(events=(_event(2), _event(3))))
    assert (watcher.revision, len(watcher.told)) == (3, 2)
    with pytest.raises(CallEnded, match="too much"):
        watcher.take(WatchResponse(canceled=True, cancel_reason="too much"))


def test_the_node_is_watched_that_the_fewest_watch(options: ServiceOptions) -> None:
    nodes = [NodeProcess(options, number, Placement()) for number in range(3)]
    assert least_watched(nodes, Counter({0: 1, 2: 1})) is nodes[1]
    assert least_watched(nodes, Counter()) is nodes[0]
    assert least_watched([], Counter()) is None


def test_a_watcher_of_nobody_is_not_told_in_time(network: ProcessNetwork) -> None:
    identity = network.options.keys("user0")
    watchers = Watchers(network, count=2, identity=identity, dice=random.Random(1))
    clock = iter(range(100))

    async def wait(revision: int) -> None:
        async with asyncio.TaskGroup() as group:
            running = group.create_task(watchers.run(watchers.each[0]))
            await watchers.reach(revision, now_s=lambda: next(clock), timeout_s=2)
            running.cancel()

    asyncio.run(wait(FIRST_REVISION - 1))
    with pytest.raises(ExceptionGroup) as error:
        asyncio.run(wait(FIRST_REVISION))
    assert error.group_contains(NotInTime, match="where the last is 2")


def test_a_stream_to_a_node_that_is_gone_ends(options: ServiceOptions) -> None:
    identity = options.keys("user0")
    watcher = Watcher(random.Random(1))

    async def watch() -> None:

        context = grpc_context(identity.certificate.read_text(), identity)
        await watcher.watch("https://127.0.0.1:1", context)

    asyncio.run(watch())
    assert (watcher.streams, watcher.told) == (0, [])
    assert "no connection" in watcher.trouble
