"""What a scenario may check, besides the invariants."""

from collections.abc import Iterable

from ccfpy.consensus.quorum import is_quorum
from tests.lab.scenario.cluster import Cluster, Node
from tests.lab.scenario.errors import ScenarioFailed


def check_commit_safety(cluster: Cluster, node: Node) -> None:
    """Check that a majority holds what a node takes for final.

    A majority of each configuration that began within it is needed.

    Raises:
        ScenarioFailed: too few do.
    """
    commit = node.raft.log.commit_seqno
    prefix = node.ledger[:commit]
    holders = {n.id for n in cluster.nodes.values() if n.ledger[:commit] == prefix}
    for configuration in node.raft.state.configurations:
        if configuration.seqno <= commit and not is_quorum(
            holders, configuration.nodes
        ):
            raise ScenarioFailed(
                f"node {node.id} committed {commit}, which only {sorted(holders)} "
                f"hold, of {sorted(configuration.nodes)}"
            )


def discrepancies(nodes: Iterable[Node]) -> list[str]:
    """Return how the others differ from the first: view, end, entries or commit."""
    first, *others = nodes
    found = []
    for node in others:
        for what, ours, theirs in (
            ("view", first.raft.view, node.raft.view),
            ("last seqno", first.raft.log.last_seqno, node.raft.log.last_seqno),
            ("commit", first.raft.log.commit_seqno, node.raft.log.commit_seqno),
        ):
            if ours != theirs:
                found.append(f"{what} is {ours} on {first.id}, {theirs} on {node.id}")
        if first.ledger != node.ledger:
            found.append(f"entries differ between {first.id} and {node.id}")
    return found
