"""How a backup handles a leader's entries: it judges, applies and acknowledges them.

Receiving has two halves. `receive_append_entries` judges the message by views and
seqnos alone. If the message has new entries, they are offered to the node, which
verifies and applies them. `accept` takes the node's result and answers the leader.
"""

from collections.abc import Sequence

from ccfpy.base.ids import NodeId, Seqno, TxId
from ccfpy.consensus.messages import AppendEntries, AppendEntriesResponse
from ccfpy.consensus.raft_state import RaftState
from ccfpy.consensus.ready import EntryFacts, OfferedEntries
from ccfpy.consensus.roles import LeadershipState
from ccfpy.consensus.trace import TraceStep
from ccfpy.consensus.transitions import (
    abandon_pre_vote,
    become_aware_of_view,
    commit,
    note_changes,
    note_signature,
    rollback,
)


def receive_append_entries(
    state: RaftState, sender: NodeId, message: AppendEntries
) -> None:
    """Judge a leader's message. The sender may be unknown to this node."""
    state.tracer(TraceStep.RECV_APPEND_ENTRIES, packet=message, from_node_id=sender)
    if message.view < state.view:
        _refuse(state, sender)
    elif message.view > state.view or (state.leadership is LeadershipState.CANDIDATE):
        become_aware_of_view(state, message.view)
        _follow(state, sender, message)
    elif not state.is_leader:
        if state.leadership is LeadershipState.PRE_VOTE_CANDIDATE:
            abandon_pre_vote(state)
        _follow(state, sender, message)


def _follow(state: RaftState, sender: NodeId, message: AppendEntries) -> None:
    """Check that the logs agree where the message begins, then take the new entries.

    Entries that begin before the commit are known already and are not answered. A
    heartbeat that begins there is answered: its leader may have only such entries in
    flight, and without an answer would send nothing else until the view ends. The
    answer names the commit, because the log of every later leader has all committed
    entries.
    """
    log = state.log
    view = log.view_of(message.previous.seqno)
    if view != message.previous.view or message.previous.seqno > log.last_seqno:
        _refuse(state, sender, None if view == 0 else message.previous)
        return
    state.restart_election_timer()
    state.leader = sender
    if message.previous.seqno < log.commit_seqno:
        if not message.has_entries:
            position = TxId(state.view, log.commit_seqno)
            _respond(state, sender, position, is_success=True)
        return
    first = _first_new(state, message)
    if first is None:
        return
    offer = OfferedEntries(leader=sender, message=message, first=first)
    if offer.entry_count > 0:
        state.out.offer = offer
    else:
        _finish(state, offer)


def accept(
    state: RaftState, offer: OfferedEntries, entries: Sequence[EntryFacts | None]
) -> None:
    """Append the entries of an offer that the node verified and applied.

    Fewer entries than offered mean that the next entry was refused. The entries before
    it stay and are committed as far as the leader committed them, and the answer asks
    the leader to try again from there. A record in them may rely on that commit.
    """
    assert len(entries) <= offer.entry_count, "no more is accepted than was offered"
    log = state.log
    is_traced = state.is_traced
    view = offer.view
    if entries:
        log.history.note(view, offer.first)
    for seqno, entry in enumerate(entries, start=offer.first):
        if is_traced:
            state.tracer(TraceStep.EXECUTE_APPEND_ENTRIES, from_node_id=offer.leader)
        if entry is None:
            log.last_seqno = seqno
            continue
        log.append(view, is_committable=entry.is_committable)
        note_changes(state, seqno, entry)
        if entry.is_committable:
            note_signature(state, seqno)
            _commit_up_to(state, min(offer.message.leader_commit, seqno))
    if len(entries) == offer.entry_count:
        _finish(state, offer)
    else:
        _commit_up_to(state, min(offer.message.leader_commit, log.last_seqno))
        _refuse(state, offer.leader)


def _first_new(state: RaftState, message: AppendEntries) -> Seqno | None:
    """Find the first entry of the message that is not here, making room for it.

    Where an entry of another view is in the way, the rest of the log goes: once for
    each leader. A later message that conflicts is one that was overtaken, and would
    drop what the newer one brought; it is ignored (``None``).
    """
    log = state.log
    for seqno in range(message.previous.seqno + 1, message.last.seqno + 1):
        if seqno > log.last_seqno:
            return seqno
        if log.view_of(seqno) != message.last.view:
            if not state.is_new_follower:
                return None
            rollback(state, seqno - 1)
            state.is_new_follower = False
            return seqno
    return message.last.seqno + 1


def _finish(state: RaftState, offer: OfferedEntries) -> None:
    """Commit what the leader committed, as far as it was verified; vouch for that far.

    What this node's log has beyond the message may be another branch. To commit it, or
    to acknowledge it, because the leader's own log goes that far would be wrong.
    """
    last = offer.message.last.seqno
    _commit_up_to(state, min(offer.message.leader_commit, last))
    _respond(state, offer.leader, TxId(state.view, last), is_success=True)


def _commit_up_to(state: RaftState, seqno: Seqno) -> None:
    to = state.log.committable_up_to(seqno)
    if to is not None:
        commit(state, to)


def _refuse(state: RaftState, leader: NodeId, rejected: TxId | None = None) -> None:
    """Reply to a leader with the seqno to try again from.

    With a ``rejected`` entry, that is the last point where both logs may agree, so that
    they converge by views and not by entries.
    """
    log = state.log
    if rejected is None:
        position = TxId(state.view, log.last_seqno)
    else:
        position = log.tx_id(log.best_match(rejected))
    _respond(state, leader, position, is_success=False)


def _respond(
    state: RaftState, leader: NodeId, position: TxId, *, is_success: bool
) -> None:
    message = AppendEntriesResponse(position=position, is_success=is_success)
    state.tracer(
        TraceStep.SEND_APPEND_ENTRIES_RESPONSE, packet=message, to_node_id=leader
    )
    state.send(leader, message)
