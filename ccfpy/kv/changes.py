"""Write sets, and the ways a transaction may end.

A write set is all that a transaction leaves behind: its reads are checked at commit and
then forgotten.

Functions that follow what happens to one map.

A *local* hook runs as soon as a write set is applied, on the node that executed the
transaction and on nodes that replay it. The transaction may still be rolled back, so
the code that handles the rollback must undo the hook's work. A *global* hook runs when
the write can no longer be undone. Both kinds get the seqno and the map's writes, never
run for a map that was not written, and must not use the store that calls them.

A *guard* runs before a write set is applied, and refuses the whole write set by raising
`Malformed` or `VerificationFailed`. Hooks must not fail, so a guard refuses each write
that a hook could not act upon. A guard may read the store.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

from ccfpy.base.errors import CcfpyError
from ccfpy.base.ids import Seqno

Writes: TypeAlias = Mapping[bytes, bytes | None]
"""One map's changes: a key's new value, or ``None`` where the key is removed."""
WriteSet: TypeAlias = Mapping[str, Writes]
"""Changes by map name, in name order; maps without changes do not appear."""


class Committed(NamedTuple):
    """What a commit made: the seqno it was given and what it wrote there."""

    version: Seqno
    write_set: WriteSet


class Conflict(CcfpyError):
    """A transaction met a state it cannot go on with: begin a new one and run it again.

    Raised at commit when something it read has changed since, and on access when the
    state it reads from was rolled back or compacted away.
    """


class ReadOnlyTransaction(TypeError):
    """Our code wrote through a handle that may not write: a mistake in the caller."""


Hook: TypeAlias = Callable[[Seqno, Writes], None]
