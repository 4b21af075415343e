"""What a leader does: append, send, count answers, commit, and know when to stop."""

from ccfpy.base.ids import NodeId, TxId
from ccfpy.consensus.messages import AppendEntriesResponse
from ccfpy.consensus.progress import Peer
from ccfpy.consensus.quorum import agreed_seqno, is_quorum_of_each
from ccfpy.consensus.ready import Entry
from ccfpy.consensus.replica import Replica
from ccfpy.consensus.sending import send_news
from ccfpy.consensus.trace import Step
from ccfpy.consensus.transitions import (
    become_aware_of_view,
    become_follower,
    commit,
    note_changes,
    note_signature,
)


def append(replica: Replica, entry: Entry) -> None:
    """Add an entry of this view to the end of the log.

    A configuration counts before its entry is in the log: whoever it adds is greeted
    with the entry before, and whoever alone remains may commit it at once.
    """
    log = replica.log
    seqno = log.last_seqno + 1
    if replica.is_traced:  # every transaction comes by here
        replica.tracer(
            Step.REPLICATE,
            view=replica.view,
            seqno=seqno,
            globally_committable=entry.is_committable,
            retired_committed=sorted(entry.retired_committed),
        )
    note_changes(replica, seqno, entry)
    if entry.is_committable:
        note_signature(replica, seqno)
        replica.should_sign = False
    log.append(replica.view, is_committable=entry.is_committable)
    if replica.batch.count(entry.size):
        send_news(replica)
    if log.has_committables and replica.is_alone:
        advance_commit(replica)


def tick(replica: Replica, elapsed_ms: int) -> None:
    """Send news or heartbeats when due; step down when a majority is silent.

    A leader that cannot reach a majority of every active configuration cannot commit.
    Its clients had better look for one that can.
    """
    if replica.elapsed_ms >= replica.settings.message_timeout_ms:
        replica.elapsed_ms = 0
        for peer in replica.peers.values():
            peer.refused = None
        send_news(replica)
    for peer in replica.peers.values():
        peer.silent_ms += elapsed_ms
    patience = replica.settings.election_timeout_ms
    heard = {node for node, peer in replica.peers.items() if peer.silent_ms < patience}
    heard.add(replica.node_id)
    if not is_quorum_of_each(heard, replica.configurations.node_sets):
        become_follower(replica)


def receive_response(
    replica: Replica, sender: NodeId, message: AppendEntriesResponse
) -> None:
    """Note how far a peer agrees, or where to try again.

    Only a success of this view moves what is known to match, and only forward: commit
    rests on it. A failure moves what is to be sent next, back to where both logs may
    still agree; its view is often an old one, being that of an entry.
    """
    peer = replica.peers.get(sender)
    if peer is None:
        return
    replica.tracer(
        Step.RECV_APPEND_ENTRIES_RESPONSE,
        packet=message,
        from_node_id=sender,
        match_idx=peer.matched,
        sent_idx=peer.sent,
    )
    if not replica.is_leader:
        return
    peer.silent_ms = 0
    position = message.position
    if position.view > replica.view:
        become_aware_of_view(replica, position.view)
    elif not message.is_success:
        _try_again(replica, peer, position)
    elif position.view == replica.view and (
        peer.matched <= position.seqno <= replica.log.last_seqno
    ):
        peer.matched = position.seqno
        if peer.matched >= replica.log.commit_seqno:
            peer.halvings = 0
        advance_commit(replica)


def _try_again(replica: Replica, peer: Peer, position: TxId) -> None:
    """Go back to where both logs may still agree.

    A gap has all messages behind it refused, one by one and for the same reason. Were
    each answered with all that follows the gap, every answer would be refused again:
    so one is, until the next heartbeat.
    """
    match = replica.log.best_match(position)
    peer.go_back(max(min(match, peer.sent), peer.matched))


def advance_commit(replica: Replica) -> None:
    """Commit the last signature that a majority of every configuration holds.

    It must be of this view. One of an older view may be held by a majority and still be
    overwritten by a leader that never had it (Raft, 5.4.2, figure 8).
    """
    log = replica.log
    agreed = [
        agreed_seqno([_held(replica, node) for node in nodes])
        for nodes in replica.configurations.node_sets
    ]
    to = log.committable_up_to(min(agreed, default=0))
    if to is not None and log.view_of(to) == replica.view:
        commit(replica, to)


def _held(replica: Replica, node: NodeId) -> int:
    if node == replica.node_id:
        return replica.log.last_seqno
    peer = replica.peers.get(node)
    return 0 if peer is None else peer.matched
