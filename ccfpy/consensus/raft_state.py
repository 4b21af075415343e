"""All that one node remembers of consensus: plain data, and questions about it.

The moves are elsewhere: `transitions` has what every role shares, `elections`,
`leading` and `following` have a role each, and `raft` is the face of the whole.

What an operator chooses about consensus, and the randomness that elections need.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from ccfpy.base.ids import NodeId, Seqno, View
from ccfpy.base.limits import (
    APPEND_ENTRIES_FIRST,
    ELECTION_TIMEOUT_MS,
    MESSAGE_TIMEOUT_MS,
    UNCOMMITTED_TX_MAX,
)
from ccfpy.consensus.configurations import Configurations
from ccfpy.consensus.log import Log
from ccfpy.consensus.messages import Message
from ccfpy.consensus.progress import BatchSize, Peer
from ccfpy.consensus.ready import ReadyBuilder, Send
from ccfpy.consensus.roles import LeadershipState, Retirement, is_legal_leadership
from ccfpy.consensus.trace import Tracer, untraced

Jitter: TypeAlias = Callable[[int], int]
"""Gives a number from 0 to the argument, both included, as good as any other.

It spreads elections out in time. It keeps no secret, and a seed may feed it.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """CCF's ``consensus`` configuration, and further settings for tests.

    Attributes:
        message_timeout_ms: how often a leader speaks to each node at least.
        election_timeout_ms: how long a backup waits for a leader at most (and half of
            it at least), and how long a leader waits for a majority.
        first_batch_entries: how many entries go into one message until their sizes are
            known.
        uncommitted_tx_max: see `Raft.is_at_capacity`; 0 sets no bound.
        is_pre_vote_enabled: whether a node asks for votes that do not bind before it
            begins a view. Nodes with and without it work together.
    """

    message_timeout_ms: int = MESSAGE_TIMEOUT_MS
    election_timeout_ms: int = ELECTION_TIMEOUT_MS
    first_batch_entries: int = APPEND_ENTRIES_FIRST
    uncommitted_tx_max: int = UNCOMMITTED_TX_MAX
    is_pre_vote_enabled: bool = False


_UNTRACED: Final = untraced


@dataclass(slots=True)
class ElectionCounts:
    """The campaigns of a node that have ended.

    Attributes:
        won: the node became leader.
        lost: another node led the view, or a later view began.
        abandoned: nobody had won when the node began another.
    """

    won: int = 0
    lost: int = 0
    abandoned: int = 0


@dataclass(slots=True, kw_only=True)
class RaftState:
    """The state of consensus in one node.

    Attributes:
        node_id: this node's id.
        settings: the operator's choices.
        jitter: spreads elections out.
        tracer: sees each step.
        view: the newest view known.
        log: the shape of the log.
        configurations: the sets of nodes whose majorities count.
        peers: the nodes to send to: the other nodes of active configurations, and nodes
            that left and whose retirement is not yet final. A node that only a change
            which was rolled back has added is none.
        retirement: how far this node's own has come.
        retired_committed: records of completed retirements, not yet committed.
        leadership: this node's part.
        is_leader: whether it leads its view; asked for every transaction.
        leader: the leader of this view, once its log was seen to fit ours.
        voted_for: the node that this node voted for in this view.
        votes: the nodes that voted for this node since it last began to campaign.
        elapsed_ms: since the last heartbeat sent, or towards the next election.
        batch: how many entries to send at once.
        is_ticking: whether this node may begin elections.
        is_new_follower: whether one conflicting suffix may still be dropped for this
            leader; see `following`.
        should_sign: whether this leader has yet to write a signature in its view.
        out: what the node must do after this input.
        elections: those in which this node stood, for its metrics.
    """

    node_id: NodeId
    settings: Settings
    jitter: Jitter
    tracer: Tracer = untraced
    view: View = 0
    log: Log = field(default_factory=Log)
    configurations: Configurations = field(default_factory=Configurations)
    peers: dict[NodeId, Peer] = field(default_factory=dict)
    retirement: Retirement = field(default_factory=Retirement)
    retired_committed: list[tuple[Seqno, frozenset[NodeId]]] = field(
        default_factory=list
    )
    leadership: LeadershipState = LeadershipState.NONE
    is_leader: bool = False
    leader: NodeId | None = None
    voted_for: NodeId | None = None
    votes: set[NodeId] = field(default_factory=set)
    elapsed_ms: int = 0
    batch: BatchSize = field(init=False)
    is_ticking: bool = False
    is_new_follower: bool = False
    should_sign: bool = False
    out: ReadyBuilder = field(default_factory=ReadyBuilder)
    elections: ElectionCounts = field(default_factory=ElectionCounts)

    def __post_init__(self) -> None:
        """Begin with a batch of the size that is set."""
        self.batch = BatchSize(self.settings.first_batch_entries)

    @property
    def others(self) -> list[NodeId]:
        """The other nodes of active configurations, in a fixed order."""
        return sorted(self.configurations.nodes - {self.node_id})

    @property
    def is_traced(self) -> bool:
        """Whether anybody sees each step; asked for every entry."""
        return self.tracer is not _UNTRACED

    @property
    def is_alone(self) -> bool:
        """Whether no other node counts; a leader asks it for each entry."""
        return len(self.configurations.latest) <= 1 and not self.others

    def lead(self, state: LeadershipState) -> None:
        """Change this node's leadership state."""
        before = self.leadership
        if before is LeadershipState.CANDIDATE:
            self._count_election(state)
        assert is_legal_leadership(before, state), f"{before} to {state}"
        self.leadership = state
        self.is_leader = state is LeadershipState.LEADER

    def _count_election(self, outcome: LeadershipState) -> None:
        if outcome is LeadershipState.LEADER:
            self.elections.won += 1
        elif outcome is LeadershipState.FOLLOWER:
            self.elections.lost += 1
        else:
            self.elections.abandoned += 1

    def send(self, to: NodeId, message: Message) -> None:
        """Ask for a message to be sent."""
        self.out.messages.append(Send(to, message))

    def restart_election_timer(self) -> None:
        """Wait anew: half the election timeout at least, the whole at most."""
        self.elapsed_ms = self.jitter(self.settings.election_timeout_ms // 2)

    def forget_silences(self) -> None:
        """Restart the time that every peer has to answer in, one election timeout."""
        for peer in self.peers.values():
            peer.silent_ms = 0
