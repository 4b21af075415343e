"""A service of ``app.py`` that grows, with the methods that measurements need."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.harness.processes import family, resident_mib
from benchmarks.harness.service import Service
from benchmarks.harness.works import Work
from ccfpy.client.share import constitution
from ccfpy.local.configuration import Placement, ServiceOptions
from ccfpy.local.network import (
    NODE_PROGRAM,
    ProcessNetwork,
    running_service,
)

APP = Path(__file__).with_name("app.py")
TEXT = "x" * 100
KEYS_PER_FILLING = 1000
WRITTEN = 1000
"""The number of different keys that are written again, spread over all keys."""
REST_S = 1.0
REST_CPU = 0.03
REST_S_MAX = 60
SNAPSHOT_S_MAX = 300
POLL_S = 0.02
SNAPSHOTS = "0.snapshots"


@dataclass(frozen=True, slots=True, kw_only=True)
class Growing:
    """A running service.

    Attributes:
        service: the same service, as loads ask it.
    """

    network: ProcessNetwork
    service: Service

    async def fill(self, first: int, last: int) -> None:
        """Write the values from ``first`` up to before ``last``, and wait until the
        service rests."""
        options, primary = self.network.options, self.network.nodes[0]
        async with self.network.connect(primary, options.users[0]) as user:
            for start in range(first, last, KEYS_PER_FILLING):
                count = min(KEYS_PER_FILLING, last - start)
                body = {"first": start, "count": count, "text": TEXT}
                await user.post("/app/fill", body)
        await self.rest()

    def snapshots(self) -> set[str]:
        """Name the first node's snapshots that are final."""
        folder = self.network.nodes[0].folder / SNAPSHOTS
        return {path.name for path in folder.glob("*.committed")}

    async def wait_snapshot(self, before: set[str]) -> None:
        """Wait for a new snapshot.

        Raises:
            TimeoutError: no new snapshot appears.
        """
        deadline = time.monotonic() + SNAPSHOT_S_MAX
        while self.snapshots() <= before:
            if time.monotonic() > deadline:
                raise TimeoutError(f"no snapshot within {SNAPSHOT_S_MAX} s")
            await asyncio.sleep(POLL_S)

    async def rest(self) -> None:
        """Wait until the service does next to nothing.

        Raises:
            TimeoutError: the service continues to work, so that no measurement would be
                at rest.
        """
        deadline = time.monotonic() + REST_S_MAX
        while time.monotonic() < deadline:
            spent_s = self.service.cpu_s()
            await asyncio.sleep(REST_S)
            if self.service.cpu_s() - spent_s < REST_CPU * REST_S * len(self.pids):
                return
        raise TimeoutError(f"it does not rest within {REST_S_MAX} s")

    @property
    def pids(self) -> tuple[int, ...]:
        """Return each node's host and enclave, in the order of nodes."""
        return tuple(family(node.pid for node in self.network.nodes))

    def resident_mib(self) -> float:
        """Return the memory of all processes."""
        return sum(map(resident_mib, self.pids))

    def cpu_s(self) -> float:
        """Return the processor time of all processes."""
        return self.service.cpu_s()


def writes(keys: int) -> Work:
    """Write to keys that are spread over this number of keys."""
    body = b'{"text": "%b"}' % TEXT.encode()
    head = b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
    count = min(keys, WRITTEN)
    return Work(
        name="a write",
        requests=tuple(
            b"PUT /app/values/%d HTTP/1.1\r\nhost: service\r\n%b%b"
            % (number * keys // count, head, body)
            for number in range(count)
        ),
    )


@asynccontextmanager
async def growing(
    folder: Path,
    nodes: int = 1,
    *,
    snapshot_every: int = 10_000,
    app: str = str(APP),
    signature_ms: int = 100,
    signs_early: bool = True,
) -> AsyncIterator[Growing]:
    """Start a service, open it, and stop it in every case.

    Args:
        folder: the folder for all files.
        nodes: the number of nodes.
        snapshot_every: the number of transactions from one snapshot to the next.
        app: a sample's name or a path, instead of the app that grows.
        signature_ms: the longest time from one signature to the next.
        signs_early: whether nodes sign early, as in a sandbox. CCF knows only the
            interval.
    """
    options = ServiceOptions(
        workspace=folder,
        app=app,
        signature_delay_ms=signature_ms,
        program=NODE_PROGRAM,
        constitution=constitution("default"),
        extra={
            "ledger_signatures": {"early": signs_early},
            "snapshots": {"tx_count": snapshot_every},
        },
        election_timeout_ms=5000,
    )
    async with running_service(options, [Placement()] * nodes) as network:
        ports = tuple(urlsplit(node.url).port or 0 for node in network.nodes)
        yield Growing(
            network=network,
            service=Service(
                host="127.0.0.1",
                port=ports[0],
                ports=ports,
                pids=tuple(family(node.pid for node in network.nodes)),
                common=options.shared,
            ),
        )
