"""Watchers of all keys of etcd, which begin again after their last revision.

There are as many as nodes. Each watches on a node that the others leave alone, if there
is one, until the node ends the stream or the watcher has enough of it.
"""

import asyncio
import random
import ssl
from collections import Counter
from collections.abc import Callable, Sequence

from apps.etcd.messages import (
    Event,
    EventType,
    WatchCreateRequest,
    WatchRequest,
    WatchResponse,
)
from apps.etcd.store import ALL
from apps.etcd.wire import decode, encode
from ccfpy.client.keys import Identity
from ccfpy.local.network import NotInTime, ProcessNetwork
from ccfpy.local.node import NodeProcess
from tests.lab.consistency.watched import Kept, Told
from tests.lab.faults.grpc_stream import CallEnded, GrpcStream, grpc_context

WATCH = "/etcdserverpb.Watch/Watch"
FIRST_REVISION = 2
"""Of a store's first change."""
RESPONSES_MAX = 300
"""A watcher begins again after so many responses at most."""
PAUSE_S = 0.1
"""Before a stream is begun again, and between two looks how far watchers are."""


class Watcher:
    """One watcher, over all its streams.

    Attributes:
        told: each event, as it came.
        revision: the last revision that was told.
        streams: how many streams it has had.
        trouble: why the last of them ended.
    """

    def __init__(self, dice: random.Random) -> None:
        self.told: list[Told] = []
        self.revision = FIRST_REVISION - 1
        self.streams = 0
        self.trouble = ""
        self._dice = dice

    async def watch(self, url: str, context: ssl.SSLContext) -> None:
        """Watch by one stream, until it ends or was long enough."""
        most = self._dice.randint(1, RESPONSES_MAX)
        try:
            async with GrpcStream.open(url, WATCH, context) as stream:
                await stream.say(encode(_all_from(self.revision + 1)))
                self.streams += 1
                while most > 0:
                    for message in await stream.hear():
                        self.take(decode(WatchResponse, message))
                        most -= 1
        except CallEnded as error:
            self.trouble = str(error)

    def take(self, response: WatchResponse) -> None:
        """Take what a node says.

        Raises:
            CallEnded: the node has cancelled the watch.
        """
        if response.canceled:
            raise CallEnded(f"cancelled: {response.cancel_reason}")
        for event in response.events:
            told = told_of(event)
            self.told.append(told)
            self.revision = told.revision


def _all_from(revision: int) -> WatchRequest:
    return WatchRequest(
        create_request=WatchCreateRequest(
            key=b"\x00", range_end=ALL, start_revision=revision
        )
    )


def told_of(event: Event) -> Told:
    """Return what an event says."""
    kv = event.kv
    assert kv is not None, "every event is of a key"
    now = Kept(
        value=kv.value.decode(),
        version=kv.version,
        created=kv.create_revision,
        modified=kv.mod_revision,
    )
    return Told(
        revision=kv.mod_revision,
        key=kv.key.decode(),
        now=None if event.type == EventType.DELETE else now,
    )


class Watchers:
    """All watchers of a run.

    Args:
        network: that they watch.
        count: how many.
        identity: whose certificate they show.
        dice: decide how long their streams are.
    """

    def __init__(
        self,
        network: ProcessNetwork,
        *,
        count: int,
        identity: Identity,
        dice: random.Random,
    ) -> None:
        self._network = network
        self._identity = identity
        self._watched: Counter[int] = Counter()
        self.each = [Watcher(dice) for _ in range(count)]

    async def run(self, watcher: Watcher) -> None:
        """Run a watcher until its task is cancelled."""
        certificate = self._network.options.service_certificate.read_text()
        context = grpc_context(certificate, self._identity)
        while True:
            node = least_watched(self._network.serving, self._watched)
            if node is not None and node.http2_url is not None:
                self._watched[node.number] += 1
                try:
                    await watcher.watch(node.http2_url, context)
                finally:
                    self._watched[node.number] -= 1
            await asyncio.sleep(PAUSE_S)

    async def reach(
        self, revision: int, *, now_s: Callable[[], float], timeout_s: float
    ) -> None:
        """Wait until every watcher was told of a revision.

        Raises:
            NotInTime: one was not.
        """
        deadline_s = now_s() + timeout_s
        while any(watcher.revision < revision for watcher in self.each):
            if now_s() > deadline_s:
                told = ", ".join(
                    f"{watcher.revision} ({watcher.trouble})" for watcher in self.each
                )
                raise NotInTime(
                    f"watchers were told up to revisions {told} in {timeout_s:g} s, "
                    f"where the last is {revision}"
                )
            await asyncio.sleep(PAUSE_S)


def least_watched(
    nodes: Sequence[NodeProcess], watched: Counter[int]
) -> NodeProcess | None:
    """Return the node that the fewest watch, if there is any."""
    return min(nodes, key=lambda node: watched[node.number], default=None)
