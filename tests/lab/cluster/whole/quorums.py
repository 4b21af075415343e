"""Which faults leave a service that can go on.

A run must leave what the service later needs to make progress: of every configuration
that counts anywhere, a majority is up, or will be once the faults end.
"""

from ccfpy.base.ids import NodeId
from ccfpy.consensus.quorum import is_quorum
from tests.lab.cluster.whole.host import SimulatedNode
from tests.lab.cluster.whole.world import World


def up(world: World) -> set[NodeId]:
    """Return the nodes that do their part, or will once the faults end.

    A node stays behind while it lacks entries that its leader, which began with a
    snapshot, never had: an operator would give the node a snapshot, too.
    """
    joined = [node for node in world.alive if node.has_joined]
    begun = max((node.after for node in joined), default=0)
    return {n.id for n in joined if n.last_seqno >= begun and not n.is_doomed}


def coming(world: World) -> set[NodeId]:
    """Return the nodes that wait, and ask one that knows that they are trusted."""
    return {
        node.id
        for node in world.alive
        if not node.has_joined and not node.is_doomed and _is_told(world, node)
    }


def _is_told(world: World, node: SimulatedNode) -> bool:
    target = None if node.target is None else world.node(node.target)
    return (
        target is not None
        and target.is_alive
        and target.has_joined
        and node.id in target.running.replication.raft.nodes
    )


def configurations(world: World) -> list[frozenset[NodeId]]:
    """Return every configuration that counts for some node that runs."""
    found: dict[frozenset[NodeId], None] = {}
    for node in world.alive:
        for nodes in node.running.replication.raft.state.configurations.node_sets:
            found[nodes] = None
    return list(found)


def can_go_on(world: World) -> bool:
    """Return whether every configuration that counts has a majority, or gets one."""
    there = up(world) | coming(world)
    return all(is_quorum(there, nodes) for nodes in configurations(world))


def may_crash(world: World, node: SimulatedNode) -> bool:
    """Return whether the others can go on without a node, and without any that waits.

    The node that a waiting node asks may never learn of the vote: a fault must not
    depend on the waiting node.
    """
    left = up(world) - {node.id}
    return all(is_quorum(left, nodes) for nodes in configurations(world))


def may_trust(world: World, node: SimulatedNode) -> bool:
    """Return whether the service can go on if this node counts too."""
    return is_quorum(up(world), _latest(world) | {node.id})


def may_remove(world: World, node: SimulatedNode) -> bool:
    """Return whether the service can go on if this node does not count."""
    left = _latest(world) - {node.id}
    return bool(left) and is_quorum(up(world), left)


def _latest(world: World) -> frozenset[NodeId]:
    newest = max(world.alive, key=lambda node: (node.view, node.last_seqno))
    return newest.running.replication.raft.state.configurations.latest
