"""The moves that every role shares: commit, roll back, reconfigure, step down.

Each move keeps the parts of a `RaftState` in step with one another: log,
configurations, peers and the node's own retirement.
"""

from ccfpy.base.ids import NodeId, Seqno, View
from ccfpy.consensus.configurations import Configuration
from ccfpy.consensus.messages import ProposeRequestVote
from ccfpy.consensus.progress import Peer
from ccfpy.consensus.raft_state import RaftState
from ccfpy.consensus.ready import EntryFacts
from ccfpy.consensus.roles import LeadershipState
from ccfpy.consensus.sending import send_from
from ccfpy.consensus.trace import TraceStep


def rollback(state: RaftState, to: Seqno) -> None:
    """Forget what follows ``to``, wherever it left its mark."""
    if to < state.log.last_seqno:
        state.out.rollback_to = to
    state.log.rollback(to)
    state.retirement.rollback(to)
    before = state.configurations.nodes
    state.configurations.rollback(to)
    # A node of no configuration has no vote. If the leader still sent to that node, its
    # log could become the newest of all: it would refuse others, and could not lead.
    for node in before - state.configurations.nodes:
        state.peers.pop(node, None)
    state.retired_committed = [
        record for record in state.retired_committed if record[0] <= to
    ]


def commit(state: RaftState, to: Seqno) -> None:
    """Make the signature at ``to`` final, and what follows from it true."""
    if to <= state.log.commit_seqno:
        return
    state.tracer(TraceStep.COMMIT, args={"idx": to})
    state.log.commit(to)
    state.out.commit_to = to
    state.retirement.commit(to)
    _commit_retirements(state, to)
    if state.configurations.commit(to):
        add_missing_peers(state)
        state.out.is_cleanup_due |= state.is_leader


def note_changes(state: RaftState, seqno: Seqno, entry: EntryFacts) -> None:
    """Apply an entry's changes of nodes, as soon as the log has the entry."""
    if entry.trusted or entry.retired:
        nodes = state.configurations.latest - entry.retired | entry.trusted
        _reconfigure(state, Configuration(seqno=seqno, nodes=nodes))
    if entry.retired_committed:
        state.retired_committed.append((seqno, entry.retired_committed))


def note_signature(state: RaftState, seqno: Seqno) -> None:
    """Record that ``seqno`` is a signature.

    A node that finds itself in a signed configuration has caught up with the service
    enough to take part in elections. One that the same signature already removes must
    take part too: until that is committed, its log may be the only one that can win.
    """
    state.retirement.sign(seqno)
    if not state.is_ticking and state.node_id in state.configurations.nodes:
        start_ticking(state)


def start_ticking(state: RaftState) -> None:
    """Allow this node to begin elections, one whole timeout from now."""
    state.is_ticking = True
    state.elapsed_ms = 0


def add_missing_peers(state: RaftState) -> None:
    """Begin to send to the nodes of a configuration that are not peers yet.

    No peer is removed: a node that left a configuration must still learn of its commit.
    A new node receives the entries from here on; its answer says which entries it
    lacks.
    """
    log = state.log
    for node in state.others:
        if node not in state.peers:
            state.peers[node] = Peer(sent=log.last_seqno + 1)
            if state.is_leader:
                send_from(state, node, log.last_seqno + 1)


def become_follower(state: RaftState) -> None:
    """Follow the leader of this view; keep all signed entries.

    What is signed may be on a majority, and a candidate without it could win. What is
    not signed cannot be committed, so nobody relies on it.
    """
    state.leader = None
    state.restart_election_timer()
    state.forget_silences()
    rollback(state, state.log.last_committable.seqno)
    state.lead(LeadershipState.FOLLOWER)
    state.tracer(TraceStep.BECOME_FOLLOWER)


def abandon_pre_vote(state: RaftState) -> None:
    """Follow again in a view that a pre-vote did not end.

    The log stays, with its unsigned entries: this view's leader may know that they are
    here, and would not send them again before the view ends.
    """
    state.votes.clear()
    state.lead(LeadershipState.FOLLOWER)
    state.tracer(TraceStep.BECOME_FOLLOWER)


def become_aware_of_view(state: RaftState, view: View) -> None:
    """Follow in ``view``.

    The vote is forgotten only if the view is new: a candidate that gives way within its
    view has voted in it, for itself. To forget that would let two nodes lead one view.
    """
    if view != state.view:
        state.view = view
        state.voted_for = None
    state.votes.clear()
    become_follower(state)
    state.is_new_follower = True


def _reconfigure(state: RaftState, configuration: Configuration) -> None:
    state.tracer(TraceStep.ADD_CONFIGURATION, args={"configuration": configuration})
    me = state.node_id
    if me in state.configurations.latest and me not in configuration.nodes:
        state.retirement.order(configuration.seqno)
    if state.configurations.add(configuration):
        add_missing_peers(state)


def _commit_retirements(state: RaftState, to: Seqno) -> None:
    """Remove nodes whose completed retirement is itself committed.

    From here on every leader knows that they are not needed to commit.
    """
    final = [nodes for seqno, nodes in state.retired_committed if seqno <= to]
    state.retired_committed = [
        record for record in state.retired_committed if record[0] > to
    ]
    for nodes in final:
        for node in sorted(nodes):
            if node != state.node_id:
                state.peers.pop(node, None)
            elif not state.retirement.is_final:
                # A record may be written twice: nothing forbids members to remove a
                # node that they have removed already.
                _finish_retirement(state, to)


def _finish_retirement(state: RaftState, at: Seqno) -> None:
    if state.is_leader:
        successor = _successor(state)
        if successor is not None:
            state.send(successor, ProposeRequestVote(view=state.view))
    state.leader = None
    state.lead(LeadershipState.NONE)
    state.retirement.finish(at)


def _successor(state: RaftState) -> NodeId | None:
    """Choose the peer that has most of the log; among equals, the one that stays.

    A peer of a later configuration is likelier to stay. A peer that is about to retire
    would have to nominate a successor again.
    """
    return min(
        state.peers,
        key=lambda node: (
            -state.peers[node].matched,
            -state.configurations.seqno_with(node),
            node,
        ),
        default=None,
    )
