"""A node's state and the questions that it answers itself."""

import pytest

from ccfpy.base.ids import NodeId
from ccfpy.consensus.configurations import Configuration, Configurations
from ccfpy.consensus.messages import ProposeRequestVote
from ccfpy.consensus.progress import Peer
from ccfpy.consensus.raft_state import RaftState, Settings
from ccfpy.consensus.roles import LeadershipState
from tests.unit.consensus.nodes import new_raft


def test_a_new_node_is_nobody() -> None:
    state = RaftState(node_id=NodeId("0"), settings=Settings(), jitter=lambda _: 0)
    assert state.leadership is LeadershipState.NONE
    assert not state.is_leader
    assert state.others == []


@pytest.mark.parametrize(
    "node_sets", [[], ["0"], ["01"], ["1"], ["01", "0"], ["0", "01"], ["0", "0"]]
)
def test_it_is_alone_if_there_are_no_others(node_sets: list[str]) -> None:
    state = RaftState(node_id=NodeId("0"), settings=Settings(), jitter=lambda _: 0)
    state.configurations = Configurations(
        Configuration(seqno=seqno, nodes=frozenset(map(NodeId, nodes)))
        for seqno, nodes in enumerate(node_sets, start=1)
    )
    assert state.is_alone is (not state.others)


def test_an_illegal_move_is_our_own_fault() -> None:
    state = new_raft().state
    with pytest.raises(AssertionError, match="Follower to Leader"):
        state.lead(LeadershipState.LEADER)


def test_a_timer_starts_within_its_first_half() -> None:
    asked: list[int] = []

    def jitter(most: int) -> int:
        asked.append(most)
        return 7

    settings = Settings(election_timeout_ms=100)
    state = RaftState(node_id=NodeId("0"), settings=settings, jitter=jitter)
    state.restart_election_timer()
    assert asked == [50]
    assert state.elapsed_ms == 7


def test_silences_are_forgotten_and_messages_queued() -> None:
    state = new_raft().state
    state.peers[NodeId("9")] = Peer(sent=1, silent_ms=50)
    state.forget_silences()
    assert state.peers[NodeId("9")].silent_ms == 0
    state.send(NodeId("9"), ProposeRequestVote(view=1))
    assert state.out.take().messages == ((NodeId("9"), ProposeRequestVote(view=1)),)
    assert state.others == ["1", "2"]
