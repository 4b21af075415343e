"""Functions that follow what happens to one map.

A *local* hook runs as soon as a write set is applied, on the node that executed the
transaction and on nodes that replay it. The transaction may still be rolled back, so
the code that handles the rollback must undo the hook's work. A *global* hook runs when
the write can no longer be undone. Both kinds get the seqno and the map's writes, never
run for a map that was not written, and must not use the store that calls them.

A *guard* runs before a write set is applied, and refuses the whole write set by raising
`Malformed` or `VerificationFailed`. Hooks must not fail, so a guard refuses each write
that a hook could not act upon. A guard may read the store.
"""

from collections.abc import Callable
from typing import TypeAlias

from ccfpy.base.ids import Seqno
from ccfpy.kv.changes import Writes

Hook: TypeAlias = Callable[[Seqno, Writes], None]
