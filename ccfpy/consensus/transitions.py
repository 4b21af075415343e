"""The moves that every role shares: commit, roll back, reconfigure, step down.

Each keeps the parts of a `Replica` in step with one another: log, configurations, peers
and the node's own retirement.
"""

from ccfpy.base.ids import NodeId, Seqno, View
from ccfpy.consensus.configurations import Configuration
from ccfpy.consensus.messages import ProposeRequestVote
from ccfpy.consensus.progress import Peer
from ccfpy.consensus.ready import Entry
from ccfpy.consensus.replica import Replica
from ccfpy.consensus.roles import LeadershipState
from ccfpy.consensus.sending import send_from
from ccfpy.consensus.trace import Step


def rollback(replica: Replica, to: Seqno) -> None:
    """Forget what follows ``to``, wherever it left its mark."""
    if to < replica.log.last_seqno:
        replica.out.rollback_to = to
    replica.log.rollback(to)
    replica.retirement.rollback(to)
    replica.configurations.rollback(to)
    replica.retired_committed = [
        record for record in replica.retired_committed if record[0] <= to
    ]


def commit(replica: Replica, to: Seqno) -> None:
    """Make the signature at ``to`` final, and what follows from it true."""
    if to <= replica.log.commit_seqno:
        return
    replica.tracer(Step.COMMIT, args={"idx": to})
    replica.log.commit(to)
    replica.out.commit_to = to
    replica.retirement.commit(to)
    _commit_retirements(replica, to)
    if replica.configurations.commit(to):
        add_missing_peers(replica)
        replica.out.is_cleanup_due |= replica.is_leader


def note_changes(replica: Replica, seqno: Seqno, entry: Entry) -> None:
    """Take in what an entry says of nodes, as soon as the log has it."""
    if entry.trusted or entry.retired:
        nodes = replica.configurations.latest - entry.retired | entry.trusted
        _reconfigure(replica, Configuration(seqno=seqno, nodes=nodes))
    if entry.retired_committed:
        replica.retired_committed.append((seqno, entry.retired_committed))


def note_signature(replica: Replica, seqno: Seqno) -> None:
    """Take in that ``seqno`` is a signature.

    A node that finds itself in a signed configuration has caught up with the service
    enough to take part in elections. One that the same signature already removes must
    take part too: until that is committed, its log may be the only one that can win.
    """
    replica.retirement.sign(seqno)
    if not replica.is_ticking and replica.node_id in replica.configurations.nodes:
        start_ticking(replica)


def start_ticking(replica: Replica) -> None:
    """Let this node begin elections, one whole timeout from now."""
    replica.is_ticking = True
    replica.elapsed_ms = 0


def add_missing_peers(replica: Replica) -> None:
    """Begin to send to nodes that a configuration has and that are not sent to.

    Nobody is removed: who left a configuration must still learn that it was committed.
    A new node is sent what comes from here on; its answer tells what it lacks.
    """
    log = replica.log
    for node in replica.others:
        if node not in replica.peers:
            replica.peers[node] = Peer(sent=log.last_seqno + 1)
            if replica.is_leader:
                send_from(replica, node, log.last_seqno + 1)


def become_follower(replica: Replica) -> None:
    """Follow whoever leads this view; keep all that is signed.

    What is signed may be on a majority, and a candidate without it could win. What is
    not signed cannot be committed, so nobody relies on it.
    """
    replica.leader = None
    replica.restart_election_timer()
    replica.forget_silences()
    rollback(replica, replica.log.last_committable.seqno)
    replica.lead(LeadershipState.FOLLOWER)
    replica.tracer(Step.BECOME_FOLLOWER)


def give_up_poll(replica: Replica) -> None:
    """Follow again in a view that a poll did not end.

    The log stays, unsigned entries too: this view's leader may have been told that they
    are here, and would not send them again before the view ends.
    """
    replica.votes.clear()
    replica.lead(LeadershipState.FOLLOWER)
    replica.tracer(Step.BECOME_FOLLOWER)


def become_aware_of_view(replica: Replica, view: View) -> None:
    """Follow in ``view``.

    The vote is forgotten only if the view is new: a candidate that gives way within its
    view has voted in it, for itself. To forget that would let two nodes lead one view.
    """
    if view != replica.view:
        replica.view = view
        replica.voted_for = None
    replica.votes.clear()
    become_follower(replica)
    replica.is_new_follower = True


def _reconfigure(replica: Replica, configuration: Configuration) -> None:
    replica.tracer(Step.ADD_CONFIGURATION, args={"configuration": configuration})
    me = replica.node_id
    if me in replica.configurations.latest and me not in configuration.nodes:
        replica.retirement.order(configuration.seqno)
    if replica.configurations.add(configuration):
        add_missing_peers(replica)


def _commit_retirements(replica: Replica, to: Seqno) -> None:
    """Let go of nodes whose completed retirement is itself committed.

    From here on every leader knows that they are not needed to commit.
    """
    final = [nodes for seqno, nodes in replica.retired_committed if seqno <= to]
    replica.retired_committed = [
        record for record in replica.retired_committed if record[0] > to
    ]
    for nodes in final:
        for node in sorted(nodes):
            if node != replica.node_id:
                replica.peers.pop(node, None)
            elif not replica.retirement.is_final:
                # A record may be written twice: nothing forbids members to remove a
                # node that they have removed already.
                _finish_retirement(replica, to)


def _finish_retirement(replica: Replica, at: Seqno) -> None:
    if replica.is_leader:
        successor = _successor(replica)
        if successor is not None:
            replica.send(successor, ProposeRequestVote(view=replica.view))
    replica.leader = None
    replica.lead(LeadershipState.NONE)
    replica.retirement.finish(at)


def _successor(replica: Replica) -> NodeId | None:
    """Choose the peer that has most of the log; among equals, the one that stays.

    A peer of a later configuration is likelier to stay. One that is about to retire too
    would only have to pass the word on.
    """
    return min(
        replica.peers,
        key=lambda node: (
            -replica.peers[node].matched,
            -replica.configurations.seqno_with(node),
            node,
        ),
        default=None,
    )
