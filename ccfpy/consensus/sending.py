"""How a leader brings a peer up to date: optimistically, in batches of one view.

What was sent is taken for received until an answer says otherwise, so messages follow
one another without waiting, as many as may be in flight. A message that is lost shows
in the next answer.
"""

from ccfpy.base.ids import NodeId, Seqno
from ccfpy.base.limits import APPEND_ENTRIES_IN_FLIGHT_MAX
from ccfpy.consensus.messages import AppendEntries
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
        if peer.sent < signed or peer.told_commit < log.commit_seqno:
            send_from(replica, node, peer.sent + 1)


def send_from(replica: Replica, to: NodeId, start: Seqno) -> None:
    """Send the entries from ``start`` on; an empty message if there are none.

    A message has entries of one view only, so that the receiver knows the view of each
    before it reads it, and no more than a batch. What would be too much in flight
    waits for the peer's answers.
    """
    log, peer = replica.log, replica.peers[to]
    last = peer.answered + APPEND_ENTRIES_IN_FLIGHT_MAX * replica.batch.entries
    last = max(min(last, log.last_seqno), start - 1)
    while True:
        end = min(start + replica.batch.entries - 1, log.end_of_run(start), last)
        _send_range(replica, to, start, end)
        if end == last:
            return
        start = end + 1


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
