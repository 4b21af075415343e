"""Clients that write all the time, at whichever nodes the service has.

Each write is a message of its own, and every other write goes to a public table. An
answer to a write is no promise. A write counts as acknowledged once a node has said
that its transaction is committed: from then on no swap of nodes may lose the write. A
transaction that a node called invalid must never appear.
"""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ccfpy.base.errors import CcfpyError
from ccfpy.client.connection import Connection
from ccfpy.client.errors import ClientError, NotCommitted
from ccfpy.client.keys import read_text
from ccfpy.local.network import ProcessNetwork
from tests.lab.moving.reading import Absent, Acknowledged, look_up, message, path

if TYPE_CHECKING:
    from ccfpy.base.ids import TxId

REQUEST_TIMEOUT_S = 5.0
COMMIT_TIMEOUT_S = 20.0
READERS = 4
STALL_POLL_S = 0.1
EXCERPT = 100
"""Characters of an unexpected answer that are shown."""


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


class AnswerOfAnother(CcfpyError):
    """A write was answered with what cannot be an answer to a write."""


class Observed(Connection):
    """A connection of which can be said which node answered."""

    @property
    def url_of_answer(self) -> str:
        """The address that answered last."""
        return self._addresses.order(is_write=False)[0]


class Writers:
    """A number of clients, and what they were told.

    Args:
        network: that they ask.
        pause_s: between two writes of one client.

    Attributes:
        answered: when writes were answered.
        acknowledged: the writes that a node called committed, by their numbers.
        invalid: the transactions that a node called invalid.
        uncertain: how many writes ended without the word that they are committed.
        worst_stall_s: the longest time for which this process itself stood still.
        troubles: why writes were not seen at the first look, and how often.
    """

    def __init__(self, network: ProcessNetwork, *, pause_s: float) -> None:
        self._network = network
        self._pause_s = pause_s
        self._numbers = itertools.count(1)
        self._is_over = asyncio.Event()
        self.answered = Timeline()
        self.acknowledged: dict[int, Acknowledged] = {}
        self.invalid: list[TxId] = []
        self.uncertain = 0
        self.worst_stall_s = 0.0
        self.troubles: Counter[str] = Counter()

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
            async with self.connect(turned) as connection:
                while self._urls() == urls and not self._is_over.is_set():
                    await self.write(connection)
                    await asyncio.sleep(self._pause_s)

    async def watch_stalls(self) -> None:
        """Measure until the end for how long this process stands still.

        A machine that stands still makes nodes miss each other's messages, and makes
        gaps between answers that are no node's fault.
        """
        while not self._is_over.is_set():
            before = time.monotonic()
            await asyncio.sleep(STALL_POLL_S)
            late = time.monotonic() - before - STALL_POLL_S
            self.worst_stall_s = max(self.worst_stall_s, late)

    async def missing(self) -> Sequence[Absent]:
        """Return the acknowledged writes that a node does not show, for each such node.

        Each node that serves is asked for each write: the state of a node may lack what
        the ledger has, such as the state of a node that began with a snapshot.
        """
        writes = sorted(self.acknowledged.values(), key=lambda each: each.number)
        found = await asyncio.gather(
            *(self._absent(url, writes) for url in self._urls())
        )
        absent = list(itertools.chain.from_iterable(found))
        return sorted(absent, key=lambda each: each.write.number)

    async def _absent(self, url: str, writes: Sequence[Acknowledged]) -> list[Absent]:
        absent: list[Absent] = []
        async with self.connect([url]) as connection:

            async def read(share: Sequence[Acknowledged]) -> None:
                for write in share:
                    seen = await look_up(connection, write.number, write.txid)
                    self.troubles.update(seen.troubles[:1])
                    if seen.value != message(write.number):
                        absent.append(Absent(write=write, url=url, seen=seen))

            shares = [writes[at::READERS] for at in range(READERS)]
            await asyncio.gather(*map(read, shares))
        return absent

    async def write(self, connection: Observed) -> None:
        """Write once, and note what became of it."""
        number = next(self._numbers)
        body = {"id": number, "msg": message(number)}
        try:
            reply = await connection.post(path(number), body)
            self.answered.note()
            answered_s, answered_by = self.answered.now_s(), connection.url_of_answer
            if reply.txid is None:
                raise AnswerOfAnother(
                    f"write {number} was answered by {answered_by} with "
                    f"{reply.status} and no transaction: {reply.text[:EXCERPT]!r}"
                )
            await connection.wait_committed(reply.txid, timeout_s=COMMIT_TIMEOUT_S)
        except NotCommitted as error:
            self.uncertain += 1
            if error.is_final:
                self.invalid.append(error.txid)
            return
        except ClientError:
            self.uncertain += 1
            return
        self.acknowledged[number] = Acknowledged(
            number=number,
            txid=reply.txid,
            answered_s=answered_s,
            answered_by=answered_by,
            committed_s=self.answered.now_s(),
            committed_by=connection.url_of_answer,
        )

    def _urls(self) -> list[str]:
        return [node.url for node in self._network.serving]

    def connect(self, urls: Sequence[str]) -> Observed:
        """Make a connection to some nodes, as the user who writes."""
        options = self._network.options
        return Observed(
            urls,
            service_certificate=read_text(options.service_certificate),
            identity=options.keys(options.users[0]),
            timeout_s=REQUEST_TIMEOUT_S,
        )
