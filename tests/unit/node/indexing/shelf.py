"""Sealed blobs and a host that keeps them, for strategies to be tried with."""

from collections.abc import Iterable, Mapping

from ccfpy.base.ids import Seqno, TxId
from ccfpy.boundary.effects import (
    Effect,
    ForgetBlobs,
    ReadBlob,
    StoreBlob,
    WriteLog,
)
from ccfpy.endpoints.index_strategies import Strategy
from ccfpy.kv.changes import Writes
from ccfpy.node.indexing import SealedBlobs
from ccfpy.node.outbox import Outbox
from ccfpy.testing.entropy import SeededEntropy
from ccfpy.testing.surroundings import BlobShelf
from tests.unit.node.calling import app_code

Told = Iterable[tuple[Seqno, Mapping[str, Writes]]]


class Shelf:
    """The host's side of sealed blobs.

    Attributes:
        blobs: what the node has of them.
        host: what the host has.
        logs: what the node logged.
        news: how often it was told that something came.
    """

    def __init__(self) -> None:
        self.outbox = Outbox()
        self.blobs = SealedBlobs(
            entropy=SeededEntropy(3),
            outbox=self.outbox,
            news=self._note,
            app=app_code(self.outbox),
        )
        self.host = BlobShelf()
        self.logs: list[str] = []
        self.news = 0

    def take(self) -> list[Effect]:
        """Make the host keep what it is given; return what is asked of it."""
        asked: list[Effect] = []
        for effect in self.outbox.take():
            match effect:
                case StoreBlob() | ForgetBlobs():
                    self.host.keep(effect)
                case WriteLog():
                    self.logs.append(effect.message)
                case _:
                    asked.append(effect)
        return asked

    def work(self) -> int:
        """Make the host answer whatever it is asked; count that."""
        asked = self.take()
        for effect in asked:
            assert isinstance(effect, ReadBlob)
            self.blobs.answered(self.host.read(effect))
        return len(asked)

    def _note(self) -> None:
        self.news += 1


def tell(strategy: Strategy, told: Told, *, view: int = 2) -> None:
    """Pass a strategy transactions, one after another."""
    for seqno, writes in told:
        assert strategy.next_requested == seqno
        strategy.take(TxId(view, seqno), writes)
