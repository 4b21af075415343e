"""What must hold inside `ccfpy.consensus`, and of the messages between its nodes.

Each step of a node is one input: a message, a tick or an entry. `Consensus.check` is
called after each, with what the node heard in it, if it was a message.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ccfpy.base.ids import NodeId, Seqno, View
from ccfpy.consensus.messages import (
    AppendEntries,
    AppendEntriesResponse,
    ElectionType,
    Message,
    RequestVote,
    RequestVoteResponse,
)
from ccfpy.consensus.quorum import is_quorum
from ccfpy.consensus.raft import Raft
from ccfpy.consensus.ready import Send
from ccfpy.consensus.roles import LeadershipState, RetirementPhase
from tests.lab.invariants.safety import LoggedEntry, Observed, Safety
from tests.lab.invariants.violated import Violated

_STANDING = (
    LeadershipState.PRE_VOTE_CANDIDATE,
    LeadershipState.CANDIDATE,
    LeadershipState.LEADER,
)


class ReplicatedEntry(LoggedEntry, Protocol):
    """An entry as far as consensus is concerned."""

    @property
    def retired_committed(self) -> frozenset[NodeId]:
        """Nodes whose completed retirement it records."""


class Replicating(Observed, Protocol):
    """A node whose consensus can be looked into."""

    @property
    def raft(self) -> Raft:
        """Its consensus."""

    @property
    def ledger(self) -> Sequence[ReplicatedEntry]:
        """Its entries, from seqno 1 on."""

    @property
    def snapshot_seqno(self) -> Seqno:
        """Where the snapshot ends that it began with; 0 without one."""

    @property
    def sent(self) -> Sequence[Send]:
        """What it sent in this step."""

    @property
    def clock_ms(self) -> int:
        """How much time has passed for it."""


@dataclass(slots=True)
class _Past:
    """What is remembered of a node."""

    matched: dict[NodeId, Seqno] = field(default_factory=dict)
    view: View = 0
    leads: View = 0
    commit: Seqno = 0
    clock_ms: int = 0
    heard_ms: dict[NodeId, int] = field(default_factory=dict)


class Consensus:
    """The memory of a cluster and of the votes in it.

    Attributes:
        safety: what holds of any replicated log.
    """

    def __init__(self) -> None:
        self.safety = Safety()
        self._nodes: dict[NodeId, Replicating] = {}
        self._past: dict[NodeId, _Past] = {}
        self._votes: dict[tuple[NodeId, View], NodeId] = {}

    @property
    def nodes(self) -> Mapping[NodeId, Replicating]:
        """Every node that ever took a step."""
        return self._nodes

    def check(
        self, node: Replicating, sender: NodeId | None, message: Message | None
    ) -> None:
        """Check what a node did with one input: a message, or none.

        Raises:
            Violated: what must hold does not.
        """
        past = self._past.get(node.id)
        if past is None:
            past = self._past[node.id] = _Past()
            self._nodes[node.id] = node
        has_changed = self.safety.check(node)
        if past.view != node.view:
            past.view = node.view
            _check_new_view(node, message)
        for send in node.sent:
            self._check_sent(node, send)
        _check_rest(node)
        if node.commit_seqno < node.snapshot_seqno:
            raise Violated(
                "SnapshotFinal",
                f"node {node.id} began with a snapshot at {node.snapshot_seqno}, and "
                f"takes {node.commit_seqno} for final",
            )
        if has_changed:
            check_views(node)
            self._check_committables(node)
            self._check_configurations(node)
            check_retirement(node)
            if past.commit != node.commit_seqno:
                _check_verified(node, past.commit, message)
                past.commit = node.commit_seqno
        if node.is_leader:
            self._check_leading(node, past, sender, message)

    def _check_sent(self, node: Replicating, send: Send) -> None:
        """Check what a node says: of no later view than its own, one vote in each."""
        match send.message:
            case AppendEntriesResponse(position=position):
                view = position.view
            case RequestVoteResponse(
                view=view, is_granted=True, election=ElectionType.REGULAR
            ):
                self._check_vote(node.id, view, send.to)
            case RequestVote(view=view, election=ElectionType.REGULAR):
                self._check_vote(node.id, view, node.id)
            case _:
                view = send.message.view
        if view > node.view:
            raise Violated("MonoTermInv", f"node {node.id} spoke of view {view}")

    def _check_vote(self, voter: NodeId, view: View, candidate: NodeId) -> None:
        known = self._votes.setdefault((voter, view), candidate)
        if known != candidate:
            raise Violated(
                "VoteOnce",
                f"in view {view} node {voter} voted for {known} and {candidate}",
            )

    def _check_committables(self, node: Replicating) -> None:
        """Check that the signatures after the commit are those of the ledger."""
        log = node.raft.log
        commit, found = log.commit_seqno, log.committables
        expected = tuple(
            entry.tx_id.seqno for entry in node.ledger[commit:] if entry.is_committable
        )
        if log.last_seqno != len(node.ledger) or found != expected:
            raise Violated(
                "CommitCommittableIndices",
                f"node {node.id} has signatures {expected}, not {found}",
            )

    def _check_configurations(self, node: Replicating) -> None:
        """Check that configurations and peers are those of the ledger.

        Active are the last configuration that is final, and all after it. To be sent
        anything, a node must be in one of these or in an earlier one.
        """
        commit = node.commit_seqno
        expected: list[tuple[Seqno, frozenset[NodeId]]] = []
        strangers = node.raft.state.peers.keys() - node.origin
        if node.origin:
            expected.append((0, node.origin))
        for entry in node.ledger:
            nodes = entry.configuration
            if nodes is None or (expected and expected[-1][1] == nodes):
                continue
            strangers -= nodes
            if entry.tx_id.seqno <= commit:
                expected.clear()
            expected.append((entry.tx_id.seqno, nodes))
        found = [(c.seqno, c.nodes) for c in node.raft.state.configurations]
        if found != expected:
            raise Violated(
                "LogConfigurationConsistentInv",
                f"node {node.id} has configurations {_told(expected)}, "
                f"not {_told(found)}",
            )
        if strangers:
            raise Violated(
                "PeersInLog",
                f"node {node.id} sends to {sorted(strangers)}, of no configuration",
            )

    def _check_leading(
        self,
        node: Replicating,
        past: _Past,
        sender: NodeId | None,
        message: Message | None,
    ) -> None:
        peers = node.raft.state.peers
        if past.leads != node.view:
            past.leads = node.view
            past.matched = {}
            past.heard_ms = {}
        clock = node.clock_ms
        for peer in peers:
            if peer not in past.heard_ms:
                past.heard_ms[peer] = clock
        if clock > past.clock_ms:
            past.clock_ms = clock
            self._check_quorum_heard(node, past)
        elif isinstance(message, AppendEntriesResponse) and sender in peers:
            past.heard_ms[sender] = clock
            self._check_match(node, past, sender)

    def _check_match(self, node: Replicating, past: _Past, sender: NodeId) -> None:
        """Check that what is taken to match does, and never goes back."""
        matched = node.raft.state.peers[sender].matched
        before = past.matched.get(sender, 0)
        if matched < before:
            raise Violated(
                "MonotonicMatchIndexProp",
                f"node {node.id} matched {before}, then {matched} with {sender}",
            )
        past.matched[sender] = matched
        peer = self._nodes.get(sender)
        if matched == before or peer is None or peer.view != node.view:
            return
        ours, theirs = node.ledger[:matched], peer.ledger[:matched]
        if len(ours) < matched or ours[-1:] != theirs[-1:] or len(theirs) < matched:
            raise Violated(
                "MatchHeld",
                f"node {node.id} matched {matched} with {sender}, which has another",
            )

    def _check_quorum_heard(self, node: Replicating, past: _Past) -> None:
        """Check that a leader stays one only while majorities answer it."""
        state = node.raft.state
        earliest = node.clock_ms - state.settings.election_timeout_ms
        heard = {peer for peer, at in past.heard_ms.items() if at > earliest}
        heard.add(node.id)
        for nodes in state.configurations.node_sets:
            if not is_quorum(heard, nodes):
                raise Violated(
                    "CheckQuorum",
                    f"node {node.id} leads {sorted(nodes)}, and hears {sorted(heard)}",
                )


def check_views(node: Replicating) -> None:
    """Check that a node knows of every entry which view wrote it.

    Raises:
        Violated: it does not.
    """
    ledger, starts = node.ledger, node.raft.log.history.starts
    last = ledger[-1].tx_id.view if ledger else 0
    if len(starts) != last or not all(
        _begins(ledger, view, at) for view, at in enumerate(starts, start=1)
    ):
        raise Violated(
            "ViewHistory",
            f"node {node.id} takes {starts} for the first seqnos of its views",
        )


def check_retirement(node: Replicating) -> None:
    """Check that a node's retirement is what its own ledger says.

    Raises:
        Violated: it is not.
    """
    retirement = node.raft.state.retirement
    commit = node.commit_seqno
    ordered = _removed_at(node)
    phase: RetirementPhase | None = None
    if ordered is not None:
        phase = RetirementPhase.ORDERED
        for entry in node.ledger[ordered:]:
            seqno = entry.tx_id.seqno
            if entry.is_committable and phase is RetirementPhase.ORDERED:
                phase = RetirementPhase.SIGNED
                if seqno <= commit:
                    phase = RetirementPhase.COMPLETED
            if node.id in entry.retired_committed and seqno <= commit:
                phase = RetirementPhase.RETIRED_COMMITTED
    if retirement.phase is not phase:
        raise Violated(
            "MembershipStateConsistentInv",
            f"node {node.id} is {retirement.phase}, its ledger says {phase}",
        )
    for entry in node.ledger[commit:]:
        for retired in sorted(entry.retired_committed):
            _check_retired(node, entry, retired)


def _begins(ledger: Sequence[ReplicatedEntry], view: View, at: Seqno) -> bool:
    """Return whether ``at`` is the first entry that ``view`` or a later one wrote."""
    if at > len(ledger):
        return False
    before = ledger[at - 2].tx_id.view if at > 1 else 0
    return before < view <= ledger[at - 1].tx_id.view


def _check_new_view(node: Replicating, message: Message | None) -> None:
    """Check that a node which reached a view can follow whoever leads there.

    Its log may conflict with that leader's, and it must be free to drop what does. It
    has done so already if the leader's entries told it of the view.
    """
    may_drop = node.raft.state.is_new_follower
    if not (may_drop or node.is_leader or isinstance(message, AppendEntries)):
        raise Violated(
            "NewFollower",
            f"node {node.id} reached view {node.view}, and would drop no other branch",
        )


def _check_rest(node: Replicating) -> None:
    """Check that a node whose retirement is final neither stands nor leads."""
    state = node.raft.state
    if state.retirement.phase is RetirementPhase.RETIRED_COMMITTED and (
        state.leadership in _STANDING
    ):
        raise Violated(
            "MembershipStateConsistentInv",
            f"node {node.id} is gone for good, and yet {state.leadership}",
        )


def _check_retired(node: Replicating, entry: ReplicatedEntry, retired: NodeId) -> None:
    """Check that only a completed retirement is recorded as such."""
    configurations = node.raft.state.configurations
    if retired in configurations.nodes:
        raise Violated(
            "RetirementCompletedNotInConfigsInv",
            f"node {node.id} has a record at {entry.tx_id} that {retired} is gone, "
            "which is in an active configuration",
        )
    final = node.ledger[: node.commit_seqno]
    if not any(retired in (before.configuration or ()) for before in final):
        raise Violated(
            "RetiredCommittedInv",
            f"node {node.id} has a record at {entry.tx_id} that {retired} is gone, "
            "which was never there",
        )


def _removed_at(node: Replicating) -> Seqno | None:
    """Return where the ledger first removes its own node."""
    latest = node.origin
    for entry in node.ledger:
        if entry.configuration is not None:
            if node.id in latest and node.id not in entry.configuration:
                return entry.tx_id.seqno
            latest = entry.configuration
    return None


def _check_verified(node: Replicating, before: Seqno, message: Message | None) -> None:
    """Check that a backup commits no more than it verified, and its leader committed.

    What a leader commits is judged by who has it.
    """
    if node.is_leader or node.commit_seqno <= before:
        return
    match message:
        case AppendEntries(last=last, leader_commit=leader_commit):
            verified = min(last.seqno, leader_commit)
        case AppendEntriesResponse():
            # A leader may commit the record that it is gone, and lead no more.
            verified = node.commit_seqno
        case _:
            verified = node.commit_seqno if message is None else before
    if node.commit_seqno > verified:
        raise Violated(
            "CommitVerified",
            f"node {node.id} committed {node.commit_seqno}, verified {verified}",
        )


def _told(configurations: list[tuple[Seqno, frozenset[NodeId]]]) -> str:
    return str([(seqno, sorted(nodes)) for seqno, nodes in configurations])
