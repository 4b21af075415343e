"""Which nodes join and leave, as an operator would choose.

Identities are never used again: a node that was removed, or has crashed, does not come
back. Changes stay within the fault model: of every configuration that may still count,
a majority lives.
"""

from random import Random

from ccfpy.base.ids import NodeId
from ccfpy.consensus.quorum import is_quorum
from tests.lab.cluster.consensus.stage import Stage
from tests.lab.scenario.cluster import Node

NODES_MAX = 9
"""How many nodes a run may have had in all."""
MEMBERS_MAX = 5
"""How many nodes a configuration may grow to."""
FROM_SNAPSHOT = 0.5
"""The share of joining nodes that begin with a snapshot."""


def add_node(stage: Stage, *, pre_votes: bool, source: NodeId | None = None) -> NodeId:
    """Create a node that nobody knows yet, perhaps from another's snapshot."""
    name = NodeId(str(len(stage.nodes)))
    stage.do("pre_vote_enabled", "true" if pre_votes else "false")
    if source is None:
        stage.do("create_new_node", name)
    else:
        stage.do("create_from_snapshot", name, source)
    stage.do("reconnect_node", name)
    return name


def reconfigure(stage: Stage, leader: Node, dice: Random) -> None:
    """Add nodes by a leader, remove some, replace some or all, or retire the leader."""
    now = sorted(leader.raft.state.configurations.latest)
    room = NODES_MAX - len(stage.nodes)
    match dice.choice(("add", "remove", "replace", "replace all", "retire leader")):
        case "add":
            leaving, joining = [], dice.randint(1, 2)
        case "remove":
            leaving, joining = dice.sample(now, 1), 0
        case "replace":
            leaving, joining = dice.sample(now, min(len(now), dice.randint(1, 2))), 1
        case "replace all":
            leaving, joining = now, dice.randint(1, 3)
        case _:
            leaving, joining = [leader.id], dice.randint(0, 1)
    members = [node for node in now if node not in leaving]
    joining = min(joining, room, MEMBERS_MAX - len(members))
    members += [
        add_node(
            stage,
            pre_votes=dice.choice((False, True)),
            source=_snapshot_source(stage, dice),
        )
        for _ in range(joining)
    ]
    if _is_alive(stage, frozenset(members)):
        stage.do("replicate_new_configuration", str(leader.view), *sorted(members))


def clean_up(stage: Stage, leader: Node) -> None:
    """Record the retirement of those whose removal the leader knows to be final."""
    final = leader.ledger[: leader.commit_seqno]
    members: set[NodeId] = set()
    for entry in final:
        members |= entry.configuration or frozenset()
    recorded = {node for entry in leader.ledger for node in entry.retired_committed}
    gone = members - leader.raft.state.configurations.nodes - recorded
    if gone:
        stage.do("cleanup_nodes", str(leader.view), *sorted(gone))


def may_crash(stage: Stage, node: NodeId) -> bool:
    """Return whether a majority would live of every configuration that may count."""
    return all(
        _is_alive(stage, configuration, without=node)
        for other in stage.nodes.values()
        for configuration in other.raft.state.configurations.node_sets
    )


def dismiss(stage: Stage) -> None:
    """Stop nodes that are in no living node's configurations, as an operator does."""
    for node in _uncounted(stage):
        stage.do("crash", node)


def must_recover(stage: Stage) -> bool:
    """Return whether a cluster is within the fault model, and has begun.

    It is if an entry is final, a majority of every configuration that may count lives,
    and every living node is in a configuration.
    """
    return bool(
        stage.invariants.safety.final
        and not _uncounted(stage)
        and all(
            _is_alive(stage, configuration)
            for node in stage.live()
            for configuration in node.raft.state.configurations.node_sets
        )
    )


def _snapshot_source(stage: Stage, dice: Random) -> NodeId | None:
    """Choose the node whose snapshot a new node begins with, or None."""
    sources = [node.id for node in stage.live() if node.commit_seqno]
    if sources and dice.random() < FROM_SNAPSHOT:
        return dice.choice(sources)
    return None


def _uncounted(stage: Stage) -> list[NodeId]:
    live = stage.live()
    counted = frozenset(
        node for other in live for node in other.raft.state.configurations.nodes
    )
    return [node.id for node in live if node.id not in counted]


def _is_alive(
    stage: Stage, nodes: frozenset[NodeId], without: NodeId | None = None
) -> bool:
    living = [
        node for node in nodes if node != without and not stage.nodes[node].is_crashed
    ]
    return bool(nodes) and is_quorum(living, nodes)
