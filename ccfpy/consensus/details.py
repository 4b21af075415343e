"""What a node tells of its consensus: the body of ``GET /node/consensus``."""

from ccfpy.consensus.configurations import Configuration
from ccfpy.consensus.replica import Replica

Details = dict[str, object]
"""A JSON object with CCF's names."""


def describe(replica: Replica) -> Details:
    """Tell where a node stands, what it counts in and whom it hears."""
    details: Details = {
        "configs": [describe_configuration(c) for c in replica.configurations],
        "acks": {
            node: {"seqno": peer.matched, "last_received_ms": peer.silent_ms}
            for node, peer in sorted(replica.peers.items())
        },
        "membership_state": replica.retirement.membership.value,
        "leadership_state": replica.leadership.value,
        "primary_id": replica.leader,
        "current_view": replica.view,
        "ticking": replica.is_ticking,
        "reconfiguration_type": "OneTransaction",
    }
    if replica.retirement.phase is not None:
        details["retirement_phase"] = replica.retirement.phase.value
    return details


def describe_configuration(configuration: Configuration) -> Details:
    """Tell who is in a configuration. Addresses are the service's to know."""
    return {
        "idx": configuration.seqno,
        "nodes": {node: {"address": ":"} for node in sorted(configuration.nodes)},
        "rid": configuration.seqno,
    }
