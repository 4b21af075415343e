"""Commands that must find something to be so."""

import pytest

from tests.lab.invariants import Violated
from tests.lab.scenario import ScenarioFailed, steps
from tests.lab.scenario.assertions import (
    assert_detail,
    assert_progress,
    assert_state_sync,
    loop_until_sync,
)
from tests.lab.scenario.cluster import Cluster


def test_details_that_are_no_text_are_compared_as_json() -> None:
    cluster = Cluster()
    steps.start_node(cluster, ["0"])
    assert_detail(cluster, ["0", "leadership_state", "Leader"])
    assert_detail(cluster, ["0", "ticking", "true"])
    assert_detail(cluster, ["0", "acks", "{}"])


def test_nodes_that_differ_are_told() -> None:
    cluster = Cluster()
    steps.start_node(cluster, ["0"])
    steps.trust_nodes(cluster, ["2", "1"])
    with pytest.raises(ScenarioFailed, match="view is 2 on 0, 0 on 1"):
        assert_state_sync(cluster, [])
    loop_until_sync(cluster)
    assert_state_sync(cluster, [])


def test_nodes_that_nobody_trusts_never_agree() -> None:
    cluster = Cluster()
    steps.start_node(cluster, ["0"])
    steps.create_new_node(cluster, ["1"])
    with pytest.raises(ScenarioFailed, match="not in sync"):
        loop_until_sync(cluster)


def test_a_healed_cluster_makes_progress() -> None:
    cluster = Cluster()
    steps.start_node(cluster, ["0"])
    steps.trust_nodes(cluster, ["2", "1", "2"])
    steps.disconnect_node(cluster, ["0"])
    assert_progress(cluster, [])
    assert len({node.commit_seqno for node in cluster.nodes.values()}) == 1


def test_without_a_majority_there_is_no_progress() -> None:
    cluster = Cluster()
    steps.start_node(cluster, ["0"])
    steps.trust_nodes(cluster, ["2", "1", "2"])
    loop_until_sync(cluster)
    steps.crash(cluster, ["0"])
    steps.crash(cluster, ["1"])
    with pytest.raises(Violated, match="nothing after 3 is committed"):
        assert_progress(cluster, [])
