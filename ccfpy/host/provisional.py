"""Chunks that are written while a service is recovered, and may be abandoned.

Their names end in ``.recovery`` until the recovered service opens. A node that starts
before then sets the chunks aside, so that a recovery can begin again from the same
files.
"""

from collections.abc import Sequence

from ccfpy.base.ids import Seqno
from ccfpy.host.chunk_files import ChunkFiles
from ccfpy.ledger.chunk import ChunkName


class Provisional:
    """The chunks of one recovery.

    Attributes:
        recovered_to: the last entry of the service that is recovered; nothing outside
            a recovery.
    """

    def __init__(self, files: ChunkFiles) -> None:
        self.recovered_to: Seqno | None = None
        self._files = files
        self._committed: list[ChunkName] = []

    def begin(self, recovered_to: Seqno | None) -> None:
        """Mark chunks that begin after ``recovered_to`` as provisional."""
        self.recovered_to = recovered_to
        self._committed.clear()

    def has(self, first: Seqno) -> bool:
        """Return whether a chunk that begins with ``first`` is provisional."""
        return self.recovered_to is not None and first > self.recovered_to

    def commit(self, name: ChunkName) -> None:
        """Note a committed chunk of a service that may never open."""
        if name.is_recovery:
            self._committed.append(name)

    def keep(self, complete: Sequence[ChunkName]) -> list[ChunkName]:
        """Rename all chunks to their ordinary names: the recovery is complete.

        Args:
            complete: the chunks that are not committed; renamed ones are given back.
        """
        self.recovered_to = None
        while self._committed:
            self._keep(self._committed[0])
            self._committed.pop(0)
        return [self._keep(name) for name in complete]

    def _keep(self, name: ChunkName) -> ChunkName:
        if name.is_recovery:
            self._files.rename(name, name.recovered())
        return name.recovered()
