"""Clients that write all the time, at whichever nodes the service has.

Each write is a message of its own. A write counts as acknowledged once a node has said
that it is committed: from then on no swap of nodes may lose it.
"""

import asyncio
import http
import itertools
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ccfpy.client.connection import Connection
from ccfpy.client.errors import ClientError, ServiceError
from ccfpy.client.keyfiles import read_text
from ccfpy.client.reply import text_field
from ccfpy.local.network import ProcessNetwork

if TYPE_CHECKING:
    from ccfpy.base.ids import TxId

REQUEST_TIMEOUT_S = 5.0
COMMIT_TIMEOUT_S = 20.0
READ_TIMEOUT_S = 30.0
POLL_S = 0.1
READERS = 4


def message(number: int) -> str:
    """Return the message with a number."""
    return f"message {number}"


async def _read(connection: Connection, number: int) -> str | None:
    """Return what a node shows of a write; nothing if it shows none.

    An election ends sessions, which says nothing of the write: then the node is asked
    again.
    """
    deadline = time.monotonic() + READ_TIMEOUT_S
    while True:
        try:
            reply = await connection.get(f"/app/log/private?id={number}")
        except ServiceError as error:
            if error.status == http.HTTPStatus.NOT_FOUND:
                return None
            if time.monotonic() > deadline:
                raise
        except ClientError:
            if time.monotonic() > deadline:
                raise
        else:
            return text_field(reply.object(), "msg")
        await asyncio.sleep(POLL_S)


class Timeline:
    """Times at which something came, and the gaps between them."""

    def __init__(self) -> None:
        self._begun_s = time.monotonic()
        self.times_s: list[float] = []

    def now_s(self) -> float:
        """Return the seconds since the beginning."""
        return time.monotonic() - self._begun_s

    def note(self) -> None:
        """Note that something came now."""
        self.times_s.append(self.now_s())

    def count(self, since_s: float, until_s: float) -> int:
        """Return how often something came between two times."""
        return sum(since_s <= each <= until_s for each in self.times_s)

    def worst_gap_s(self, since_s: float, until_s: float) -> float:
        """Return the longest time in which nothing came, between two times."""
        inside = [each for each in self.times_s if since_s < each < until_s]
        return max(
            after - before
            for before, after in itertools.pairwise([since_s, *inside, until_s])
        )


class Writers:
    """A number of clients, and what they were told.

    Args:
        network: that they ask.
        pause_s: between two writes of one client.

    Attributes:
        answered: when writes were answered.
        acknowledged: the writes that a node called committed, by their numbers.
        uncertain: how many writes ended without that word.
    """

    def __init__(self, network: ProcessNetwork, *, pause_s: float) -> None:
        self._network = network
        self._pause_s = pause_s
        self._numbers = itertools.count(1)
        self._is_over = asyncio.Event()
        self.answered = Timeline()
        self.acknowledged: dict[int, TxId] = {}
        self.uncertain = 0

    def end(self) -> None:
        """End each client after its present write."""
        self._is_over.set()

    async def run(self, first: int) -> None:
        """Write until the end, first at the node of this place among those that serve.

        The client connects anew when the service's nodes have changed.
        """
        while not self._is_over.is_set():
            urls = self._urls()
            turned = urls[first % len(urls) :] + urls[: first % len(urls)]
            async with self._connect(turned) as connection:
                while self._urls() == urls and not self._is_over.is_set():
                    await self._write(connection)
                    await asyncio.sleep(self._pause_s)

    async def missing(self) -> Sequence[str]:
        """Return a sentence about each acknowledged write that a node does not show.

        Each node that serves is asked for its share, so that nodes of both programs
        answer.

        Raises:
            ClientError: a node does not answer for long.
        """
        urls = self._urls()
        numbers = sorted(self.acknowledged)
        shares = [(url, numbers[at :: len(urls)]) for at, url in enumerate(urls)]
        found = await asyncio.gather(*(self._absent(*share) for share in shares))
        return sorted(itertools.chain.from_iterable(found))

    async def _absent(self, url: str, numbers: Sequence[int]) -> list[str]:
        absent: list[str] = []
        async with self._connect([url]) as connection:

            async def read(share: Sequence[int]) -> None:
                for number in share:
                    found = await _read(connection, number)
                    if found != message(number):
                        txid = self.acknowledged[number]
                        absent.append(f"write {number} in {txid}: {url} has {found!r}")

            shares = [numbers[at::READERS] for at in range(READERS)]
            await asyncio.gather(*map(read, shares))
        return absent

    async def _write(self, connection: Connection) -> None:
        number = next(self._numbers)
        body = {"id": number, "msg": message(number)}
        try:
            reply = await connection.post("/app/log/private", body)
            self.answered.note()
            assert reply.txid is not None, "a write is a transaction"
            await connection.wait_committed(reply.txid, timeout_s=COMMIT_TIMEOUT_S)
        except ClientError:
            self.uncertain += 1
            return
        self.acknowledged[number] = reply.txid

    def _urls(self) -> list[str]:
        return [node.url for node in self._network.serving]

    def _connect(self, urls: Sequence[str]) -> Connection:
        options = self._network.options
        return Connection(
            urls,
            service_certificate=read_text(options.service_certificate),
            identity=options.keys(options.users[0]),
            timeout_s=REQUEST_TIMEOUT_S,
        )
