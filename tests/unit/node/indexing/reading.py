"""A node that indexes what its host reads back, from one ledger or another."""

from ccfpy.base.ids import Seqno, TxId
from ccfpy.endpoints.index_strategies import Index, Strategy
from ccfpy.kv.changes import WriteSet
from ccfpy.node.indexing import Indexer, SealedBlobs
from ccfpy.testing.entropy import SeededEntropy
from tests.unit.node.calling import app_code
from tests.unit.node.history.world import Story, World


class Diary(Strategy):
    """Writes down all that it is told.

    Attributes:
        told: the transactions, and what each wrote.
        wants: the one to be told of next.
    """

    def __init__(self, name: str = "Diary", *, since: Seqno = 1) -> None:
        self.name = name
        self.wants: Seqno | None = since
        self.told: list[tuple[TxId, WriteSet]] = []

    @property
    def next_requested(self) -> Seqno | None:
        return self.wants

    @property
    def seqnos(self) -> list[Seqno]:
        return [tx_id.seqno for tx_id, _ in self.told]

    def take(self, tx_id: TxId, writes: WriteSet) -> None:
        self.told.append((tx_id, writes))
        self.wants = tx_id.seqno + 1


def long_story(count: int) -> Story:
    """Build the story of a service whose users wrote ``count`` things, all signed."""
    story = Story()
    story.open()
    story.say(*map(str, range(count)))
    story.sign()
    return story


class Reading(World):
    """The node; nothing of the ledger is in its memory."""

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self.indexer = Indexer(
            history=self.cache,
            blobs=SealedBlobs(
                entropy=SeededEntropy(1),
                outbox=self.outbox,
                news=self.cache.stir,
                app=app_code(self.outbox),
            ),
            now_ms=0,
        )
        self.now_ms = 0

    def install(self, strategy: Strategy) -> Index[Strategy]:
        index: Index[Strategy] = Index()
        self.indexer.install(index, strategy)
        return index

    def turn(self) -> bool:
        """End a step, and let the host answer; tell whether it was asked anything."""
        self.indexer.work()
        return super().turn()

    def advance(self, ms: int) -> None:
        """Advance the clock and let the node work."""
        self.now_ms += ms
        self.cache.tick(self.now_ms)
        self.indexer.tick(self.now_ms)
        self.work()

    def say(self, text: str) -> Seqno:
        """Write and sign one more entry, which is in memory."""
        self.story.say(text)
        self.story.sign()
        for seqno in range(self.log.last_seqno + 1, self.story.last + 1):
            data = self.story.ledger.entries[seqno - 1].data
            self.entries[seqno] = data
            self.tail.settled_recent().append(data)
            self.log.append(self.story.ledger.view, is_committable=False)
        self.tail.settled_recent().signed(self.story.last)
        self.log.commit_seqno = self.story.last
        return self.story.last - 1
