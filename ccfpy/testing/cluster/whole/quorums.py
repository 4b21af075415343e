"""Which faults leave a service that can go on.

A run must not break what it will later ask to make progress: of every configuration
that counts anywhere, a majority stays that is up, or will be once the weather clears.
"""

from ccfpy.base.ids import NodeId
from ccfpy.consensus.quorum import is_quorum
from ccfpy.testing.cluster.whole.host import SimulatedNode
from ccfpy.testing.cluster.whole.world import World


def up(world: World) -> set[NodeId]:
    """Give the nodes that will do their part, given time."""
    return {node.id for node in world.alive if _is_up(world, node)}


def _is_up(world: World, node: SimulatedNode) -> bool:
    if node.is_doomed:
        return False
    if node.has_joined or node.target is None:
        return True
    # One that waits is told of its trust by whom it asks, if that node still learns.
    target = world.node(node.target)
    return (
        target is not None
        and target.is_alive
        and target.has_joined
        and target.id in _latest(world)
    )


def configurations(world: World) -> list[frozenset[NodeId]]:
    """Give every configuration that counts for some node that runs."""
    found: dict[frozenset[NodeId], None] = {}
    for node in world.alive:
        for nodes in node.replica.replication.raft.replica.configurations.node_sets:
            found[nodes] = None
    return list(found)


def can_go_on(world: World, *, without: SimulatedNode | None = None) -> bool:
    """Tell whether every configuration that counts has a majority."""
    left = up(world) - ({without.id} if without is not None else set())
    return all(is_quorum(left, nodes) for nodes in configurations(world))


def may_crash(world: World, node: SimulatedNode) -> bool:
    """Tell whether the others can go on without a node."""
    return can_go_on(world, without=node)


def may_trust(world: World, node: SimulatedNode) -> bool:
    """Tell whether the service can go on if this node counts too."""
    return is_quorum(up(world), _latest(world) | {node.id})


def may_remove(world: World, node: SimulatedNode) -> bool:
    """Tell whether the service can go on if this node does not count."""
    left = _latest(world) - {node.id}
    return bool(left) and is_quorum(up(world), left)


def _latest(world: World) -> frozenset[NodeId]:
    newest = max(world.alive, key=lambda node: (node.view, node.last_seqno))
    return newest.replica.replication.raft.replica.configurations.latest
