"""How a leader brings a peer up to date: optimistically, in batches of one view.

What was sent is taken for received until an answer says otherwise, so messages follow
one another without waiting, as many as may be in flight. A message that is lost shows
in the next answer.
"""

from ccfpy.base.ids import NodeId, Seqno
from ccfpy.base.limits import APPEND_ENTRIES_IN_FLIGHT_MAX
from ccfpy.consensus.messages import AppendEntries
from ccfpy.consensus.progress import Peer
from ccfpy.consensus.raft_state import RaftState
from ccfpy.consensus.trace import TraceStep


def send_news(state: RaftState) -> None:
    """Send every peer its unsent entries, or a heartbeat."""
    for node in sorted(state.peers):
        send_from(state, node, state.peers[node].sent + 1)


def send_unsent(state: RaftState) -> None:
    """Send entries that can be committed, and a new commit, since the last message.

    A node calls this at the end of each turn, so that all entries that a signature
    covers travel at once and together. Entries without a signature cannot be committed
    yet: they wait for a signature, a full message or the next heartbeat.
    """
    log = state.log
    signed = log.last_seqno - log.unsigned
    for node in sorted(state.peers):
        peer = state.peers[node]
        has_more = peer.sent < min(signed, _reach(state, peer))
        if has_more or peer.told_commit < log.commit_seqno:
            send_from(state, node, peer.sent + 1)


def send_from(state: RaftState, to: NodeId, start: Seqno) -> None:
    """Send the entries from ``start`` on; an empty message if there are none.

    A message has entries of one view only, so that the receiver knows the view of each
    before it reads it. It has a batch of them, and what would be left over and less
    than another. What would be too much in flight waits for the peer's answers.
    """
    log, peer = state.log, state.peers[to]
    entries = _message_entries(state, peer)
    last = max(min(_reach(state, peer), log.last_seqno), start - 1)
    while True:
        end = start + entries - 1
        if last - end < entries:
            end = last
        end = min(end, log.end_of_run(start))
        _send_range(state, to, start, end)
        if end == last:
            return
        start = end + 1


def _message_entries(state: RaftState, peer: Peer) -> int:
    return max(state.batch.entries >> peer.halvings, 1)


def _reach(state: RaftState, peer: Peer) -> Seqno:
    """Return the last seqno that may be sent to a peer before it answers."""
    return peer.answered + (
        APPEND_ENTRIES_IN_FLIGHT_MAX * _message_entries(state, peer)
    )


def _send_range(state: RaftState, to: NodeId, start: Seqno, end: Seqno) -> None:
    peer = state.peers[to]
    message = AppendEntries(
        view=state.view,
        previous=state.log.tx_id(start - 1),
        last=state.log.tx_id(end),
        leader_commit=state.log.commit_seqno,
    )
    state.tracer(
        TraceStep.SEND_APPEND_ENTRIES,
        packet=message,
        to_node_id=to,
        match_idx=peer.matched,
        sent_idx=peer.sent,
    )
    state.send(to, message)
    peer.sent = end
    peer.told_commit = message.leader_commit
