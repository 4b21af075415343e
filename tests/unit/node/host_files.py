"""A node alone on its host's own stores, over files that a test may damage."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ccfpy.boundary.effects import Effect
from ccfpy.host.ledger_store import LedgerStoreFailed
from ccfpy.testing.disk import MemoryDisk
from ccfpy.testing.node import InProcessNode
from ccfpy.testing.surroundings import Alone, Timed
from tests.lab.cluster.whole.host import LEDGER, Files

if TYPE_CHECKING:
    from ccfpy.boundary.events import Event

TICK_MS = 100
Folder = dict[str, bytes]
"""Files by name."""


class HostFiles(Alone):
    """What a node asks of files is done to these, as a host does it.

    Attributes:
        failed: why the host had to stop, if it had.
    """

    def __init__(self, ledger: Folder | None = None) -> None:
        self.disk = MemoryDisk()
        self.failed: str | None = None
        self._node: InProcessNode | None = None
        self._answers: list[Event] = []
        self._files = Files.on(self.disk)
        self._perform = self._files.storage.performers(
            self._answers.append, lambda finish: finish()
        )
        if ledger is None:
            self._files.ledger.create()
        else:
            self.disk.make_directory(LEDGER)
            for name, data in ledger.items():
                self.disk.put(LEDGER / name, data)
            self._files.ledger.open()
        self._files.snapshots.prepare()

    @property
    def ledger(self) -> dict[str, bytes]:
        """The ledger's files, as anyone reads them now."""
        self._files.ledger.flush()
        return {
            name: self.disk.content(LEDGER / name) for name in self.disk.names(LEDGER)
        }

    @property
    def said(self) -> str:
        """What the host logged."""
        return self._files.journal.getvalue().decode()

    def entries(self) -> Sequence[bytes]:
        """Return the whole ledger."""
        store = self._files.ledger
        return store.read(1, store.last_seqno, bytes_max=1 << 40) or ()

    def settle(self) -> None:
        """Answer what the node asked for, and what it asks for then."""
        while self._answers and self._node is not None:
            answers = list(self._answers)
            self._answers.clear()
            self._node.step(*answers)

    def pass_time(self, node: Timed, ms: int) -> None:
        """Advance the clock for the node and its host."""
        for _ in range(0, ms, TICK_MS):
            node.advance(TICK_MS)
            self.settle()

    def live_with(self, node: InProcessNode) -> InProcessNode:
        """Answer this node from now on."""
        self._node = node
        self.settle()
        return node

    def take(self, node: Timed, effect: Effect) -> bool:
        """Do what is asked of files; nothing more once that failed."""
        perform = self._perform.get(type(effect))
        if perform is None:
            return super().take(node, effect)
        if self.failed is None:
            try:
                perform(effect)
            except LedgerStoreFailed as failure:
                self.failed = str(failure)
        return True
