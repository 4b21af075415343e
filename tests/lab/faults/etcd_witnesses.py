"""Who sees what etcd's keys do beside the clients of a run: watchers, lease holders.

They go on while faults come, and until all nodes were read for the last time. Then what
they saw is judged.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

from ccfpy.client.errors import ClientError
from ccfpy.local.network import NotInTime, ProcessNetwork
from ccfpy.local.node import NodeProcess
from tests.lab.consistency.leases import Tolerance, check_leases
from tests.lab.consistency.watched import Kept, Known, check_watched
from tests.lab.faults.etcd_clients import EtcdClients
from tests.lab.faults.lease_holders import LeaseHolders
from tests.lab.faults.watchers import FIRST_REVISION, Watchers

CLOCK_S = 1.0
"""How late a lease may end beyond what its primary's clock may stand still: nodes look
for leases that have ended once a second."""
RETRANSMISSION_S = 15.0
"""How long TCP may take to bring a call that a fault held up."""
HOLD_TIMEOUTS = 4
"""How long a fault lasts at most, in election timeouts."""
PAUSE_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Witnessed:
    """What witnesses saw, and was as it must be.

    Attributes:
        revisions: the last revision that all nodes were read at.
        nodes: how many nodes were read in the end.
        watchers: how many watchers there were.
        streams: how many streams they had.
        events: how many events they were told.
        leases_ended: how many leases were seen to end.
        leases_kept_over: how often a lease was kept alive over a change of primary.
    """

    revisions: int
    nodes: int
    watchers: int
    streams: int
    events: int
    leases_ended: int
    leases_kept_over: int


class EtcdWitnesses:
    """The watchers and the lease holders of one run.

    Args:
        network: that they ask.
        clients: whose connections lease holders use.
        now_s: the clock of the run.
        election_timeout_s: of the nodes.
        dice: decide what they do.
    """

    def __init__(
        self,
        network: ProcessNetwork,
        clients: EtcdClients,
        *,
        now_s: Callable[[], float],
        election_timeout_s: float,
        dice: random.Random,
    ) -> None:
        options = network.options
        self._network = network
        self._clients = clients
        self._now_s = now_s
        self._watchers = Watchers(
            network,
            count=len(network.nodes),
            identity=options.keys(options.users[0]),
            dice=dice,
        )
        self._holders = LeaseHolders(
            clients,
            choose=lambda: dice.choice(network.serving),
            now_s=now_s,
            election_timeout_s=election_timeout_s,
            dice=dice,
        )
        self._tolerance = Tolerance(
            early_s=election_timeout_s,
            late_s=election_timeout_s + CLOCK_S,
            lingering_s=HOLD_TIMEOUTS * election_timeout_s + RETRANSMISSION_S,
        )
        self._last: tuple[int, Mapping[str, Kept]] = 0, {}
        self._nodes: list[str] = []

    @contextlib.asynccontextmanager
    async def witnessing(self) -> AsyncIterator[None]:
        """Run all of them meanwhile."""
        async with asyncio.TaskGroup() as group:
            watching = [
                group.create_task(self._watchers.run(each))
                for each in self._watchers.each
            ]
            holding = [
                group.create_task(self._holders.keep()),
                group.create_task(self._holders.leave_alone()),
            ]
            try:
                yield
            finally:
                for task in (*watching, *holding):
                    task.cancel()

    async def ready(self, *, timeout_s: float) -> None:
        """Wait until a lease is held that is to be kept alive over faults.

        Raises:
            NotInTime: none could be had.
        """
        begun = self._holders.has_begun
        await _in_time(begun, timeout_s, "no lease to keep alive was granted")

    async def settle(self, *, timeout_s: float) -> None:
        """Read all nodes for the last time, and wait until watchers know as much.

        Raises:
            NotInTime: a node does not answer, a watcher is not told, or a lease that is
                kept alive can neither be renewed nor is gone.
        """
        self._holders.end()
        for is_serializable in (False, True):
            for node in self._network.serving:
                last = await self._read(
                    node, is_serializable=is_serializable, timeout_s=timeout_s
                )
                self._last = max(self._last, last, key=lambda each: each[0])
        self._nodes = [node.name for node in self._network.serving]
        await self._watchers.reach(
            self._last[0], now_s=self._now_s, timeout_s=timeout_s
        )
        ended = self._holders.has_ended
        await _in_time(ended, timeout_s, "a lease was not renewed")

    async def _read(
        self, node: NodeProcess, *, is_serializable: bool, timeout_s: float
    ) -> tuple[int, Mapping[str, Kept]]:
        deadline_s = self._now_s() + timeout_s
        while True:
            try:
                return await self._clients.read_last(
                    node, least=self._last[0], is_serializable=is_serializable
                )
            except ClientError as error:
                if self._now_s() > deadline_s:
                    raise NotInTime(
                        f"{node.name} was not read in {timeout_s:g} s: {error}"
                    ) from error
            await asyncio.sleep(PAUSE_S)

    @property
    def nodes(self) -> list[str]:
        """The names of the nodes that were read in the end."""
        return self._nodes

    def judge_leases(self) -> int:
        """Judge what was seen of leases; return how many ended.

        Raises:
            Inconsistent: a lease did not do what it must.
        """
        return check_leases(self._holders.events, self._tolerance)

    def judge(self) -> Witnessed:
        """Judge all that was seen, once nodes were read for the last time.

        Raises:
            Inconsistent: something was not as it must be.
        """
        revision, kept = self._last
        watchers = self._watchers.each
        events = check_watched(
            {f"w{number}": each.told for number, each in enumerate(watchers)},
            Known(
                first=FIRST_REVISION,
                last=revision,
                writes=self._clients.writes,
                kept=kept,
            ),
        )
        return Witnessed(
            revisions=revision,
            nodes=len(self._nodes),
            watchers=len(watchers),
            streams=sum(each.streams for each in watchers),
            events=events,
            leases_ended=self.judge_leases(),
            leases_kept_over=self._holders.kept_over,
        )


async def _in_time(event: asyncio.Event, timeout_s: float, missing: str) -> None:
    """Wait for an event.

    Raises:
        NotInTime: with what is missing then.
    """
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError as error:
        raise NotInTime(f"{missing} in {timeout_s:g} s") from error
