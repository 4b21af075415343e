"""Clients that write all the time, at whichever nodes the service has.

Each write is a message of its own. A write counts as acknowledged once a node has said
that it is committed: from then on no swap of nodes may lose it.
"""

import asyncio
import itertools
import time
from collections.abc import Sequence

from ccfpy.client.connection import Connection
from ccfpy.client.errors import ClientError
from ccfpy.client.keyfiles import read_text
from ccfpy.local.network import ProcessNetwork

REQUEST_TIMEOUT_S = 5.0
COMMIT_TIMEOUT_S = 20.0
READERS = 4


def message(number: int) -> str:
    """Return the message with a number."""
    return f"message {number}"


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
        acknowledged: the numbers of the writes that a node called committed.
        uncertain: how many writes ended without that word.
    """

    def __init__(self, network: ProcessNetwork, *, pause_s: float) -> None:
        self._network = network
        self._pause_s = pause_s
        self._numbers = itertools.count(1)
        self._is_over = asyncio.Event()
        self.answered = Timeline()
        self.acknowledged: set[int] = set()
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

    async def missing(self) -> Sequence[int]:
        """Return the acknowledged writes that some node does not show as written.

        Each node that serves is asked for its share, so that nodes of both programs
        answer.
        """
        urls = self._urls()
        numbers = sorted(self.acknowledged)
        shares = [(url, numbers[at :: len(urls)]) for at, url in enumerate(urls)]
        found = await asyncio.gather(*(self._absent(*share) for share in shares))
        return sorted(itertools.chain.from_iterable(found))

    async def _absent(self, url: str, numbers: Sequence[int]) -> list[int]:
        absent: list[int] = []
        async with self._connect([url]) as connection:

            async def read(share: Sequence[int]) -> None:
                for number in share:
                    reply = await connection.request(
                        "GET", f"/app/log/private?id={number}"
                    )
                    if reply.is_error or reply.object().get("msg") != message(number):
                        absent.append(number)

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
        self.acknowledged.add(number)

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
