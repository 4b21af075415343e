"""How a leader is found: campaigns, votes and what a new leader does first.

A vote goes to a log that ends, in *committable* entries, no earlier than the voter's.
Elections need a majority of every active configuration.
"""

from ccfpy.base.ids import NodeId
from ccfpy.base.limits import VIEWS_MAX
from ccfpy.consensus.leading import advance_commit
from ccfpy.consensus.messages import (
    ElectionType,
    ProposeRequestVote,
    RequestVote,
    RequestVoteResponse,
)
from ccfpy.consensus.quorum import is_quorum_of_each
from ccfpy.consensus.raft_state import RaftState
from ccfpy.consensus.roles import LeadershipState
from ccfpy.consensus.sending import send_from
from ccfpy.consensus.trace import TraceStep
from ccfpy.consensus.transitions import become_aware_of_view, rollback


def tick_without_leadership(state: RaftState) -> None:
    """Campaign if no leader was heard for too long."""
    if (
        state.is_ticking
        and not state.retirement.is_final
        and state.elapsed_ms >= state.settings.election_timeout_ms
    ):
        if state.settings.is_pre_vote_enabled:
            start_pre_vote(state)
        else:
            campaign(state)


def start_pre_vote(state: RaftState) -> None:
    """Ask whether an election could be won, without beginning a view.

    A node that cannot reach a majority, or whose log is old, would otherwise push the
    other nodes to ever higher views. An answer binds no node.
    """
    if not len(state.configurations):
        return
    state.lead(LeadershipState.PRE_VOTE_CANDIDATE)
    state.leader = None
    state.votes.clear()
    state.restart_election_timer()
    state.tracer(TraceStep.BECOME_PRE_VOTE_CANDIDATE)
    _stand(state, ElectionType.PRE_VOTE)


def campaign(state: RaftState) -> None:
    """Begin a view and ask for votes in it.

    A node without a configuration knows no voters, not even itself. After the last view
    no further view can begin.
    """
    if not len(state.configurations):
        return
    if state.view >= VIEWS_MAX:
        return
    state.lead(LeadershipState.CANDIDATE)
    state.leader = None
    state.voted_for = state.node_id
    state.votes.clear()
    state.view += 1
    # Should another lead this view, nothing of its log was compared with ours yet.
    state.is_new_follower = True
    state.restart_election_timer()
    state.forget_silences()
    state.tracer(TraceStep.BECOME_CANDIDATE)
    _stand(state, ElectionType.REGULAR)


def become_leader(state: RaftState) -> None:
    """Lead this view.

    What the log has after its last signature goes: no other node need have it, and the
    first thing of this view must follow a signature. A service's first entries, which
    nothing precedes, stay.
    """
    if state.retirement.is_final:
        return
    log = state.log
    if log.commit_seqno > 0:
        rollback(state, log.last_committable.seqno)
    state.lead(LeadershipState.LEADER)
    state.leader = state.node_id
    state.should_sign = True
    state.elapsed_ms = 0
    state.forget_silences()
    state.tracer(TraceStep.BECOME_LEADER)
    if not state.others:
        advance_commit(state)
    for node in sorted(state.peers):
        peer = state.peers[node]
        peer.matched = 0
        peer.sent = peer.began = log.last_seqno
        peer.halvings = 0
        peer.refused = None
        send_from(state, node, log.last_seqno + 1)
    state.out.is_cleanup_due = True


def receive_request_vote(
    state: RaftState, sender: NodeId, message: RequestVote
) -> None:
    """Vote. The sender may be unknown here: its configuration may be on its way."""
    state.tracer(TraceStep.RECV_REQUEST_VOTE, packet=message, from_node_id=sender)
    is_granted = False
    if message.view >= state.view:
        if message.view > state.view:
            # A pre-vote too: it names a view that somebody has begun.
            become_aware_of_view(state, message.view)
        is_granted = message.last >= state.log.last_committable
        if message.election is ElectionType.REGULAR:
            is_granted &= _is_free_to_vote(state, sender)
            if is_granted:
                state.restart_election_timer()
                state.leader = None
                state.voted_for = sender
    state.send(
        sender,
        RequestVoteResponse(
            view=state.view, is_granted=is_granted, election=message.election
        ),
    )


def receive_request_vote_response(
    state: RaftState, sender: NodeId, message: RequestVoteResponse
) -> None:
    """Count a vote for the campaign that asked for it."""
    state.tracer(
        TraceStep.RECV_REQUEST_VOTE_RESPONSE, packet=message, from_node_id=sender
    )
    asked = {
        LeadershipState.PRE_VOTE_CANDIDATE: ElectionType.PRE_VOTE,
        LeadershipState.CANDIDATE: ElectionType.REGULAR,
    }.get(state.leadership)
    if message.election is not asked or sender not in state.peers:
        return
    if message.view > state.view:
        become_aware_of_view(state, message.view)
    elif message.view == state.view and message.is_granted:
        _count_vote(state, sender)


def receive_proposal(
    state: RaftState, sender: NodeId, message: ProposeRequestVote
) -> None:
    """Campaign at once, as the retiring leader of this view suggests."""
    state.tracer(
        TraceStep.RECV_PROPOSE_REQUEST_VOTE, packet=message, from_node_id=sender
    )
    if (
        state.is_ticking
        and not state.is_leader
        and not state.retirement.is_final
        and message.view == state.view
    ):
        campaign(state)


def _is_free_to_vote(state: RaftState, candidate: NodeId) -> bool:
    """Return whether no leader is known in this view and no other node got the vote."""
    return state.leader is None and state.voted_for in (None, candidate)


def _stand(state: RaftState, election: ElectionType) -> None:
    """Vote for oneself, then ask those whose votes count."""
    _count_vote(state, state.node_id)
    last = state.log.last_committable
    for node in state.others:
        message = RequestVote(view=state.view, last=last, election=election)
        state.tracer(TraceStep.SEND_REQUEST_VOTE, packet=message, to_node_id=node)
        state.send(node, message)


def _count_vote(state: RaftState, voter: NodeId) -> None:
    state.votes.add(voter)
    if is_quorum_of_each(state.votes, state.configurations.node_sets):
        if state.leadership is LeadershipState.PRE_VOTE_CANDIDATE:
            campaign(state)
        else:
            become_leader(state)
