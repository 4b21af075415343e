"""Clients that write and read on all nodes, whatever state those are in.

Each client sends one request at a time to a random node, never the same request twice,
and sometimes asks a node what became of an earlier write.
"""

import asyncio
import random
from collections.abc import Sequence

from ccfpy.base.ids import TxId, View
from ccfpy.client.connection import Connection
from ccfpy.client.errors import ClientError, UnexpectedReply
from ccfpy.client.requests import Reply, text_field
from ccfpy.consensus.status import TxStatus
from ccfpy.local.network import ProcessNetwork
from ccfpy.local.node import NodeProcess
from tests.lab.faults.recorder import Recorder

REQUEST_TIMEOUT_S = 3.0
WRITE_SHARE = 0.6
STATUS_SHARE = 0.3
"""How often a client asks for a status after a request."""
WRITES_PER_OBJECT = 40
"""After so many writes a kind's next object is begun: lists are answered whole."""
KINDS = ("list", "list", "register", "counter")
PROBE_S = 0.04
PROBES_MAX = 40
"""Writes in flight while a service is watched for the first that succeeds again."""
COMMIT_QUESTIONS = 150
RECENT = 30
"""Statuses are asked of the latest so many writes."""


class Clients:
    """A number of clients and what they share.

    Args:
        network: that they ask.
        recorder: of what they do and see.
        user: whose certificate they show.
        pause_s: between two requests of one client.
    """

    def __init__(
        self,
        network: ProcessNetwork,
        recorder: Recorder,
        *,
        user: str,
        pause_s: float,
        dice: random.Random,
    ) -> None:
        self._network = network
        self._recorder = recorder
        self._user = user
        self._pause_s = pause_s
        self._dice = dice
        self._is_over = asyncio.Event()
        self._connections: dict[tuple[str, int], Connection] = {}
        self._objects = dict.fromkeys(KINDS, 0)
        self._written: list[TxId] = []

    def end(self) -> None:
        """End each client after what it is doing."""
        self._is_over.set()

    async def close(self) -> None:
        """Close all connections."""
        for connection in self._connections.values():
            await connection.__aexit__(None, None, None)
        self._connections.clear()

    async def run(self, name: str) -> None:
        """Run one client until the end."""
        dice = random.Random(f"{self._dice.random()} {name}")  # noqa: S311  # no secret
        while not self._is_over.is_set():
            nodes = self._network.serving
            if nodes:
                node = dice.choice(nodes)
                is_write = dice.random() < WRITE_SHARE
                await self.request(name, node, is_write=is_write, dice=dice)
                if self._written and dice.random() < STATUS_SHARE:
                    txid = dice.choice(self._written[-RECENT:])
                    await self.ask_status(name, dice.choice(nodes), txid)
            await asyncio.sleep(self._pause_s)

    async def request(
        self, client: str, node: NodeProcess, *, is_write: bool, dice: random.Random
    ) -> bool:
        """Write or read once; return whether the request succeeded."""
        kind = dice.choice(KINDS)
        key = f"{kind}/{self._objects[kind] // WRITES_PER_OBJECT}"
        if is_write:
            self._objects[kind] += 1
        recorder = self._recorder
        op = recorder.sent(client=client, node=node.name, key=key, is_write=is_write)
        path = f"/app/objects/{key}"
        try:
            connection = await self._connection(client, node)
            if is_write:
                reply = await connection.post(path, {"op": op})
            else:
                reply = await connection.get(path)
            txid, count, tail = _read(reply)
        except ClientError as error:
            recorder.given_up(op, str(error))
            return False
        recorder.answered(op, txid=txid, count=count, tail=tail)
        if is_write:
            self._written.append(txid)
        return True

    async def commits(self, node: NodeProcess) -> bool:
        """Write to a node once and follow the write; return whether it is committed."""
        if not await self.request("probe", node, is_write=True, dice=self._dice):
            await asyncio.sleep(PROBE_S)
            return False
        txid = self._written[-1]
        for _ in range(COMMIT_QUESTIONS):
            await self.ask_status("probe", node, txid)
            if txid not in self._recorder.undecided:
                return self._recorder.is_committed(txid)
            await asyncio.sleep(PROBE_S)
        return False

    async def ask_status(self, client: str, node: NodeProcess, txid: TxId) -> bool:
        """Ask what a node knows of a transaction; return whether it is final."""
        try:
            connection = await self._connection(client, node)
            reply = await connection.get(f"/node/tx?transaction_id={txid}")
            status = TxStatus(text_field(reply.object(), "status"))
        except ClientError:
            return False
        self._recorder.status(client=client, node=node.name, txid=txid, status=status)
        return status in (TxStatus.COMMITTED, TxStatus.INVALID)

    async def decide_all(self, nodes: Sequence[NodeProcess]) -> None:
        """Ask each of these nodes once what became of every undecided write."""
        for txid in tuple(self._recorder.undecided):
            for node in nodes:
                await self.ask_status("c0", node, txid)

    async def probe(
        self, nodes: Sequence[NodeProcess], *, after: View, timeout_s: float
    ) -> float | None:
        """Write to these nodes without waiting until a later view answers one.

        Returns the recorder's time of that answer, or None if none comes in time.
        """
        deadline_s = self._recorder.now_s() + timeout_s
        probes: list[asyncio.Task[bool]] = []
        async with asyncio.TaskGroup() as group:
            while (at_s := self._answered_in(after)) is None:
                if self._recorder.now_s() > deadline_s:
                    break
                probes = [probe for probe in probes if not probe.done()]
                if len(probes) < PROBES_MAX:
                    probes += [
                        group.create_task(
                            self.request("probe", node, is_write=True, dice=self._dice)
                        )
                        for node in nodes
                    ]
                await asyncio.sleep(PROBE_S)
            for probe in probes:
                probe.cancel()
        return at_s

    def _answered_in(self, after: View) -> float | None:
        """Return when the first write of a later view was answered."""
        first: float | None = None
        for at_s, view in reversed(self._recorder.write_answers):
            if view <= after:
                break
            first = at_s
        return first

    async def _connection(self, client: str, node: NodeProcess) -> Connection:
        key = (client, node.number)
        if key not in self._connections:
            connection = self._network.connect(
                node, self._user, timeout_s=REQUEST_TIMEOUT_S, is_repeating=False
            )
            self._connections[key] = await connection.__aenter__()
        return self._connections[key]


def _read(reply: Reply) -> tuple[TxId, int, tuple[int, ...]]:
    """Read an object from an answer.

    Raises:
        UnexpectedReply: the answer is none.
    """
    fields, txid = reply.object(), reply.txid
    count, tail = fields.get("count"), fields.get("tail")
    if txid is None or not isinstance(count, int) or not isinstance(tail, list):
        raise UnexpectedReply(f"not an object: {reply.text[:200]!r}")
    return txid, count, tuple(op for op in tail if isinstance(op, int))
