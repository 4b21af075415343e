"""Keeps consensus and the ledger in step: does to `LedgerTail` what `Raft` decides.

Every input of consensus passes through `Replication`. Its answer (`Ready`) is done
completely before the next input. A primary's entries enter through `commit` and `sign`.
A backup's entries enter through `receive`, which verifies each entry before consensus
may acknowledge it. Listeners are called during a commit or a rollback, and must not
order transactions then; they do so at the end of the step (`RunningNode.end_turn`).

`SignatureTimer` says when a primary signs: after a number of entries or after a time.
It has CCF's rhythm (``src/node/history.h``) and fires every ``delay``. The primary
signs only if an entry is unsigned, so an idle service adds nothing to its ledger.

*Early* signatures are an extension. The primary signs as soon as an entry is unsigned
and the last signature is committed, but at most every few milliseconds. A signature
costs as much as many writes. While each signature covers many entries, or while many
requests come at once, the wait before the next signature doubles, up to a bound. If a
caller waits for the commit, the wait ends when no more entries come.

`tracer_of` writes the steps of consensus as log lines tagged ``raft_trace``, in the
format of a CCF built with ``CCF_RAFT_TRACING``. They name nodes, views and seqnos, and
nothing private. They cost nothing unless ``consensus.trace`` is on.
"""

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol

from ccfpy.base import limits
from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.histogram import Histogram
from ccfpy.base.ids import NodeId, Seqno, TxId, View, transaction_id
from ccfpy.base.json import dumps
from ccfpy.base.limits import SIGNATURES_TIMED_MAX
from ccfpy.boundary.effects import LogLevel, LogTag, SendEntries
from ccfpy.boundary.metrics import TIME_EDGES_NS
from ccfpy.consensus.messages import AppendEntries, Message, decode
from ccfpy.consensus.raft import Raft
from ccfpy.consensus.raft_state import RaftState
from ccfpy.consensus.ready import NOTHING, EntryFacts, OfferedEntries, Ready
from ccfpy.consensus.status import TxStatus, status_of
from ccfpy.consensus.trace import Tracer, TraceStep, untraced
from ccfpy.consensus.tracing import event
from ccfpy.kv.tx import Tx
from ccfpy.ledger.frame import entry_end, split_entries
from ccfpy.ledger.receipt import Receipt
from ccfpy.ledger.signature import Signer
from ccfpy.node.outbox import Outbox
from ccfpy.node.replication.ledger_tail import LedgerTail, facts_of
from ccfpy.node.snapshots.starting_point import StartingPoint

if TYPE_CHECKING:
    from ccfpy.node.channels import Channels


_APPLIED_AT_ONCE: Final = 32
"""Number of a peer's entries: enough that each stage (`open_run`) fetches its code
seldom, and few enough that they stay in the processor's cache between stages."""


class NotPrimary(Exception):
    """A node that is not primary was asked to order a write."""


class Replication:
    """This node's part in agreeing on the ledger.

    Attributes:
        raft: the state machine; only this class gives it inputs.
        tail: the ledger; only this class writes to it.
        is_cleanup_due: this node is primary, and retirements that are complete may be
            recorded as such.
        view_changes: how often the view has changed.
    """

    def __init__(
        self, *, raft: Raft, tail: LedgerTail, peers: "Channels", outbox: Outbox
    ) -> None:
        self.raft = raft
        self.tail = tail
        self.is_cleanup_due = False
        self._peers = peers
        self._outbox = outbox
        self.view_changes = 0
        self._role: tuple[bool, View] = (False, 0)
        self._final: list[Callable[[Seqno], None]] = []
        self._committed: list[Callable[[Seqno], None]] = []
        self._rolled_back: list[Callable[[Seqno], None]] = []

    # Listeners

    def before_compaction(self, tell: Callable[[Seqno], None]) -> None:
        """Call ``tell`` with every new commit, while older state can be read."""
        self._final.append(tell)

    def on_commit(self, tell: Callable[[Seqno], None]) -> None:
        """Call ``tell`` with every new commit, after the KV's global hooks."""
        self._committed.append(tell)

    def on_rollback(self, tell: Callable[[Seqno], None]) -> None:
        """Call ``tell`` with the last entry that stays, at every rollback."""
        self._rolled_back.append(tell)

    # Questions

    @property
    def is_primary(self) -> bool:
        """Whether this node orders transactions."""
        return self.raft.state.is_leader

    @property
    def view(self) -> View:
        """The newest view known."""
        return self.raft.view

    @property
    def unsigned(self) -> int:
        """How many entries follow the last signature."""
        return self.raft.state.log.unsigned

    @property
    def is_all_committed(self) -> bool:
        """Whether no signature waits for a majority."""
        return not self.raft.log.has_committables

    def tx_status(self, tx_id: TxId) -> TxStatus:
        """Return the status of a transaction."""
        log = self.raft.log
        return status_of(
            tx_id, log.history, last=log.last_seqno, committed=log.commit_seqno
        )

    def committed_tx_id(self) -> TxId | None:
        """Return the id of the last committed transaction."""
        log = self.raft.log
        return log.tx_id(log.commit_seqno) if log.commit_seqno else None

    def receipt(self, seqno: Seqno) -> Receipt | None:
        """Return the receipt of a committed transaction that is still in memory."""
        return self.tail.receipt(seqno, committed=self.raft.log.commit_seqno)

    # Inputs

    def begin(self) -> None:
        """Lead a new service, of which this is the only node."""
        self._perform(self.raft.begin())

    def recover(self, *, starts: tuple[Seqno, ...], last: TxId) -> None:
        """Lead a recovered service, whose ledger this node has up to ``last``.

        Args:
            starts: the first seqno of each view, from view 1.
            last: the ledger's last signature.
        """
        self._perform(self.raft.recover(starts=starts, last=last))
        assert self.raft.log.last_seqno == self.tail.last_seqno

    def join(self, point: StartingPoint | None = None) -> None:
        """Follow a service from its beginning, or from a snapshot in the store."""
        if point is None:
            ready = self.raft.join(starts=(), last=TxId(0, 0))
        else:
            self.tail.begin_after(point.tree())
            ready = self.raft.join(
                starts=point.starts,
                last=point.last,
                configurations=point.configurations,
            )
        assert self.raft.log.last_seqno == self.tail.last_seqno
        self._perform(ready)

    def commit(self, tx: Tx, claims_digest: bytes | None = None) -> TxId | None:
        """Order a transaction, and return its id.

        Returns the id of the state it read if it wrote nothing, and nothing if it did
        neither.

        Raises:
            Conflict: what it read has changed.
            EntryTooLarge: its entry is over the bound.
            Malformed: it writes a record that no node can act upon.
            VerificationFailed: it writes a record that no node may act upon.
            NotPrimary: it writes, and this node does not lead.
        """
        state = self.raft.state
        read_version = tx.read_version
        if not state.is_leader and tx.writes:
            raise NotPrimary
        view = state.view
        appended = self.tail.append(tx, view, claims_digest)
        if appended is None:
            return None if read_version is None else state.log.tx_id(read_version)
        size, write_set = appended
        ready = self.raft.append(facts_of(write_set, size) or EntryFacts(size=size))
        if ready is not NOTHING:
            self._perform(ready)
        return transaction_id(view, self.tail.store.version)

    def end_reading(self, tx: Tx) -> TxId | None:
        """End a read-only transaction; return the id of the state that it read."""
        self.tail.store.end(tx)
        version = tx.read_version
        return None if version is None else self.raft.state.log.tx_id(version)

    def sign(self, signer: Signer, *, issued_at: int) -> None:
        """Append a signature; ``issued_at`` is Unix time in seconds."""
        size = self.tail.sign(signer, self.raft.view, issued_at=issued_at)
        ready = self.raft.append(EntryFacts(size=size, is_committable=True))
        if ready is not NOTHING:
            self._perform(ready)

    def receive(self, sender: NodeId, header: bytes, entries: bytes) -> None:
        """Receive a message, authenticated by its channel, with its entries."""
        try:
            message = decode(header)
        except Malformed as error:
            self._outbox.fail(f"Ignored a message from {sender}: {error}")
            return
        self._perform(self.raft.receive(sender, message), entries)

    def tick(self, elapsed_ms: int) -> None:
        """Advance the clock of consensus."""
        self._perform(self.raft.tick(elapsed_ms))

    def flush(self) -> None:
        """Send the signatures and commits of this turn together."""
        ready = self.raft.flush()
        if ready is not NOTHING:
            self._perform(ready)

    # Decisions of consensus

    def _perform(self, ready: Ready, entries: bytes = b"") -> None:
        while True:
            self._perform_one(ready)
            if ready.offer is None:
                break
            ready = self.raft.accept(self._apply(ready.offer, entries))
        self._note_role()

    def _perform_one(self, ready: Ready) -> None:
        if ready is NOTHING:
            return
        if ready.rollback_to is not None:
            self._rollback(ready.rollback_to)
        for to, message in ready.messages:
            self._send(to, message)
        if ready.commit_to is not None:
            for tell in self._final:
                tell(ready.commit_to)
            self.tail.commit_to(ready.commit_to)
            for tell in self._committed:
                tell(ready.commit_to)
        self.is_cleanup_due |= ready.is_cleanup_due

    def _rollback(self, to: Seqno) -> None:
        self.tail.rollback(to, signed=self.raft.log.last_committable.seqno)
        for tell in self._rolled_back:
            tell(to)

    def _send(self, to: NodeId, message: Message) -> None:
        data = message.encode()
        if not isinstance(message, AppendEntries) or not message.has_entries:
            self._peers.send_authenticated(to, data)
            return
        header = self._peers.seal_header(to, data)
        if header is not None:
            self._outbox.put(
                SendEntries(
                    to=to,
                    header=header,
                    first=message.previous.seqno + 1,
                    last=message.last.seqno,
                )
            )

    def _apply(self, offer: OfferedEntries, data: bytes) -> list[EntryFacts | None]:
        """Verify and apply the offered entries, up to the first that is refused."""
        taken: list[EntryFacts | None] = []
        try:
            position = _skip(data, offer.first - offer.message.previous.seqno - 1)
            while len(taken) < offer.entry_count:
                count = min(offer.entry_count - len(taken), _APPLIED_AT_ONCE)
                entries = split_entries(data, position, count)
                self.tail.apply(entries, offer.view, taken)
                position += sum(map(len, entries))
        except (Malformed, VerificationFailed) as error:
            self._outbox.fail(
                f"Follower failed to apply log entry: {offer.first + len(taken)} "
                f"from {offer.leader} ({error})"
            )
        return taken

    def _note_role(self) -> None:
        role = self.raft.is_leader, self.raft.view
        if role == self._role:
            return
        is_leader, view = role
        self.view_changes += view != self._role[1]
        self._role = role
        what = "leader" if is_leader else "follower"
        self._outbox.info(f"Becoming {what} {self.raft.state.node_id}: {view}")


def _skip(data: bytes, count: int) -> int:
    """Return the offset of the entry after the first ``count``.

    Raises:
        Malformed: there are fewer entries.
    """
    position = 0
    for _ in range(count):
        position = entry_end(data, position)
    return position


def tracer_of(outbox: Outbox, state: Callable[[], RaftState], *, is_on: bool) -> Tracer:
    """Return the tracer of consensus' steps.

    Args:
        outbox: receives the log lines.
        state: returns the state of consensus; called only after consensus exists.
        is_on: whether the steps are logged.
    """
    if not is_on:
        return untraced

    def see(step: TraceStep, /, **details: object) -> None:
        line = dumps(event(state(), step, details)).decode()
        outbox.log(LogLevel.INFO, line, tag=LogTag.RAFT_TRACE)

    return see


class SignatureTimer:
    """Counts entries and time between signatures.

    Attributes:
        is_early: whether signing early was asked for.
    """

    def __init__(
        self, *, tx_count: int, delay_ms: int, now_ms: int, is_early: bool = False
    ) -> None:
        self.is_early = is_early
        self._signed_ms = now_ms - limits.EARLY_SIGNATURE_MS
        self._early_wait_ms = limits.EARLY_SIGNATURE_MS
        self._seen = 0
        self._grew_ms = now_ms
        self._most_events = 0
        self._tx_count = max(tx_count, 1)
        self._delay_ms = delay_ms
        self._due_ms = now_ms + delay_ms

    def is_due_by_count(self, unsigned: int) -> bool:
        """Return whether enough entries wait to sign without waiting for the timer."""
        return unsigned >= self._tx_count

    def tick(self, now_ms: int, unsigned: int) -> bool:
        """Advance the clock; return whether to sign now.

        The host may lie: a clock that goes back must not put signatures off for ever.
        """
        self._due_ms = min(self._due_ms, now_ms + self._delay_ms)
        if now_ms < self._due_ms:
            return False
        self._due_ms = now_ms + self._delay_ms
        return unsigned > 0

    def saw(self, events: int) -> None:
        """Note how many events a turn has; they came during the turn before."""
        if events > self._most_events:  # noqa: PLR1730 - max() would be one more call
            self._most_events = events

    def is_due_early(self, now_ms: int, unsigned: int, *, is_awaited: bool) -> bool:
        """Return whether to sign at the end of this turn, without waiting longer.

        Args:
            now_ms: the host's clock.
            unsigned: entries since the last signature.
            is_awaited: whether clients wait for the next signature.
        """
        if unsigned != self._seen:
            self._seen = unsigned
            self._grew_ms = now_ms
        if not unsigned:
            return False
        since_ms = now_ms - self._signed_ms
        if since_ms < 0:  # the host's clock went back
            return True
        wait_ms = self._early_wait_ms
        if is_awaited and now_ms - self._grew_ms >= limits.EARLY_SIGNATURE_MS:
            wait_ms = limits.EARLY_SIGNATURE_MS
        return since_ms >= wait_ms

    def signed(self, now_ms: int, unsigned: int) -> None:
        """Note that a signature covered ``unsigned`` new entries."""
        self._signed_ms = now_ms
        self._seen = 0
        most_events, self._most_events = self._most_events, 0
        if (
            unsigned <= limits.EARLY_SIGNATURE_FEW_TX
            and most_events <= limits.EARLY_SIGNATURE_FEW_EVENTS
        ):
            self._early_wait_ms = limits.EARLY_SIGNATURE_MS
        else:
            self._early_wait_ms = min(
                2 * self._early_wait_ms, limits.EARLY_SIGNATURE_BUSY_MS
            )


class ReplicationNews(Protocol):
    """Reports commits and rollbacks of the ledger."""

    def on_commit(self, tell: Callable[[Seqno], None]) -> None:
        """Call ``tell`` with every new commit."""
        ...

    def on_rollback(self, tell: Callable[[Seqno], None]) -> None:
        """Call ``tell`` with the last entry that stays, at every rollback."""
        ...


class SignatureTimes:
    """The times of one node's signatures.

    Args:
        now_ns: returns the elapsed time, in nanoseconds.
        replication: reports commits and rollbacks.

    Attributes:
        made_ns: durations of making and appending signatures, in nanoseconds.
        final_ns: durations until signatures were final, in nanoseconds.
    """

    def __init__(
        self, now_ns: Callable[[], int], replication: "ReplicationNews"
    ) -> None:
        self._now_ns = now_ns
        self._pending: deque[tuple[Seqno, int]] = deque(maxlen=SIGNATURES_TIMED_MAX)
        self.made_ns = Histogram(TIME_EDGES_NS)
        self.final_ns = Histogram(TIME_EDGES_NS)
        replication.on_commit(self.committed)
        replication.on_rollback(self.rolled_back)

    def begin(self, seqno: Seqno) -> int:
        """Note that a signature begins; return the time."""
        now_ns = self._now_ns()
        self._pending.append((seqno, now_ns))
        return now_ns

    def made(self, began_ns: int) -> None:
        """Note that the signature is appended."""
        self.made_ns.observe(self._now_ns() - began_ns)

    def committed(self, seqno: Seqno) -> None:
        """Note that everything up to ``seqno`` is final."""
        pending = self._pending
        if pending and pending[0][0] <= seqno:
            now_ns = self._now_ns()
            while pending and pending[0][0] <= seqno:
                self.final_ns.observe(now_ns - pending.popleft()[1])

    def rolled_back(self, seqno: Seqno) -> None:
        """Forget the signatures after ``seqno``."""
        pending = self._pending
        while pending and pending[-1][0] > seqno:
            pending.pop()
