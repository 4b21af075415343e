"""What must hold after every command, whatever the scenario says."""

from collections.abc import Iterable
from itertools import pairwise
from typing import TYPE_CHECKING

from ccfpy.consensus.quorum import is_quorum
from ccfpy.testing.scenario.cluster import Cluster, Node
from ccfpy.testing.scenario.errors import ScenarioFailed

if TYPE_CHECKING:
    from ccfpy.base.ids import NodeId, Seqno, View
    from ccfpy.testing.scenario.ledger import LedgerEntry


def check_commit_safety(cluster: Cluster, node: Node) -> None:
    """Check that a majority holds what a node takes for final.

    Of each configuration that began within it.

    Raises:
        ScenarioFailed: too few do.
    """
    commit = node.raft.log.commit_seqno
    prefix = node.ledger[:commit]
    holders = {n.id for n in cluster.nodes.values() if n.ledger[:commit] == prefix}
    for configuration in node.raft.replica.configurations:
        if configuration.seqno <= commit and not is_quorum(
            holders, configuration.nodes
        ):
            raise ScenarioFailed(
                f"node {node.id} committed {commit}, which only {sorted(holders)} "
                f"hold, of {sorted(configuration.nodes)}"
            )


def check_views(node: Node) -> None:
    """Check that in a node's ledger each view follows a signature of the one before.

    Raises:
        ScenarioFailed: one does not.
    """
    for before, after in pairwise(node.ledger):
        if before.tx_id.view != after.tx_id.view and not before.is_committable:
            raise ScenarioFailed(
                f"on node {node.id}, {after.tx_id} follows {before.tx_id}, unsigned"
            )


class History:
    """What was once true of a cluster and must stay so."""

    def __init__(self) -> None:
        self._leaders: dict[View, NodeId] = {}
        self._votes: dict[tuple[NodeId, View], NodeId | None] = {}
        self._final: list[LedgerEntry] = []
        self._seen: dict[NodeId, tuple[View, Seqno]] = {}

    def check(self, cluster: Cluster) -> None:
        """Check the cluster against its past, and remember its present.

        Raises:
            ScenarioFailed: a view has a second leader, a node a second vote in one
                view, a final entry changed or is no signature where it should be, a
                view begins after an entry that no signature covers, or a view or a
                commit went back.
        """
        for node in cluster.nodes.values():
            self._check_leader(node)
            self._check_vote(node)
            self._check_final(node)
            self._check_progress(node)
            check_views(node)

    def _check_leader(self, node: Node) -> None:
        if node.raft.is_leader:
            known = self._leaders.setdefault(node.raft.view, node.id)
            if known != node.id:
                raise ScenarioFailed(
                    f"nodes {known} and {node.id} both led view {node.raft.view}"
                )

    def _check_vote(self, node: Node) -> None:
        """Check that a vote is neither changed nor forgotten while its view lasts."""
        key = node.id, node.raft.view
        vote = node.raft.replica.voted_for
        before = self._votes.get(key)
        if before is not None and vote != before:
            raise ScenarioFailed(f"node {node.id} voted for {before}, now for {vote}")
        self._votes[key] = vote

    def _check_final(self, node: Node) -> None:
        commit = node.raft.log.commit_seqno
        final = node.ledger[:commit]
        known = min(commit, len(self._final))
        if final[:known] != self._final[:known]:
            raise ScenarioFailed(f"node {node.id} committed another history")
        if final and not final[-1].is_committable:
            raise ScenarioFailed(f"node {node.id} committed {commit}, no signature")
        self._final += final[known:]

    def _check_progress(self, node: Node) -> None:
        view, commit = self._seen.get(node.id, (0, 0))
        now = node.raft.view, node.raft.log.commit_seqno
        if now[0] < view or now[1] < commit:
            raise ScenarioFailed(f"node {node.id} went from {view, commit} to {now}")
        self._seen[node.id] = now


def discrepancies(nodes: Iterable[Node]) -> list[str]:
    """Tell in what the others differ from the first: view, end, entries or commit."""
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
