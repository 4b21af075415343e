"""Each promise of consensus is broken once, and is missed."""

import pytest

from ccfpy.base.ids import NodeId, TxId
from ccfpy.consensus.configurations import Configuration
from ccfpy.consensus.messages import (
    AppendEntriesResponse,
    ElectionType,
    RequestVoteResponse,
)
from ccfpy.consensus.progress import Peer
from ccfpy.consensus.ready import Send
from ccfpy.consensus.roles import LeadershipState, RetirementPhase
from tests.lab.invariants import Violated
from tests.lab.invariants.consensus import Consensus, check_views
from tests.lab.scenario import steps
from tests.lab.scenario.assertions import loop_until_sync
from tests.lab.scenario.cluster import Cluster, Node


def _watched() -> tuple[Cluster, Consensus]:
    consensus = Consensus()
    cluster = Cluster(watch=consensus.check)
    steps.start_node(cluster, ["0"])
    steps.trust_nodes(cluster, ["2", "1", "2"])
    loop_until_sync(cluster)
    return cluster, consensus


def _fails(invariant: str, consensus: Consensus, node: Node) -> None:
    with pytest.raises(Violated) as failure:
        consensus.check(node, None, None)
    assert failure.value.invariant == invariant


def test_a_sound_cluster_passes() -> None:
    cluster, consensus = _watched()
    for node in cluster.nodes.values():
        consensus.check(node, None, None)
    assert list(consensus.nodes) == ["0", "1", "2"]


def test_a_node_speaks_of_no_view_that_it_is_not_in() -> None:
    cluster, consensus = _watched()
    node = cluster.node("1")
    answer = AppendEntriesResponse(position=TxId(3, 1), is_success=True)
    node.sent[:] = [Send(NodeId("0"), answer)]
    _fails("MonoTermInv", consensus, node)


def test_a_node_votes_once_in_a_view() -> None:
    cluster, consensus = _watched()
    node = cluster.node("1")
    vote = RequestVoteResponse(view=2, is_granted=True, election=ElectionType.REGULAR)
    node.sent[:] = [Send(NodeId("0"), vote), Send(NodeId("0"), vote)]
    consensus.check(node, None, None)
    node.sent[:] = [Send(NodeId("2"), vote)]
    _fails("VoteOnce", consensus, node)


def test_a_refused_vote_and_a_poll_bind_nobody() -> None:
    cluster, consensus = _watched()
    node = cluster.node("1")
    for to in "02":
        for is_granted, election in (
            (False, ElectionType.REGULAR),
            (True, ElectionType.PRE_VOTE),
        ):
            answer = RequestVoteResponse(
                view=2, is_granted=is_granted, election=election
            )
            node.sent[:] = [Send(NodeId(to), answer)]
            consensus.check(node, None, None)


def test_signatures_are_those_of_the_ledger() -> None:
    cluster, _ = _watched()
    node = cluster.node("0")
    node.raft.log._committables.append(3)
    with pytest.raises(Violated, match="CommitCommittableIndices"):
        node.append(b"x")


@pytest.mark.parametrize("starts", [(), (1,), (1, 2), (1, 1, 3), (9, 9)])
def test_views_began_where_the_ledger_says(starts: tuple[int, ...]) -> None:
    cluster, _ = _watched()
    node = cluster.node("1")
    check_views(node)
    node.raft.log.history._starts[:] = starts
    with pytest.raises(Violated, match="ViewHistory"):
        check_views(node)


def test_what_a_snapshot_holds_is_final() -> None:
    cluster, consensus = _watched()
    node = cluster.node("1")
    node.snapshot_seqno = node.commit_seqno
    consensus.check(node, None, None)
    node.snapshot_seqno += 1
    _fails("SnapshotFinal", consensus, node)


def test_a_node_that_reaches_a_view_can_follow_there() -> None:
    cluster, consensus = _watched()
    node = cluster.node("1")
    node.tick(100)
    assert node.view == 3
    node.raft.state.view = 4
    consensus.check(node, None, None)
    node.raft.state.view = 5
    node.raft.state.is_new_follower = False
    _fails("NewFollower", consensus, node)


def test_configurations_are_those_of_the_ledger() -> None:
    cluster, _ = _watched()
    node = cluster.node("0")
    stray = Configuration(seqno=3, nodes=frozenset({node.id}))
    node.raft.state.configurations.add(stray)
    with pytest.raises(Violated, match="LogConfigurationConsistentInv"):
        node.append(b"x")


def test_peers_are_nodes_of_the_ledger() -> None:
    cluster, _ = _watched()
    node = cluster.node("0")
    node.raft.state.peers[NodeId("9")] = Peer(sent=1)
    with pytest.raises(Violated, match=r"PeersInLog.*9"):
        node.append(b"x")


def test_retirement_is_what_the_ledger_says() -> None:
    cluster, _ = _watched()
    node = cluster.node("0")
    node.raft.state.retirement.phase = RetirementPhase.ORDERED
    with pytest.raises(Violated, match="MembershipStateConsistentInv"):
        node.append(b"x")


def test_a_node_that_is_gone_for_good_does_nothing() -> None:
    cluster, consensus = _watched()
    node = cluster.node("1")
    node.raft.state.retirement.phase = RetirementPhase.RETIRED_COMMITTED
    consensus.check(node, None, None)
    node.raft.state.leadership = LeadershipState.CANDIDATE
    _fails("MembershipStateConsistentInv", consensus, node)


def test_only_who_is_gone_is_recorded_as_gone() -> None:
    cluster, _ = _watched()
    with pytest.raises(Violated, match="RetirementCompletedNotInConfigsInv"):
        cluster.node("0").append(b"", retired=frozenset({NodeId("1")}))


def test_only_who_was_there_is_recorded_as_gone() -> None:
    cluster, _ = _watched()
    with pytest.raises(Violated, match="RetiredCommittedInv"):
        cluster.node("0").append(b"", retired=frozenset({NodeId("7")}))


def test_what_is_taken_to_match_does() -> None:
    cluster, _ = _watched()
    leader, backup = cluster.node("0"), cluster.node("1")
    leader.append(b"x")
    lie = AppendEntriesResponse(position=TxId(2, 4), is_success=True)
    with pytest.raises(Violated, match="MatchHeld"):
        leader.receive(backup.id, lie, ())


def test_what_matches_does_not_go_back() -> None:
    cluster, _ = _watched()
    leader, backup = cluster.node("0"), cluster.node("1")
    leader.raft.state.peers[backup.id].matched = 0
    answer = AppendEntriesResponse(position=TxId(2, 2), is_success=True)
    with pytest.raises(Violated, match="MonotonicMatchIndexProp"):
        leader.receive(backup.id, answer, ())


def test_a_backup_commits_what_it_verified() -> None:
    cluster, consensus = _watched()
    leader, backup = cluster.node("0"), cluster.node("1")
    leader.append(b"x", is_committable=True)
    leader.tick(10)
    cluster.dispatch(leader)
    cluster.dispatch(backup)
    assert leader.commit_seqno == 4
    backup.raft.state.log.commit(4)
    refusal = RequestVoteResponse(
        view=2, is_granted=False, election=ElectionType.REGULAR
    )
    with pytest.raises(Violated, match="CommitVerified"):
        consensus.check(backup, leader.id, refusal)


def test_a_leader_whom_no_majority_answers_steps_down() -> None:
    cluster, consensus = _watched()
    leader = cluster.node("0")
    for _ in range(9):
        leader.tick(10)
        assert leader.is_leader
    leader.tick(10)
    assert not leader.is_leader
    leader.raft.state.leadership = LeadershipState.LEADER
    leader.raft.state.is_leader = True
    leader.clock_ms += 1
    _fails("CheckQuorum", consensus, leader)
