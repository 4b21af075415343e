"""What a leader does: append, send, count answers, commit, and know when to stop."""

from ccfpy.base.ids import NodeId, TxId
from ccfpy.consensus.messages import AppendEntriesResponse
from ccfpy.consensus.progress import Peer
from ccfpy.consensus.quorum import agreed_seqno, is_quorum_of_each
from ccfpy.consensus.raft_state import RaftState
from ccfpy.consensus.ready import EntryFacts
from ccfpy.consensus.sending import send_news
from ccfpy.consensus.trace import TraceStep
from ccfpy.consensus.transitions import (
    become_aware_of_view,
    become_follower,
    commit,
    note_changes,
    note_signature,
)


def append(state: RaftState, entry: EntryFacts) -> None:
    """Add an entry of this view to the end of the log.

    A configuration counts before its entry is in the log: the leader greets a node that
    the configuration adds with the entry before, and a node that remains alone may
    commit the configuration at once.
    """
    log = state.log
    seqno = log.last_seqno + 1
    if state.is_traced:  # every transaction comes by here
        state.tracer(
            TraceStep.REPLICATE,
            view=state.view,
            seqno=seqno,
            globally_committable=entry.is_committable,
            retired_committed=sorted(entry.retired_committed),
        )
    note_changes(state, seqno, entry)
    if entry.is_committable:
        note_signature(state, seqno)
        state.should_sign = False
    log.append(state.view, is_committable=entry.is_committable)
    if state.batch.count(entry.size):
        send_news(state)
    if log.has_committables and state.is_alone:
        advance_commit(state)


def tick(state: RaftState, elapsed_ms: int) -> None:
    """Send news or heartbeats when due; step down when a majority is silent.

    A leader that cannot reach a majority of every active configuration cannot commit.
    Its clients had better look for one that can.
    """
    if state.elapsed_ms >= state.settings.message_timeout_ms:
        state.elapsed_ms = 0
        for peer in state.peers.values():
            peer.refused = None
        send_news(state)
    for peer in state.peers.values():
        peer.silent_ms += elapsed_ms
    patience = state.settings.election_timeout_ms
    heard = {node for node, peer in state.peers.items() if peer.silent_ms < patience}
    heard.add(state.node_id)
    if not is_quorum_of_each(heard, state.configurations.node_sets):
        become_follower(state)


def receive_response(
    state: RaftState, sender: NodeId, message: AppendEntriesResponse
) -> None:
    """Record how far a peer agrees, or where to try again.

    Only a success of this view moves the matching part, and only forward, because
    commit depends on it. Matching entries are not sent again. A failure moves the next
    entry to send back to where both logs may still agree. The view of a failure is
    often old, because it is the view of an entry.
    """
    peer = state.peers.get(sender)
    if peer is None:
        return
    state.tracer(
        TraceStep.RECV_APPEND_ENTRIES_RESPONSE,
        packet=message,
        from_node_id=sender,
        match_idx=peer.matched,
        sent_idx=peer.sent,
    )
    if not state.is_leader:
        return
    peer.silent_ms = 0
    position = message.position
    if position.view > state.view:
        become_aware_of_view(state, position.view)
    elif not message.is_success:
        _try_again(state, peer, position)
    elif position.view == state.view and (
        peer.matched <= position.seqno <= state.log.last_seqno
    ):
        peer.matched = position.seqno
        peer.sent = max(peer.sent, peer.matched)
        if peer.matched >= state.log.commit_seqno:
            peer.halvings = 0
        advance_commit(state)


def _try_again(state: RaftState, peer: Peer, position: TxId) -> None:
    """Go back to where both logs may still agree.

    A gap has all messages behind it refused, one by one and for the same reason. Were
    each answered with all that follows the gap, every answer would be refused again:
    so one is, until the next heartbeat.
    """
    match = state.log.best_match(position)
    peer.go_back(max(min(match, peer.sent), peer.matched))


def advance_commit(state: RaftState) -> None:
    """Commit the last signature that a majority of every configuration holds.

    It must be of this view. One of an older view may be held by a majority and still be
    overwritten by a leader that never had it (Raft, 5.4.2, figure 8).
    """
    log = state.log
    agreed = [
        agreed_seqno([_held(state, node) for node in nodes])
        for nodes in state.configurations.node_sets
    ]
    to = log.committable_up_to(min(agreed, default=0))
    if to is not None and log.view_of(to) == state.view:
        commit(state, to)


def _held(state: RaftState, node: NodeId) -> int:
    if node == state.node_id:
        return state.log.last_seqno
    peer = state.peers.get(node)
    return 0 if peer is None else peer.matched
