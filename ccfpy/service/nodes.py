"""Which nodes the service trusts.

Nodes are trusted and retired by constitutions, in JavaScript; here is what the node
itself writes when a service is created or a node joins.

Which nodes wait to be trusted, and which of them members have named.

Each node that asks to join has a record, and on a virtual platform anybody may ask. The
number of records is therefore bounded. A node that an open proposal names keeps or gets
a record, however many other nodes ask. A proposal can name a node before the node has
asked, because the operator knows the node's id.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace

from ccfpy.base.ids import NodeId
from ccfpy.base.vocabulary import NodeStatus
from ccfpy.kv.tx import Tx
from ccfpy.service.tables import nodes, proposals
from ccfpy.service.tables.nodes import NodeInfo
from ccfpy.service.tables.proposals import ProposalState


def retire_active_nodes(tx: Tx) -> None:
    """Retire every node, when a recovered service begins with nodes of its own."""
    infos = nodes.INFO.of(tx)
    for node_id, info in list(infos.items()):
        if info.status is not NodeStatus.RETIRED:
            infos.put(node_id, replace(info, status=NodeStatus.RETIRED))


def trusted_nodes(tx: Tx) -> Mapping[NodeId, NodeInfo]:
    """Return the nodes that hold the service's secrets.

    A retired node still counts until its retirement is final everywhere.
    """
    infos = nodes.INFO.of(tx)
    trusted: dict[NodeId, NodeInfo] = {}
    for node_id, info in infos.items():
        if info.status is NodeStatus.TRUSTED:
            trusted[node_id] = info
        elif info.status is NodeStatus.RETIRED:
            final = infos.get_globally_committed(node_id)
            if final is not None and not final.retired_committed:
                trusted[node_id] = info
    return trusted


def record_retirements(tx: Tx) -> bool:
    """Record of each node whose retirement is committed that it is final.

    From then on every primary knows that the node is not needed; tell whether there
    was any.
    """
    infos = nodes.INFO.of(tx)
    found = False
    for node_id, info in sorted(infos.items()):
        final = infos.get_globally_committed(node_id)
        is_retired = final is not None and final.status is NodeStatus.RETIRED
        if is_retired and not info.retired_committed:
            infos.put(node_id, replace(info, retired_committed=True))
            found = True
    return found


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
