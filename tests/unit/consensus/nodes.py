"""One node under test, and what its peers might send it."""

from collections.abc import Iterable

from ccfpy.base.ids import NodeId, TxId
from ccfpy.consensus.configurations import Configuration
from ccfpy.consensus.messages import (
    AppendEntries,
    AppendEntriesResponse,
    ElectionType,
    RequestVote,
    RequestVoteResponse,
)
from ccfpy.consensus.raft import Raft
from ccfpy.consensus.raft_state import Settings
from ccfpy.consensus.ready import EntryFacts, Ready
from ccfpy.consensus.roles import LeadershipState

TIMEOUT_MS = 100
HEARTBEAT_MS = 10
WRITE = EntryFacts(size=10)
SIGNATURE = EntryFacts(size=10, is_committable=True)


def ids(*names: str) -> frozenset[NodeId]:
    return frozenset(map(NodeId, names))


def new_raft(
    me: str = "0",
    *,
    nodes: Iterable[str] = "012",
    uncommitted_tx_max: int = 0,
    is_pre_vote_enabled: bool = False,
) -> Raft:
    """Return a backup in view 0 that knows a configuration and may campaign."""
    raft = Raft(
        NodeId(me),
        Settings(
            message_timeout_ms=HEARTBEAT_MS,
            election_timeout_ms=TIMEOUT_MS,
            uncommitted_tx_max=uncommitted_tx_max,
            is_pre_vote_enabled=is_pre_vote_enabled,
        ),
        jitter=lambda _: 0,
    )
    raft.join(
        starts=(),
        last=TxId(0, 0),
        configurations=[Configuration(seqno=0, nodes=ids(*nodes))],
    )
    raft.start_ticking()
    return raft


def new_leader(
    *, nodes: str = "012", voters: str = "12", uncommitted_tx_max: int = 0
) -> Raft:
    """Return node 0 as the leader of view 1."""
    raft = new_raft(nodes=nodes, uncommitted_tx_max=uncommitted_tx_max)
    raft.tick(TIMEOUT_MS)
    for voter in voters:
        raft.receive(NodeId(voter), vote(view=1))
    assert raft.is_leader
    return raft


def vote(
    *,
    view: int,
    is_granted: bool = True,
    election: ElectionType = ElectionType.REGULAR,
) -> RequestVoteResponse:
    return RequestVoteResponse(view=view, is_granted=is_granted, election=election)


def plea(
    *,
    view: int,
    last: tuple[int, int] = (0, 0),
    election: ElectionType = ElectionType.REGULAR,
) -> RequestVote:
    return RequestVote(view=view, last=TxId(*last), election=election)


def entries(
    *, view: int, after: tuple[int, int], last: tuple[int, int], commit: int = 0
) -> AppendEntries:
    return AppendEntries(
        view=view, previous=TxId(*after), last=TxId(*last), leader_commit=commit
    )


def ack(view: int, seqno: int) -> AppendEntriesResponse:
    return AppendEntriesResponse(position=TxId(view, seqno), is_success=True)


def nack(view: int, seqno: int) -> AppendEntriesResponse:
    return AppendEntriesResponse(position=TxId(view, seqno), is_success=False)


def take(
    raft: Raft, message: AppendEntries, taken: list[EntryFacts], *, sender: str = "1"
) -> Ready:
    """Send a backup a leader's entries, all of which the backup accepts."""
    assert raft.receive(NodeId(sender), message).offer is not None
    return raft.accept(taken)


def part(raft: Raft) -> LeadershipState:
    """Return a node's role now, which a type checker would think unchanged."""
    return raft.state.leadership


def leads(raft: Raft) -> bool:
    """Return whether a node leads now."""
    return raft.is_leader
