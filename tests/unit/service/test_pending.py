"""The nodes that wait, and those that members have named."""

from dataclasses import replace

from ccfpy.base import json
from ccfpy.base.ids import MemberId, NodeId, ProposalId
from ccfpy.base.vocabulary import NodeStatus
from ccfpy.kv.store import Store
from ccfpy.kv.tx import Tx
from ccfpy.service import nodes
from ccfpy.service.tables import proposals
from ccfpy.service.tables.nodes import INFO
from ccfpy.service.tables.proposals import ProposalInfo, ProposalState
from tests.unit.service.test_nodes import node

A, B, C = (NodeId(letter * 64) for letter in "abc")


def named_in(tx: Tx, name: str, state: ProposalState, node_id: NodeId) -> None:
    """Put a proposal that is about a node."""
    proposal = ProposalId(name)
    action = {"name": "transition_node_to_trusted", "args": {"node_id": node_id}}
    proposals.PROPOSALS.of(tx).put(proposal, json.dumps({"actions": [action]}))
    info = replace(ProposalInfo(proposer_id=MemberId("m")), state=state)
    proposals.INFO.of(tx).put(proposal, info)


def test_those_that_wait_are_listed_in_order_and_can_be_removed() -> None:
    tx = Store().begin()
    for node_id, status in (
        (C, NodeStatus.PENDING),
        (A, NodeStatus.PENDING),
        (B, NodeStatus.TRUSTED),
    ):
        INFO.of(tx).put(node_id, node(status))
    assert nodes.pending_nodes(tx) == [A, C]
    nodes.remove(tx, A)
    assert nodes.pending_nodes(tx) == [C]


def test_an_open_proposal_names_nodes_and_a_closed_one_does_not() -> None:
    tx = Store().begin()
    named_in(tx, "1", ProposalState.OPEN, A)
    named_in(tx, "2", ProposalState.REJECTED, B)
    assert nodes.named_by_proposals(tx, [A, B, C]) == {A}
