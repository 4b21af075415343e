"""How a leader brings a peer up to date: optimistically, in batches of one view.

What was sent is taken for received until an answer says otherwise, so messages follow
one another without waiting, as many as may be in flight. A message that is lost shows
in the next answer.
"""

from ccfpy.base.ids import NodeId, Seqno
from ccfpy.base.limits import APPEND_ENTRIES_IN_FLIGHT_MAX
from ccfpy.consensus.messages import AppendEntries
from ccfpy.consensus.progress import Peer
from ccfpy.consensus.replica import Replica
from ccfpy.consensus.trace import Step


def send_news(replica: Replica) -> None:
    """Send every peer what it was not sent yet, or a heartbeat."""
    for node in sorted(replica.peers):
        send_from(replica, node, replica.peers[node].sent + 1)


def send_unsent(replica: Replica) -> None:
    """Send what can be committed, and tell of what was, since the last message.

    A node calls for it at the end of each turn, so that what a signature covers travels
    at once and all of it together. What none covers yet cannot be committed: it waits
    for its signature, a full message or the next heartbeat.
    """
    log = replica.log
    signed = log.last_seqno - log.unsigned
    for node in sorted(replica.peers):
        peer = replica.peers[node]
        has_more = peer.sent < min(signed, _reach(replica, peer))
        if has_more or peer.told_commit < log.commit_seqno:
            send_from(replica, node, peer.sent + 1)


def send_from(replica: Replica, to: NodeId, start: Seqno) -> None:
    """Send the entries from ``start`` on; an empty message if there are none.

    A message has entries of one view only, so that the receiver knows the view of each
    before it reads it. It has a batch of them, and what would be left over and less
    than another. What would be too much in flight waits for the peer's answers.
    """
    log, peer = replica.log, replica.peers[to]
    entries = _message_entries(replica, peer)
    last = max(min(_reach(replica, peer), log.last_seqno), start - 1)
    while True:
        end = start + entries - 1
        if last - end < entries:
            end = last
        end = min(end, log.end_of_run(start))
        _send_range(replica, to, start, end)
        if end == last:
            return
        start = end + 1


def _message_entries(replica: Replica, peer: Peer) -> int:
    return max(replica.batch.entries >> peer.halvings, 1)


def _reach(replica: Replica, peer: Peer) -> Seqno:
    """Tell how far a peer may be sent entries before it answers."""
    return peer.answered + (
        APPEND_ENTRIES_IN_FLIGHT_MAX * _message_entries(replica, peer)
    )


def _send_range(replica: Replica, to: NodeId, start: Seqno, end: Seqno) -> None:
    peer = replica.peers[to]
    message = AppendEntries(
        view=replica.view,
        previous=replica.log.tx_id(start - 1),
        last=replica.log.tx_id(end),
        leader_commit=replica.log.commit_seqno,
    )
    replica.tracer(
        Step.SEND_APPEND_ENTRIES,
        packet=message,
        to_node_id=to,
        match_idx=peer.matched,
        sent_idx=peer.sent,
    )
    replica.send(to, message)
    peer.sent = end
    peer.told_commit = message.leader_commit
