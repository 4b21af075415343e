"""Functions that follow what happens to one map.

A *local* hook runs as soon as a write set is applied, on the node that executed the
transaction and on those that replay it, before anyone knows whether it will commit;
what it did must be undone by whoever handles the rollback. A *global* hook runs when
the write can no longer be undone. Both get the seqno and the map's writes, never run
for a map that was not written, and must not use the store they are called from.

A *guard* runs before anything is applied, and keeps the whole write set out by raising
`Malformed` or `VerificationFailed`. Whoever acts upon a map in hooks, which must not
fail, refuses there what it could not act upon. A guard may read the store.
"""

from collections.abc import Callable
from typing import TypeAlias

from ccfpy.base.ids import Seqno
from ccfpy.kv.changes import Writes

Hook: TypeAlias = Callable[[Seqno, Writes], None]
