"""The client library while a primary dies: no write is lost, none is applied twice."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ccfpy.base.json import Json, JsonObject
from ccfpy.client.connection import Connection
from ccfpy.client.errors import OutcomeUnknown
from ccfpy.client.share import constitution
from ccfpy.local.configuration import INTERFACE, Placement, ServiceOptions
from ccfpy.local.network import NODE_PROGRAM, ProcessNetwork, running_service

APP = Path(__file__).with_name("failover_app.py")
FORWARDING = "forwarding"
REDIRECT: JsonObject = {
    "to_primary": {"kind": "NodeByRole", "target": {"role": "primary"}}
}
NODES, WRITERS_EACH = 3, 2
WRITES_BEFORE, WRITES_AFTER = 10, 10
DEADLINE_S = 120


@dataclass(slots=True, kw_only=True)
class Writer:
    """Adds one number after the other to a list of its own.

    Attributes:
        committed: numbers whose write is committed.
        unknown: numbers of which the client does not know.
        resent: writes that were lost for certain and sent again.
        at_s: when each write was committed.
    """

    name: str
    connection: Connection
    committed: list[int] = field(default_factory=list)
    unknown: list[int] = field(default_factory=list)
    resent: int = 0
    at_s: list[float] = field(default_factory=list)
    _goal: int = 0
    _is_there: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, is_over: asyncio.Event) -> None:
        number = 0
        async with self.connection:
            while not is_over.is_set():
                number += 1
                try:
                    written = await self.connection.write(
                        "POST",
                        f"/app/lists/{self.name}",
                        json={"number": number},
                        resend_if_lost=5,
                    )
                except OutcomeUnknown:
                    self.unknown.append(number)
                    continue
                self.committed.append(number)
                self.resent += len(written.lost)
                self.at_s.append(time.monotonic())
                if len(self.committed) >= self._goal:
                    self._is_there.set()

    async def wait_for_more(self, count: int) -> None:
        self._goal = len(self.committed) + count
        self._is_there.clear()
        await self._is_there.wait()

    def story(self) -> str:
        pairs = zip(self.at_s, self.at_s[1:], strict=False)
        gap_ms = 1000 * max(after - before for before, after in pairs)
        return (
            f"{self.name}: {len(self.committed)} committed, {len(self.unknown)} "
            f"unknown, {self.resent} resent, longest gap {gap_ms:.0f} ms"
        )


def _options(folder: Path) -> ServiceOptions:
    bind: JsonObject = {"bind_address": "127.0.0.1:0"}
    interfaces: JsonObject = {
        INTERFACE: bind | {"redirections": REDIRECT},
        FORWARDING: bind,
    }
    return ServiceOptions(
        workspace=folder,
        app=str(APP),
        program=NODE_PROGRAM,
        constitution=constitution("default"),
        extra={"network": {"rpc_interfaces": interfaces}},
    )


def _addresses(network: ProcessNetwork, interface: str) -> list[str]:
    found = []
    for node in network.nodes:
        folder = network.options.folder(node.number)
        text = (folder / f"{node.number}.rpc_addresses").read_text()
        found.append(f"https://{json.loads(text)[interface]}")
    return found


def _connection(network: ProcessNetwork, addresses: Sequence[str]) -> Connection:
    return Connection(
        addresses,
        service_certificate=network.options.service_certificate.read_text(),
        identity=network.options.keys("user0"),
        timeout_s=20,
        has_independent_calls=True,
    )


async def _write_while_the_primary_dies(network: ProcessNetwork) -> list[Writer]:
    writers = []
    for interface in (INTERFACE, FORWARDING):
        # The last addresses are those of backups.
        addresses = _addresses(network, interface)[::-1]
        writers += [
            Writer(
                name=f"{interface}-{number}",
                connection=_connection(network, addresses),
            )
            for number in range(WRITERS_EACH)
        ]
    is_over = asyncio.Event()
    async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as group:
        for writer in writers:
            group.create_task(writer.run(is_over))
        await asyncio.gather(*(each.wait_for_more(WRITES_BEFORE) for each in writers))
        network.nodes[0].kill()
        await asyncio.gather(*(each.wait_for_more(WRITES_AFTER) for each in writers))
        is_over.set()
    return writers


async def _lists(
    network: ProcessNetwork, writers: Sequence[Writer]
) -> Mapping[str, Json]:
    addresses = _addresses(network, INTERFACE)
    async with _connection(network, addresses) as anybody:
        return {
            writer.name: (await anybody.get(f"/app/lists/{writer.name}")).json()
            for writer in writers
        }


def test_no_write_is_lost_or_applied_twice_when_the_primary_is_killed(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        places = [Placement()] * NODES
        async with running_service(_options(tmp_path), places) as network:
            writers = await _write_while_the_primary_dies(network)
            lists = await _lists(network, writers)
        for writer in writers:
            shown = lists[writer.name]
            assert isinstance(shown, list)
            applied = Counter(number for number in shown if isinstance(number, int))
            story = writer.story()
            assert set(writer.committed) <= set(applied), story
            assert set(applied) <= {*writer.committed, *writer.unknown}, story
            assert set(applied.values()) == {1}, story

    asyncio.run(run())
