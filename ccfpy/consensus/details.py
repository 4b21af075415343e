"""What a node tells of its consensus: the body of ``GET /node/consensus``."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from ccfpy.base.ids import NodeId
from ccfpy.consensus.configurations import Configuration
from ccfpy.consensus.raft_state import RaftState

if TYPE_CHECKING:
    from ccfpy.base.json import JsonObject

NO_ADDRESSES: Mapping[NodeId, str] = MappingProxyType({})


def describe(
    state: RaftState, addresses: Mapping[NodeId, str] = NO_ADDRESSES
) -> "JsonObject":
    """Return a node's state, configurations and last contacts, under CCF's names.

    Args:
        state: the node's state.
        addresses: where nodes are reached, which is the service's to know.
    """
    details: JsonObject = {
        "configs": [describe_configuration(c, addresses) for c in state.configurations],
        "acks": {
            node: {"seqno": peer.matched, "last_received_ms": peer.silent_ms}
            for node, peer in sorted(state.peers.items())
        },
        "membership_state": state.retirement.membership.value,
        "leadership_state": state.leadership.value,
        "primary_id": state.leader,
        "current_view": state.view,
        "ticking": state.is_ticking,
        "reconfiguration_type": "OneTransaction",
    }
    if state.retirement.phase is not None:
        details["retirement_phase"] = state.retirement.phase.value
    return details


def describe_configuration(
    configuration: Configuration, addresses: Mapping[NodeId, str] = NO_ADDRESSES
) -> "JsonObject":
    """Return a configuration's nodes, and the addresses that reach them."""
    return {
        "idx": configuration.seqno,
        "nodes": {
            node: {"address": addresses.get(node, ":")}
            for node in sorted(configuration.nodes)
        },
        "rid": configuration.seqno,
    }
