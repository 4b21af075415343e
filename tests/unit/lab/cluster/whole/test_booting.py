"""Nodes are told the pace of a simulation, and addresses of their own."""

from tests.lab.cluster.whole.booting import ELECTION_TIMEOUT_MS
from tests.lab.cluster.whole.stage import Stage


def test_nodes_have_addresses_and_keys_of_their_own(stage: Stage) -> None:
    nodes = stage.world.nodes
    told = [node.boot.configuration for node in nodes]
    assert len({node.id for node in nodes}) == 3
    assert len({one.node_to_node.published_address for one in told}) == 3
    assert len({i.published_address for one in told for i in one.rpc_interfaces}) == 6
    assert {one.consensus.election_timeout_ms for one in told} == {ELECTION_TIMEOUT_MS}


def test_a_joiner_asks_for_a_snapshot_if_it_is_to(new_stage: Stage) -> None:
    for line in ("join 0", "join 0 fresh"):
        new_stage.do(line)
    _, plain, fresh = (node.boot.configuration.join for node in new_stage.world.nodes)
    assert plain is not None
    assert fresh is not None
    assert not plain.fetch_recent_snapshot
    assert fresh.fetch_recent_snapshot
