"""The commands that only print."""

from ccfpy.consensus.roles import LeadershipState
from tests.lab.scenario.cluster import Cluster, Node
from tests.lab.scenario.trace import Say, summary

_LETTERS = {
    LeadershipState.FOLLOWER: "F",
    LeadershipState.CANDIDATE: "C",
    LeadershipState.LEADER: "P",
}


class Reports:
    """Prints the state of nodes."""

    def __init__(self, say: Say) -> None:
        self._say = say

    def state_one(self, cluster: Cluster, words: list[str]) -> None:
        """Print a node's role, its last seqno and its commit."""
        self._state(cluster.node(words[0]))

    def state_all(self, cluster: Cluster, _: list[str]) -> None:
        """Print the same for every node."""
        for node in cluster.nodes.values():
            self._state(node)

    def log_one(self, cluster: Cluster, words: list[str]) -> None:
        """List a node's entries; the commit is in brackets."""
        self._log(cluster.node(words[0]))

    def log_all(self, cluster: Cluster, _: list[str]) -> None:
        """List every node's."""
        for node in cluster.nodes.values():
            self._log(node)

    def messages(self, cluster: Cluster, words: list[str]) -> None:
        """List what one node has to send to another."""
        source, to = cluster.node(words[0]), cluster.node(words[1]).id
        waiting = [summary(message) for node, message in source.outbox if node == to]
        self._say(f"{source.id}->{to}: {len(waiting)} [{', '.join(waiting)}]")

    def _state(self, node: Node) -> None:
        state = node.raft.state
        letter = _LETTERS.get(state.leadership, "?")
        membership = state.retirement.membership.value[0]
        log = state.log
        self._say(
            f"{node.id}: leadership {letter} membership {membership} "
            f"@{state.view}.{log.last_seqno} (committed {log.commit_seqno})"
        )

    def _log(self, node: Node) -> None:
        commit = node.raft.log.commit_seqno
        entries = [
            f"[{entry.tx_id}]" if entry.tx_id.seqno == commit else str(entry.tx_id)
            for entry in node.ledger
        ]
        self._say(f"{node.id}: {', '.join(entries)}")
