"""Consensus as one state machine: an input in, a `Ready` out.

Raft with CCF's rules: only signatures commit, in their own view; elections compare
signed logs; majorities are counted in every active configuration; a leader that hears
no majority steps down; a retired node helps until its retirement is committed. Entries
are opaque: the node states the `EntryFacts` of some. No message fails: what a peer
sends is judged, not trusted. Where it differs from CCF: ``docs/DIVERGENCE.md``.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, assert_never

from ccfpy.base.ids import VIEWS_PER_RECOVERY, NodeId, Seqno, TxId, View
from ccfpy.consensus import elections, following, leading
from ccfpy.consensus.configurations import Configuration, Configurations
from ccfpy.consensus.details import NO_ADDRESSES, describe
from ccfpy.consensus.log import Log
from ccfpy.consensus.messages import (
    AppendEntries,
    AppendEntriesResponse,
    Message,
    ProposeRequestVote,
    RequestVote,
    RequestVoteResponse,
)
from ccfpy.consensus.raft_state import Jitter, RaftState, Settings
from ccfpy.consensus.ready import NOTHING, EntryFacts, OfferedEntries, Ready
from ccfpy.consensus.sending import send_unsent
from ccfpy.consensus.trace import Tracer, untraced
from ccfpy.consensus.transitions import (
    add_missing_peers,
    become_aware_of_view,
    start_ticking,
)

if TYPE_CHECKING:
    from ccfpy.base.json import JsonObject


class Raft:
    """One node's consensus.

    A new node belongs to no service until one of these calls: `begin` a service,
    `recover` one, `join` one from a snapshot, or `receive` a message of its leader.

    Attributes:
        state: the state, to be read and not written from outside.
    """

    __slots__ = ("_offer", "state")

    def __init__(
        self,
        node_id: NodeId,
        settings: Settings,
        *,
        jitter: Jitter,
        tracer: Tracer = untraced,
    ) -> None:
        self.state = RaftState(
            node_id=node_id, settings=settings, jitter=jitter, tracer=tracer
        )
        self._offer: OfferedEntries | None = None

    # How a node comes to be

    def begin(self) -> Ready:
        """Lead a new service as its first node, without an election."""
        return self.recover(starts=(), last=TxId(0, 0))

    def recover(self, *, starts: Sequence[Seqno], last: TxId) -> Ready:
        """Lead a service again from its public ledger, two views on.

        Only a node that is certain to be alone may, so this is the operator's word.
        """
        state = self.state
        assert state.leader is None, "there is a leader already"
        self._restore(starts, last, commit=last.seqno)
        state.view = last.view + VIEWS_PER_RECOVERY
        elections.become_leader(state)
        return state.out.take()

    def join(
        self,
        *,
        starts: Sequence[Seqno],
        last: TxId,
        configurations: Iterable[Configuration] = (),
    ) -> Ready:
        """Follow a service from a snapshot at ``last``, or from its beginning."""
        state = self.state
        self._restore(starts, last, commit=last.seqno)
        state.configurations = Configurations(configurations)
        add_missing_peers(state)
        become_aware_of_view(state, last.view)
        return state.out.take()

    def _restore(self, starts: Sequence[Seqno], last: TxId, *, commit: Seqno) -> None:
        self.state.log = Log(starts=starts, last_seqno=last.seqno, commit_seqno=commit)
        if last.seqno:
            self.state.log.history.note(last.view, last.seqno)

    def start_ticking(self) -> None:
        """Allow this node to begin elections.

        A node does so by itself once it has a signature that covers its own trust.
        """
        start_ticking(self.state)

    # Inputs

    def append(self, entry: EntryFacts) -> Ready:
        """Add an entry that this leader wrote in its view."""
        state = self.state
        assert self._offer is None, "an offer waits to be accepted"
        assert state.is_leader, "only a leader appends"
        leading.append(state, entry)
        return state.out.take()

    def receive(self, sender: NodeId, message: Message) -> Ready:
        """Handle a message from another node, whose identity its channel proved."""
        assert self._offer is None, "an offer waits to be accepted"
        state = self.state
        match message:
            case AppendEntries():
                following.receive_append_entries(state, sender, message)
            case AppendEntriesResponse():
                leading.receive_response(state, sender, message)
            case RequestVote():
                elections.receive_request_vote(state, sender, message)
            case RequestVoteResponse():
                elections.receive_request_vote_response(state, sender, message)
            case ProposeRequestVote():
                elections.receive_proposal(state, sender, message)
            case _:
                assert_never(message)
        ready = state.out.take()
        self._offer = ready.offer
        return ready

    def accept(self, entries: Sequence[EntryFacts | None]) -> Ready:
        """Handle what the node learned of the entries of the last `Ready.offer`.

        Those it verified and applied, in order: all, or fewer if it refused one. There
        are no facts of an entry that is no signature and changes no node.
        """
        assert self._offer is not None, "nothing was offered"
        offer, self._offer = self._offer, None
        following.accept(self.state, offer, entries)
        return self.state.out.take()

    def tick(self, elapsed_ms: int) -> Ready:
        """Advance this node's clock by ``elapsed_ms``."""
        assert self._offer is None, "an offer waits to be accepted"
        state = self.state
        state.elapsed_ms += elapsed_ms
        if state.is_leader:
            leading.tick(state, elapsed_ms)
        else:
            elections.tick_without_leadership(state)
        return state.out.take()

    def flush(self) -> Ready:
        """Send what a leader signed and committed; called at the end of each turn."""
        assert self._offer is None, "an offer waits to be accepted"
        state = self.state
        if not state.is_leader or not state.peers:
            return NOTHING
        send_unsent(state)
        return state.out.take()

    # Questions

    @property
    def view(self) -> View:
        """The newest view known."""
        return self.state.view

    @property
    def log(self) -> Log:
        """Where the log ends, what is signed and what is final."""
        return self.state.log

    @property
    def leader(self) -> NodeId | None:
        """Who leads, as far as this node knows."""
        return self.state.leader

    @property
    def is_leader(self) -> bool:
        """Whether this node leads its view."""
        return self.state.is_leader

    @property
    def should_sign(self) -> bool:
        """Whether a leader has yet to write a signature in its view.

        Until it does, nothing that it holds of earlier views can be committed.
        """
        return self.is_leader and self.state.should_sign

    @property
    def is_at_capacity(self) -> bool:
        """Whether so much is uncommitted that a leader should refuse requests."""
        state = self.state
        log, most = state.log, state.settings.uncommitted_tx_max
        return 0 < most <= log.last_seqno - log.commit_seqno and state.is_leader

    def details(self, addresses: Mapping[NodeId, str] = NO_ADDRESSES) -> "JsonObject":
        """Return the body of ``GET /node/consensus``."""
        return describe(self.state, addresses)

    @property
    def nodes(self) -> list[NodeId]:
        """Every node of an active configuration, in a fixed order."""
        return sorted(self.state.configurations.nodes)
