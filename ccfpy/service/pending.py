"""Which nodes wait to be trusted, and which of them members have named.

Each node that asks to join has a record, and on a virtual platform anybody may ask. The
number of records is therefore bounded. A node that an open proposal names keeps or gets
a record, however many other nodes ask. A proposal can name a node before the node has
asked, because the operator knows the node's id.
"""

from collections.abc import Collection

from ccfpy.base.ids import NodeId
from ccfpy.base.vocabulary import NodeStatus
from ccfpy.kv.tx import Tx
from ccfpy.service.tables import nodes, proposals
from ccfpy.service.tables.proposals import ProposalState


def pending_nodes(tx: Tx) -> list[NodeId]:
    """List the nodes that wait, in a fixed order."""
    return sorted(
        node_id
        for node_id, info in nodes.INFO.of(tx).items()
        if info.status is NodeStatus.PENDING
    )


def named_by_proposals(tx: Tx, candidates: Collection[NodeId]) -> frozenset[NodeId]:
    """Return which of these nodes an open proposal names anywhere in its text."""
    bodies = proposals.PROPOSALS.of(tx)
    named: set[NodeId] = set()
    for proposal_id, info in proposals.INFO.of(tx).items():
        if info.state is ProposalState.OPEN:
            body = bodies.get(proposal_id) or b""
            named.update(node for node in candidates if node.encode() in body)
    return frozenset(named)


def remove(tx: Tx, node_id: NodeId) -> None:
    """Remove the record of a node that waits; it may ask again."""
    nodes.INFO.of(tx).remove(node_id)
