"""The checks that a scenario asks for see what they are there for."""

import pytest

from tests.lab.scenario import ScenarioFailed, steps
from tests.lab.scenario.assertions import loop_until_sync
from tests.lab.scenario.checks import check_commit_safety, discrepancies
from tests.lab.scenario.cluster import Cluster


def _cluster() -> Cluster:
    cluster = Cluster()
    steps.start_node(cluster, ["0"])
    steps.trust_nodes(cluster, ["2", "1", "2"])
    loop_until_sync(cluster)
    return cluster


def test_a_sound_cluster_passes() -> None:
    cluster = _cluster()
    for node in cluster.nodes.values():
        check_commit_safety(cluster, node)
    assert discrepancies(cluster.nodes.values()) == []


def test_a_commit_that_a_minority_holds_is_seen() -> None:
    cluster = _cluster()
    for name in "12":
        cluster.node(name).ledger.pop()
    with pytest.raises(ScenarioFailed, match="node 0 committed 3"):
        check_commit_safety(cluster, cluster.node("0"))


def test_each_difference_is_told() -> None:
    cluster = _cluster()
    cluster.node("0").append(b"more")
    cluster.node("2").raft.state.view = 4
    assert discrepancies(cluster.nodes.values()) == [
        "last seqno is 4 on 0, 3 on 1",
        "entries differ between 0 and 1",
        "view is 2 on 0, 4 on 2",
        "last seqno is 4 on 0, 3 on 2",
        "entries differ between 0 and 2",
    ]
