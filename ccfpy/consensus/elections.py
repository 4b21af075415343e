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
from ccfpy.consensus.replica import Replica
from ccfpy.consensus.roles import LeadershipState
from ccfpy.consensus.sending import send_from
from ccfpy.consensus.trace import Step
from ccfpy.consensus.transitions import become_aware_of_view, rollback


def tick_without_leadership(replica: Replica) -> None:
    """Campaign if no leader was heard for too long."""
    if (
        replica.is_ticking
        and not replica.retirement.is_final
        and replica.elapsed_ms >= replica.settings.election_timeout_ms
    ):
        if replica.settings.is_pre_vote_enabled:
            poll(replica)
        else:
            campaign(replica)


def poll(replica: Replica) -> None:
    """Ask whether an election could be won, without beginning a view.

    A node that cannot reach a majority, or whose log is old, would otherwise push the
    others to ever higher views. An answer binds nobody.
    """
    if not len(replica.configurations):
        return
    replica.lead(LeadershipState.PRE_VOTE_CANDIDATE)
    replica.leader = None
    replica.votes.clear()
    replica.restart_election_timer()
    replica.tracer(Step.BECOME_PRE_VOTE_CANDIDATE)
    _stand(replica, ElectionType.PRE_VOTE)


def campaign(replica: Replica) -> None:
    """Begin a view and ask for votes in it.

    A node without a configuration knows nobody to be elected by, itself included.
    After the last view there is none to begin.
    """
    if not len(replica.configurations):
        return
    if replica.view >= VIEWS_MAX:
        return
    replica.lead(LeadershipState.CANDIDATE)
    replica.leader = None
    replica.voted_for = replica.node_id
    replica.votes.clear()
    replica.view += 1
    # Should another lead this view, nothing of its log was compared with ours yet.
    replica.is_new_follower = True
    replica.restart_election_timer()
    replica.forget_silences()
    replica.tracer(Step.BECOME_CANDIDATE)
    _stand(replica, ElectionType.REGULAR)


def become_leader(replica: Replica) -> None:
    """Lead this view.

    What the log has after its last signature goes: no other node need have it, and the
    first thing of this view must follow a signature. A service's first entries, which
    nothing precedes, stay.
    """
    if replica.retirement.is_final:
        return
    log = replica.log
    if log.commit_seqno > 0:
        rollback(replica, log.last_committable.seqno)
    replica.lead(LeadershipState.LEADER)
    replica.leader = replica.node_id
    replica.should_sign = True
    replica.elapsed_ms = 0
    replica.forget_silences()
    replica.tracer(Step.BECOME_LEADER)
    if not replica.others:
        advance_commit(replica)
    for node in sorted(replica.peers):
        peer = replica.peers[node]
        peer.matched = 0
        peer.sent = peer.began = log.last_seqno
        peer.halvings = 0
        peer.refused = None
        send_from(replica, node, log.last_seqno + 1)
    replica.out.is_cleanup_due = True


def receive_request_vote(
    replica: Replica, sender: NodeId, message: RequestVote
) -> None:
    """Vote. Whoever asks may be unknown here: its configuration may be on its way."""
    replica.tracer(Step.RECV_REQUEST_VOTE, packet=message, from_node_id=sender)
    is_granted = False
    if message.view >= replica.view:
        if message.view > replica.view:
            # A poll too: it names a view that somebody has begun.
            become_aware_of_view(replica, message.view)
        is_granted = message.last >= replica.log.last_committable
        if message.election is ElectionType.REGULAR:
            is_granted &= _is_free_to_vote(replica, sender)
            if is_granted:
                replica.restart_election_timer()
                replica.leader = None
                replica.voted_for = sender
    replica.send(
        sender,
        RequestVoteResponse(
            view=replica.view, is_granted=is_granted, election=message.election
        ),
    )


def receive_request_vote_response(
    replica: Replica, sender: NodeId, message: RequestVoteResponse
) -> None:
    """Count a vote for the campaign that asked for it."""
    replica.tracer(Step.RECV_REQUEST_VOTE_RESPONSE, packet=message, from_node_id=sender)
    asked = {
        LeadershipState.PRE_VOTE_CANDIDATE: ElectionType.PRE_VOTE,
        LeadershipState.CANDIDATE: ElectionType.REGULAR,
    }.get(replica.leadership)
    if message.election is not asked or sender not in replica.peers:
        return
    if message.view > replica.view:
        become_aware_of_view(replica, message.view)
    elif message.view == replica.view and message.is_granted:
        _count_vote(replica, sender)


def receive_proposal(
    replica: Replica, sender: NodeId, message: ProposeRequestVote
) -> None:
    """Campaign at once, as the retiring leader of this view suggests."""
    replica.tracer(Step.RECV_PROPOSE_REQUEST_VOTE, packet=message, from_node_id=sender)
    if (
        replica.is_ticking
        and not replica.is_leader
        and not replica.retirement.is_final
        and message.view == replica.view
    ):
        campaign(replica)


def _is_free_to_vote(replica: Replica, candidate: NodeId) -> bool:
    """Tell whether no leader is known in this view, and no vote went elsewhere."""
    return replica.leader is None and replica.voted_for in (None, candidate)


def _stand(replica: Replica, election: ElectionType) -> None:
    """Vote for oneself, then ask those whose votes count."""
    _count_vote(replica, replica.node_id)
    last = replica.log.last_committable
    for node in replica.others:
        message = RequestVote(view=replica.view, last=last, election=election)
        replica.tracer(Step.SEND_REQUEST_VOTE, packet=message, to_node_id=node)
        replica.send(node, message)


def _count_vote(replica: Replica, voter: NodeId) -> None:
    replica.votes.add(voter)
    if is_quorum_of_each(replica.votes, replica.configurations.node_sets):
        if replica.leadership is LeadershipState.PRE_VOTE_CANDIDATE:
            campaign(replica)
        else:
            become_leader(replica)
