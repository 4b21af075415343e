"""Functions that follow what happens to one map.

A *local* hook runs as soon as a write set is applied, on the node that executed the
transaction and on those that replay it, before anyone knows whether it will commit;
what it did must be undone by whoever handles the rollback. A *global* hook runs when
the write can no longer be undone. Both get the seqno and the map's writes, never run
for a map that was not written, and must not use the store they are called from.
"""

from collections.abc import Callable
from typing import TypeAlias

from ccfpy.base.ids import Seqno
from ccfpy.kv.changes import Writes

Hook: TypeAlias = Callable[[Seqno, Writes], None]
