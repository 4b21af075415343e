"""What a transaction means to consensus: which nodes join the service, which leave.

``nodes.info`` records membership, so consensus learns of it from the entries that it
orders (``src/node/hooks.h``).
"""

from typing import TYPE_CHECKING, Final

from ccfpy.base.vocabulary import NodeStatus
from ccfpy.consensus.ready import EntryFacts
from ccfpy.service.tables.nodes import INFO

if TYPE_CHECKING:
    from ccfpy.base.ids import NodeId
    from ccfpy.kv.changes import WriteSet

_INFO_NAME: Final = INFO.name


def facts_of(
    write_set: "WriteSet", size: int, *, is_committable: bool = False
) -> EntryFacts | None:
    """Return what consensus is to know of an entry of ``size`` bytes.

    That is nothing if the entry is no signature and says nothing of nodes. A node that
    is only pending does not count yet, and one whose record is removed has been retired
    before.

    Raises:
        Malformed: a node's record cannot be read.
    """
    if _INFO_NAME not in write_set:
        return EntryFacts(size=size, is_committable=True) if is_committable else None
    trusted: set[NodeId] = set()
    retired: set[NodeId] = set()
    retired_committed: set[NodeId] = set()
    for node, info in INFO.decode_writes(write_set[_INFO_NAME]).items():
        if info is None:
            continue
        if info.status is NodeStatus.TRUSTED:
            trusted.add(node)
        elif info.status is NodeStatus.RETIRED:
            (retired_committed if info.retired_committed else retired).add(node)
    return EntryFacts(
        size=size,
        is_committable=is_committable,
        trusted=frozenset(trusted),
        retired=frozenset(retired),
        retired_committed=frozenset(retired_committed),
    )
