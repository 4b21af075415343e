"""What a backup does with a leader's entries: judge, take, vouch for what it took.

Receiving has two halves. `receive_append_entries` judges the message by views and
seqnos alone. If it has entries that are new here, they are offered to the node, which
verifies and applies them; `accept` takes in what it learned and answers the leader.
"""

from collections.abc import Sequence

from ccfpy.base.ids import NodeId, Seqno, TxId
from ccfpy.consensus.messages import AppendEntries, AppendEntriesResponse
from ccfpy.consensus.ready import Entry, Offer
from ccfpy.consensus.replica import Replica
from ccfpy.consensus.roles import LeadershipState
from ccfpy.consensus.trace import Step
from ccfpy.consensus.transitions import (
    become_aware_of_view,
    commit,
    give_up_poll,
    note_changes,
    note_signature,
    rollback,
)


def receive_append_entries(
    replica: Replica, sender: NodeId, message: AppendEntries
) -> None:
    """Judge a leader's message. Whoever sends it may be unknown here."""
    replica.tracer(Step.RECV_APPEND_ENTRIES, packet=message, from_node_id=sender)
    if message.view < replica.view:
        _refuse(replica, sender)
    elif message.view > replica.view or (
        replica.leadership is LeadershipState.CANDIDATE
    ):
        become_aware_of_view(replica, message.view)
        _follow(replica, sender, message)
    elif not replica.is_leader:
        if replica.leadership is LeadershipState.PRE_VOTE_CANDIDATE:
            give_up_poll(replica)
        _follow(replica, sender, message)


def _follow(replica: Replica, sender: NodeId, message: AppendEntries) -> None:
    """Check that the logs meet where the message begins, then take what is new.

    A message that begins before the commit is old news and is not answered: a reply
    could only be misread.
    """
    log = replica.log
    view = log.view_of(message.previous.seqno)
    if view != message.previous.view or message.previous.seqno > log.last_seqno:
        _refuse(replica, sender, None if view == 0 else message.previous)
        return
    replica.restart_election_timer()
    replica.leader = sender
    if message.previous.seqno < log.commit_seqno:
        return
    first = _first_new(replica, message)
    if first is None:
        return
    offer = Offer(leader=sender, message=message, first=first)
    if offer.entry_count > 0:
        replica.out.offer = offer
    else:
        _finish(replica, offer)


def accept(replica: Replica, offer: Offer, entries: Sequence[Entry]) -> None:
    """Take in the entries of an offer that the node verified and applied.

    Fewer than offered means that the next one was refused: what came before it stays
    and is committed as far as the leader committed it, and the leader is told to try
    again from there. A record in it may rely on that commit.
    """
    assert len(entries) <= offer.entry_count, "no more is accepted than was offered"
    log = replica.log
    is_traced = replica.is_traced
    view = offer.view
    for seqno, entry in enumerate(entries, start=offer.first):
        if is_traced:
            replica.tracer(Step.EXECUTE_APPEND_ENTRIES, from_node_id=offer.leader)
        log.append(view, is_committable=entry.is_committable)
        note_changes(replica, seqno, entry)
        if entry.is_committable:
            note_signature(replica, seqno)
            _commit_up_to(replica, min(offer.message.leader_commit, seqno))
    if len(entries) == offer.entry_count:
        _finish(replica, offer)
    else:
        _commit_up_to(replica, min(offer.message.leader_commit, log.last_seqno))
        _refuse(replica, offer.leader)


def _first_new(replica: Replica, message: AppendEntries) -> Seqno | None:
    """Find the first entry of the message that is not here, making room for it.

    Where an entry of another view is in the way, the rest of the log goes: once for
    each leader. A later message that conflicts is one that was overtaken, and would
    drop what the newer one brought; it is ignored (``None``).
    """
    log = replica.log
    for seqno in range(message.previous.seqno + 1, message.last.seqno + 1):
        if seqno > log.last_seqno:
            return seqno
        if log.view_of(seqno) != message.last.view:
            if not replica.is_new_follower:
                return None
            rollback(replica, seqno - 1)
            replica.is_new_follower = False
            return seqno
    return message.last.seqno + 1


def _finish(replica: Replica, offer: Offer) -> None:
    """Commit what the leader committed, as far as it was verified; vouch for that far.

    What this node's log has beyond the message may be another branch. To commit it, or
    to acknowledge it, because the leader's own log goes that far would be wrong.
    """
    last = offer.message.last.seqno
    _commit_up_to(replica, min(offer.message.leader_commit, last))
    _respond(replica, offer.leader, TxId(replica.view, last), is_success=True)


def _commit_up_to(replica: Replica, seqno: Seqno) -> None:
    to = replica.log.committable_up_to(seqno)
    if to is not None:
        commit(replica, to)


def _refuse(replica: Replica, leader: NodeId, rejected: TxId | None = None) -> None:
    """Tell a leader where to try again.

    With a ``rejected`` entry, that is the last point where both logs may agree, so that
    they converge by views and not by entries.
    """
    log = replica.log
    if rejected is None:
        position = TxId(replica.view, log.last_seqno)
    else:
        position = log.tx_id(log.best_match(rejected))
    _respond(replica, leader, position, is_success=False)


def _respond(
    replica: Replica, leader: NodeId, position: TxId, *, is_success: bool
) -> None:
    message = AppendEntriesResponse(position=position, is_success=is_success)
    replica.tracer(Step.SEND_APPEND_ENTRIES_RESPONSE, packet=message, to_node_id=leader)
    replica.send(leader, message)
