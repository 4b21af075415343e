"""Chunk files of an earlier run that a ledger which begins anew may come to agree with.

Each waits for the chunk that begins with the same entry. It goes when it cannot be what
the service agreed on any more: when an entry differed from an earlier file's, or when
the service's chunks, as they are cut, begin no chunk where this file does.
"""

from collections.abc import Callable
from typing import TypeAlias

from ccfpy.base.ids import Seqno
from ccfpy.host.chunk_files import ChunkFiles
from ccfpy.ledger.chunk import ChunkName

Remove: TypeAlias = Callable[[ChunkName], None]


class EarlierFiles:
    """Such files, by the entry each begins with."""

    def __init__(self, remove: Remove) -> None:
        self._names: dict[Seqno, ChunkName] = {}
        self._remove = remove

    def __len__(self) -> int:
        """Count them."""
        return len(self._names)

    def clear(self) -> None:
        """Know of none; the files stay."""
        self._names.clear()

    def add(self, name: ChunkName) -> ChunkName | None:
        """Keep a file; give another that begins with the same entry and must go."""
        rival = self._names.get(name.first)
        self._names[name.first] = name
        return None if rival == name else rival

    def take(self, first: Seqno) -> ChunkName | None:
        """Return the file that begins with an entry; the current chunk replaces it."""
        return self._names.pop(first, None)

    def passed(self, seqno: Seqno) -> None:
        """Note that an entry lies within a chunk: no file may begin with it."""
        if self._names:
            name = self._names.pop(seqno, None)
            if name is not None:
                self._remove(name)

    def drop(self) -> None:
        """Remove all: an entry before them differed."""
        while self._names:
            self._remove(self._names.popitem()[1])


def sort_in(
    name: ChunkName, after: Seqno, *, earlier: EarlierFiles, files: ChunkFiles
) -> ChunkName | None:
    """Sort a file that was found into its place, for a ledger that begins anew.

    Args:
        name: the file.
        after: the ledger begins after this seqno, up to which all is committed.
        earlier: gets those that begin later.
        files: renames them, and sets aside what is of no use.

    Returns:
        The file itself if the ledger goes on in the middle of it.
    """
    if name.is_recovery:
        files.ignore(name, "its recovery was not completed")
    elif name.first > after:
        kept = files.uncommit(name, after) if name.is_committed else name
        rival = earlier.add(kept)
        if rival is not None:
            files.ignore(rival, f"{kept} begins with the same entry")
    elif not name.is_committed:
        files.ignore(name, f"it is not known to be committed, as all is to {after}")
    elif name.last is not None and name.last > after:
        return files.uncommit(name, after)
    return None
