"""A node's report on its consensus, with CCF's names."""

from ccfpy.base.ids import NodeId
from ccfpy.consensus.details import describe, describe_configuration
from ccfpy.consensus.ready import EntryFacts
from tests.unit.consensus.nodes import ack, ids, new_leader


def test_a_leader_tells_whom_it_hears() -> None:
    raft = new_leader(nodes="01", voters="1")
    raft.append(EntryFacts(size=1))
    raft.receive(NodeId("1"), ack(1, 1))
    raft.tick(3)
    assert describe(raft.state) == {
        "configs": [
            {
                "idx": 0,
                "nodes": {"0": {"address": ":"}, "1": {"address": ":"}},
                "rid": 0,
            }
        ],
        "acks": {"1": {"seqno": 1, "last_received_ms": 3}},
        "membership_state": "Active",
        "leadership_state": "Leader",
        "primary_id": "0",
        "current_view": 1,
        "ticking": True,
        "reconfiguration_type": "OneTransaction",
    }


def test_a_retired_node_tells_its_phase() -> None:
    raft = new_leader()
    raft.append(EntryFacts(size=1, retired=ids("0")))
    details = raft.details()
    assert details["membership_state"] == "Retired"
    assert details["retirement_phase"] == "Ordered"
    latest = list(raft.state.configurations)[-1]
    assert describe_configuration(latest)["idx"] == 1
