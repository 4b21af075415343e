"""The commands that check a condition."""

import json

from ccfpy.consensus.roles import MembershipState
from tests.lab.invariants import Violated
from tests.lab.scenario import steps
from tests.lab.scenario.checks import check_commit_safety, discrepancies
from tests.lab.scenario.cluster import (
    ELECTION_TIMEOUT_MS,
    MESSAGE_TIMEOUT_MS,
    Cluster,
    Node,
)
from tests.lab.scenario.errors import ScenarioFailed

SYNC_ROUNDS_MAX = 20
PROGRESS_TIMEOUTS_MAX = 60
"""How many election timeouts a healed cluster has to commit and agree.

Where only one node can win, each other node that times out first delays the election:
in a third of this time, one run in ten thousand did not elect.
"""


def assert_detail(cluster: Cluster, words: list[str]) -> None:
    """Check one field of a node's consensus."""
    found, expected = _detail(cluster, words[0], words[1]), words[2]
    if found != expected:
        raise ScenarioFailed(f"found {found}")


def assert_not_detail(cluster: Cluster, words: list[str]) -> None:
    """Check that a field has another value."""
    if _detail(cluster, words[0], words[1]) == words[2]:
        raise ScenarioFailed("it is")


def assert_commit_safety(cluster: Cluster, words: list[str]) -> None:
    """Check that a majority holds what a node committed."""
    check_commit_safety(cluster, cluster.node(words[0]))


def assert_commit_idx(cluster: Cluster, words: list[str]) -> None:
    """Check how far a node has committed."""
    found = cluster.node(words[0]).raft.log.commit_seqno
    if found != steps.number(words[1]):
        raise ScenarioFailed(f"found {found}")


def assert_state_sync(cluster: Cluster, _: list[str]) -> None:
    """Check that all nodes agree on everything."""
    found = discrepancies(cluster.nodes.values())
    if found:
        raise ScenarioFailed("; ".join(found))


def assert_config(cluster: Cluster, words: list[str]) -> None:
    """Check who is in the active configuration that began at a seqno."""
    found = _configuration(cluster, words[0], words[1])
    if found is None or found != set(words[2:]):
        raise ScenarioFailed(f"found {found and sorted(found)}")


def assert_absent_config(cluster: Cluster, words: list[str]) -> None:
    """Check that no active configuration began at a seqno."""
    if _configuration(cluster, words[0], words[1]) is not None:
        raise ScenarioFailed("there is one")


def loop_until_sync(cluster: Cluster) -> None:
    """Sign, heal every wire of active nodes, and wait until they agree.

    Raises:
        ScenarioFailed: nobody leads, or they do not agree in time.
    """
    leader = cluster.latest_leader()
    if leader is None:
        raise ScenarioFailed("nobody leads")
    active = [
        node
        for node in cluster.nodes.values()
        if node.raft.state.retirement.membership is MembershipState.ACTIVE
        and not node.is_crashed
    ]
    leader.append(steps.SIGNATURE, is_committable=True)
    for node in active:
        steps.reconnect_node(cluster, [node.id])
    found: list[str] = []
    for _ in range(SYNC_ROUNDS_MAX):
        cluster.tick(leader, MESSAGE_TIMEOUT_MS)
        cluster.dispatch_all()
        found = discrepancies(active)
        if not found:
            return
    raise ScenarioFailed("not in sync: " + "; ".join(found))


def assert_progress(cluster: Cluster, _: list[str]) -> None:
    """Heal every wire; before long something new is committed, and all members agree.

    Whoever leads signs, as the node of a leader does.

    Raises:
        Violated: there is no progress in `PROGRESS_TIMEOUTS_MAX` election timeouts.
    """
    live = [node for node in cluster.nodes.values() if not node.is_crashed]
    for node in live:
        steps.reconnect_node(cluster, [node.id])
    before = max((node.commit_seqno for node in cluster.nodes.values()), default=0)
    rounds = PROGRESS_TIMEOUTS_MAX * ELECTION_TIMEOUT_MS // MESSAGE_TIMEOUT_MS
    for _round in range(rounds):
        for node in live:
            cluster.tick(node, MESSAGE_TIMEOUT_MS)
        cluster.dispatch_all()
        leader = cluster.latest_leader()
        if leader is None:
            continue
        if leader.commit_seqno > before and _is_followed(cluster, leader):
            return
        log = leader.raft.log
        if log.last_committable.seqno < max(log.last_seqno, before + 1) or (
            leader.raft.should_sign
        ):
            leader.append(steps.SIGNATURE, is_committable=True)
    raise Violated("Progress", _standstill(cluster, before))


def _is_followed(cluster: Cluster, leader: Node) -> bool:
    """Return whether every living member of the latest configuration agrees."""
    members = leader.raft.state.configurations.latest
    return not discrepancies(
        [leader]
        + [
            node
            for node in cluster.nodes.values()
            if node.id in members and not node.is_crashed
        ]
    )


def _standstill(cluster: Cluster, before: int) -> str:
    stands = ", ".join(
        f"{node.id} at {node.view}.{len(node.ledger)} (committed {node.commit_seqno})"
        for node in cluster.nodes.values()
        if not node.is_crashed
    )
    return f"nothing after {before} is committed and agreed on: {stands}"


def _detail(cluster: Cluster, node: str, field: str) -> str:
    details = cluster.node(node).raft.details()
    if field not in details:
        raise ScenarioFailed(f"node {node} has no detail {field}")
    value = details[field]
    if isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _configuration(cluster: Cluster, node: str, seqno: str) -> set[str] | None:
    wanted = steps.number(seqno)
    for configuration in cluster.node(node).raft.state.configurations:
        if configuration.seqno == wanted:
            return set(configuration.nodes)
    return None
