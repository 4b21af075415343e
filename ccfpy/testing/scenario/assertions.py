"""The commands that must find something to be so."""

import json

from ccfpy.consensus.roles import MembershipState
from ccfpy.testing.scenario import steps
from ccfpy.testing.scenario.checks import check_commit_safety, discrepancies
from ccfpy.testing.scenario.cluster import MESSAGE_TIMEOUT_MS, Cluster
from ccfpy.testing.scenario.errors import ScenarioFailed

SYNC_ROUNDS_MAX = 20


def assert_detail(cluster: Cluster, words: list[str]) -> None:
    """Check one field of what a node tells of its consensus."""
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
        if node.raft.replica.retirement.membership is MembershipState.ACTIVE
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
    for configuration in cluster.node(node).raft.replica.configurations:
        if configuration.seqno == wanted:
            return set(configuration.nodes)
    return None
