"""Which nodes the service trusts.

Nodes are trusted and retired by constitutions, in JavaScript; here is what the node
itself writes when a service is created or a node joins.
"""

from collections.abc import Mapping
from dataclasses import replace

from ccfpy.base.ids import NodeId
from ccfpy.base.vocabulary import NodeStatus
from ccfpy.kv.tx import Tx
from ccfpy.service.tables import nodes
from ccfpy.service.tables.nodes import NodeInfo


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
