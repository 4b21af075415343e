"""Passes every committed transaction to every installed strategy, in order.

Recent transactions come from memory. Older transactions are read back and verified like
past states, a bounded number of entries at a time, as long as a strategy wants them.
Meanwhile the node answers requests. A strategy that has caught up does not wait for a
strategy that is behind (``src/indexing/indexer.h``). If the host lacks entries, such as
the ledger before a joiner's snapshot, the node asks again after a while, and then less
and less often.

There are two readers of older transactions. `PastReader` reads from some transaction
on, a stretch at a time: while one stretch is processed, the next one is being read.
`ChainReader` reads the whole ledger and verifies few signatures. A signature's root
covers every leaf before it, so one signature proves all entries since the last verified
signature; entries are held back until then. Each entry was also decrypted as the
transaction that this node's history has at its seqno. A signature is accepted if this
node's own tree has its root, or if its node and its service signed the root and today's
service vouches for that service.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar, cast

from ccfpy.base import limits
from ccfpy.base.errors import CcfpyError, LimitExceeded, VerificationFailed
from ccfpy.base.ids import Seqno, TxId
from ccfpy.boundary.effects import LogTag
from ccfpy.endpoints.history import HistoryFailed
from ccfpy.endpoints.index_strategies import Impatient, Index, Strategy
from ccfpy.ledger.merkle import MerkleTree
from ccfpy.ledger.sealing import unseal
from ccfpy.ledger.signature import is_signature
from ccfpy.ledger.tx_receipt import SignatureTransaction
from ccfpy.node.indexing.blobs import SealedBlobs

if TYPE_CHECKING:
    from ccfpy.base.json import Json, JsonObject
    from ccfpy.base.ports import Entropy
    from ccfpy.endpoints.application import Application
    from ccfpy.endpoints.history import HistoricalState, History
    from ccfpy.kv.changes import WriteSet
    from ccfpy.node.history import StateCache


Kind = TypeVar("Kind", bound=Strategy)


@dataclass(eq=False, kw_only=True)
class Indexer:
    """The strategies of one node, and how far they are.

    Attributes:
        history: reads entries that are not in memory. Indexes share its ledger, log,
            outbox, application and wake flag.
        blobs: where strategies keep data that would take too much memory.
        now_ms: the time.
    """

    history: "StateCache"
    blobs: SealedBlobs
    now_ms: int

    def __post_init__(self) -> None:
        self._installed: dict[Index[Any], Strategy] = {}
        self._broken: set[Index[Any]] = set()
        self._chain_reader = ChainReader(self.history)
        self._past_reader = PastReader(self.history)
        self._retry_at_ms = self.now_ms
        self._retry_ms = limits.INDEX_RETRY_MS_MIN
        self._is_reading = False
        self._is_working = False

    @classmethod
    def of(
        cls,
        app: "Application",
        history: "StateCache",
        *,
        entropy: "Entropy",
        now_ms: int,
    ) -> Self:
        """Return an indexer with the indexes that an application declares.

        Args:
            app: the application.
            history: of the node.
            entropy: for the keys of blobs.
            now_ms: the time.
        """
        blobs = SealedBlobs(
            entropy=entropy,
            outbox=history.outbox,
            news=history.stir,
            app=history.app,
        )
        indexer = cls(history=history, blobs=blobs, now_ms=now_ms)
        for index in app.indexes():
            if index.make is not None:
                indexer.install(index, index.make(blobs))
        return indexer

    # What endpoints ask

    def install(self, index: Index[Any], strategy: Strategy) -> None:
        """Pass a strategy what is committed (from here on, see ``Indexing``)."""
        if index in self._installed:
            raise ValueError(f"{self._installed[index].name} is installed already")
        if len(self._installed) >= limits.STRATEGIES_MAX:
            raise LimitExceeded(f"{limits.STRATEGIES_MAX} strategies are installed")
        self._installed[index] = strategy
        self.history.wake_flag.set()

    def uninstall(self, index: Index[Any]) -> None:
        """Forget the strategy of an index."""
        strategy = self._installed.pop(index, None)
        if strategy is None:
            raise ValueError("no strategy is installed for this index")
        self._broken.discard(index)
        strategy.uninstalled()

    def strategy(self, index: Index[Kind]) -> Kind | None:
        """Return the strategy of an index, if it has one."""
        # The caller may make the strategy want more.
        self.history.wake_flag.set()
        return cast("Kind | None", self._installed.get(index))

    def describe(self) -> "list[Json]":
        """Describe all strategies, as ``/node/index/strategies`` shows them."""
        descriptions: list[Json] = []
        for index, strategy in list(self._installed.items()):
            nothing: JsonObject = {}
            description = {"name": strategy.name} | self.history.app.call_back(
                f"the description of strategy {strategy.name}",
                _describe,
                strategy,
                otherwise=nothing,
            )
            wanted = self._next_requested(index, strategy)
            if wanted is not None:
                description["next_requested_seqno"] = wanted
            descriptions.append(description)
        return descriptions

    def lags(self) -> list[int]:
        """Return how many committed transactions each strategy has yet to see."""
        committed = self.history.log().commit_seqno
        wanted = (
            self._next_requested(index, strategy)
            for index, strategy in list(self._installed.items())
        )
        return [0 if seqno is None else committed + 1 - seqno for seqno in wanted]

    # Time

    def tick(self, now_ms: int) -> None:
        """Advance the clock, and do what is due."""
        self.now_ms = now_ms

    def work(self) -> None:
        """Pass strategies the transactions they want next, if the wake flag was set.

        While a strategy of the application's is slow, all wait for it: each must get
        transactions in their order.
        """
        if self._is_working:
            return
        self._is_working = True
        try:
            self._work()
        finally:
            self._is_working = False

    def _work(self) -> None:
        tail = self.history.tail
        if not self._installed or tail.is_sealed or not len(tail.secrets):
            self._stop_reading()
            return
        old, new = self._wanted()
        if new is not None:
            self._tell_from_memory(new)
        if old is None:
            self._stop_reading()
        elif self.now_ms >= self._retry_at_ms:
            self._tell_from_history(old)

    # Inside

    def _wanted(self) -> tuple[Seqno | None, Seqno | None]:
        """Return the first transactions wanted: those not in memory, and the others."""
        old: Seqno | None = None
        new: Seqno | None = None
        tail = self.history.tail
        for index, strategy in list(self._installed.items()):
            seqno = self._next_requested(index, strategy)
            if seqno is None or seqno > self.history.log().commit_seqno:
                continue
            recent = tail.settled_recent()
            if recent.get(seqno) is None or not tail.secrets.reach(seqno):
                old = seqno if old is None else min(old, seqno)
            else:
                new = seqno if new is None else min(new, seqno)
        return old, new

    def _tell_from_memory(self, first: Seqno) -> None:
        tail, log = self.history.tail, self.history.log()
        last = min(log.commit_seqno, first + limits.INDEX_ENTRIES_PER_STEP - 1)
        for seqno in range(first, last + 1):
            data = tail.settled_recent().get(seqno)
            assert data is not None, "what follows a recent entry is recent"
            tx_id = log.tx_id(seqno)
            self._tell(tx_id, unseal(data, tx_id, tail.secrets).write_set)
        self.history.stir()

    def _stop_reading(self) -> None:
        if not self._is_reading:
            return
        self._is_reading = False
        self._chain_reader.stop()
        self._past_reader.stop()

    def _read(self, first: Seqno) -> "Sequence[HistoricalState | ReadEntry] | None":
        """Read on, the cheaper way if it was read from the beginning.

        Raises:
            HistoryFailed: what is there cannot be had.
        """
        self._is_reading = True
        committed = self.history.log().commit_seqno
        if self._chain_reader.can_read(first):
            self._past_reader.stop()
            return self._chain_reader.read(first, committed)
        return self._past_reader.read(first, committed)

    def _tell_from_history(self, first: Seqno) -> None:
        try:
            states = self._read(first)
        except HistoryFailed as error:
            self._stop_reading()
            if self._give_up(first):
                self.history.stir()
                return
            self.history.outbox.info(
                f"Indexes wait for {self._retry_ms} ms, as entry {first} cannot be "
                f"had: {error}"
            )
            self._retry_at_ms = self.now_ms + self._retry_ms
            self._retry_ms = min(2 * self._retry_ms, limits.INDEX_RETRY_MS_MAX)
            return
        if states is not None:
            self._retry_ms = limits.INDEX_RETRY_MS_MIN
            for state in states:
                self._tell(state.txid, state.writes)
            self.history.stir()

    def _tell(self, tx_id: TxId, writes: "WriteSet") -> None:
        """Pass a transaction to the strategies that want it next."""
        for index, strategy in list(self._installed.items()):
            if self._next_requested(index, strategy) == tx_id.seqno:
                try:
                    if _is_ours(strategy):
                        strategy.take(tx_id, writes)
                    else:
                        self.history.app.calls.call(
                            partial(strategy.take, tx_id), writes
                        )
                except Exception as error:  # noqa: BLE001 - an application's code
                    self._break(index, error)

    def _give_up(self, seqno: Seqno) -> bool:
        """Return whether a strategy that wanted a transaction wants others instead."""
        given_up = [
            strategy.give_up(seqno)
            for index, strategy in list(self._installed.items())
            if isinstance(strategy, Impatient)
            and self._next_requested(index, strategy) == seqno
        ]
        return any(given_up)

    def _next_requested(self, index: Index[Any], strategy: Strategy) -> Seqno | None:
        if index in self._broken:
            return None
        try:
            if _is_ours(strategy):
                return strategy.next_requested
            return self.history.app.calls.call(_next_requested, strategy)
        except Exception as error:  # noqa: BLE001 - an application's code
            self._break(index, error)
            return None

    def _break(self, index: Index[Any], error: Exception) -> None:
        """Stop a strategy. What its error says may be private."""
        self._broken.add(index)
        strategy = self._installed.get(index)
        if strategy is None:  # uninstalled meanwhile
            return
        name = strategy.name
        failure = self.history.app.failed(f"strategy {name}", error, tag=LogTag.APP)
        self.history.outbox.fail(
            f"Strategy {name} is told of nothing more, as it raised "
            f"{type(error).__name__} (id {failure})",
            tag=LogTag.APP,
        )


def _is_ours(strategy: Strategy) -> bool:
    """Return whether a strategy holds no code of an application."""
    return type(strategy).__module__.startswith("ccfpy.")


def _next_requested(strategy: Strategy) -> Seqno | None:
    return strategy.next_requested


def _describe(strategy: Strategy) -> "JsonObject":
    return strategy.describe()


STRETCHES = 2
"""Asked for at once."""


class _Stretch(NamedTuple):
    """States that were asked for; itself the handle that they were asked for under."""

    first: Seqno
    last: Seqno


class PastReader:
    """The progress of one reader.

    Args:
        history: gives past states.
    """

    def __init__(self, history: "History") -> None:
        self._history = history
        self._under_way: deque[_Stretch] = deque()

    def read(
        self, first: Seqno, committed: Seqno
    ) -> "Sequence[HistoricalState] | None":
        """Return some states from ``first`` on, or nothing while they are on their way.

        Continue with the seqno after the last state; another ``first`` begins there.

        Raises:
            HistoryFailed: they cannot be had, now or at all.
        """
        under_way = self._under_way
        if under_way and under_way[0].first != first:
            self.stop()
        while len(under_way) < STRETCHES:
            begin = under_way[-1].last + 1 if under_way else first
            if begin > committed:
                break
            last = min(begin + limits.INDEX_ENTRIES_PER_READ - 1, committed)
            under_way.append(_Stretch(begin, last))
            self._history.states_range((self, begin), begin, last)
        head = under_way[0]
        if not self._history.is_settled((self, head.first)):
            return None
        states = self._history.states_range((self, head.first), *head)
        if states is None:
            # It was forgotten before it was there, and has just begun anew.
            raise HistoryFailed(f"the host did not give entries from {head.first} on")
        under_way.popleft()
        self._history.drop_request((self, head.first))
        return states

    def stop(self) -> None:
        """Want nothing any more."""
        while self._under_way:
            self._history.drop_request((self, self._under_way.pop().first))


class ReadEntry(NamedTuple):
    """A transaction that was read."""

    txid: TxId
    writes: "WriteSet"


class ChainReader:
    """The progress of one reader of the whole ledger.

    Args:
        history: knows the secrets and identities of the past, and the host's ledger.
    """

    def __init__(self, history: "StateCache") -> None:
        self._history = history
        self._run = 0
        self._begin()

    def _begin(self) -> None:
        self._run += 1
        self._given: Seqno = 0
        self._tree = MerkleTree()
        self._proven: Seqno = 0
        self._ready: deque[ReadEntry] = deque()
        self._held: deque[ReadEntry] = deque()
        self._signature: ReadEntry | None = None
        self._is_asking = False
        self._lost: str | None = None

    def can_read(self, first: Seqno) -> bool:
        """Return whether reading can go on, or begin, with ``first``."""
        return first in (1, self._given + 1)

    def read(self, first: Seqno, committed: Seqno) -> Sequence[ReadEntry] | None:
        """Return some transactions from ``first`` on, or nothing while none is proven.

        Raises:
            HistoryFailed: they cannot be had, now or at all.
        """
        if first != self._given + 1:
            assert first == 1, "it was asked whether it can"
            self._begin()
        if self._lost is not None:
            raise HistoryFailed(self._lost)
        self._prove(committed)
        self._ask(committed)
        count = min(len(self._ready), limits.INDEX_ENTRIES_PER_READ)
        if not count:
            return None
        entries = [self._ready.popleft() for _ in range(count)]
        self._given = entries[-1].txid.seqno
        self._tree.flush(self._given)
        return entries

    def stop(self) -> None:
        """Stop for now; reading can continue after the last returned transaction."""
        self._history.secrets.release(self)
        self._history.identities.release(self)
        if self._ready or self._held or self._is_asking or self._lost is not None:
            self._run += 1
            self._ready.clear()
            self._held.clear()
            self._tree.retract(self._given)
            self._proven = self._given
            self._signature, self._lost, self._is_asking = None, None, False

    # Called by the parts that find secrets and identities

    def advance(self) -> None:
        """Go on with the next step: something is known that was not."""

    def lost(self, reason: str) -> None:
        """Drop what was read."""
        self._lost = reason

    # Inside

    def _ask(self, committed: Seqno) -> None:
        """Ask for what follows, unless enough waits to be proven or given."""
        first = len(self._tree)
        if self._is_asking or first > committed:
            return
        if len(self._ready) >= limits.INDEX_ENTRIES_PER_READ:
            return
        if len(self._held) >= limits.INDEX_UNSIGNED_MAX:
            raise HistoryFailed(f"no signature follows entry {self._proven}")
        if not self._history.secrets.ready(first, self):
            return
        last = min(first + limits.HISTORY_ENTRIES_PER_READ - 1, committed)
        then = partial(self._answered, self._run, first)
        try:
            self._history.reads.read(first, last, then=then)
        except LimitExceeded:  # others read much; the next step asks again
            return
        self._is_asking = True

    def _answered(
        self, run: int, first: Seqno, entries: Sequence[bytes] | None
    ) -> None:
        if run != self._run:
            return
        self._is_asking = False
        if entries is None:
            self._lost = f"the host has no entry {first}"
            return
        for seqno, data in enumerate(entries, first):
            try:
                self._take(seqno, data)
            except CcfpyError as error:
                self._refuse(seqno, error)
                return

    def _take(self, seqno: Seqno, data: bytes) -> None:
        """Open an entry, and hold it back.

        Raises:
            CcfpyError: it is not the one that belongs there.
        """
        secrets = self._history.secrets.opening(seqno)
        assert secrets is not None, "those of an earlier entry are known"
        tx_id = self._history.log().tx_id(seqno)
        opened = unseal(data, tx_id, secrets)
        entry = ReadEntry(tx_id, opened.write_set)
        if is_signature(opened.write_set):
            self._signature = entry
        self._tree.append(opened.components.leaf)
        self._held.append(entry)

    def _prove(self, committed: Seqno) -> None:
        """Verify the last signature, if that is worth it; give free what it proves."""
        signature = self._signature
        if signature is None:
            return
        seqno = signature.txid.seqno
        is_last = len(self._tree) > committed
        is_full = len(self._held) >= limits.INDEX_UNSIGNED_MAX
        count = seqno - self._proven
        if count < limits.INDEX_ENTRIES_PER_READ and not is_last and not is_full:
            return
        try:
            if not self._is_proven(signature):
                return
        except HistoryFailed:
            raise
        except CcfpyError as error:
            self._refuse(seqno, error)
            raise HistoryFailed(f"nothing proves what is before {seqno}") from error
        self._signature = None
        for _ in range(count):
            self._ready.append(self._held.popleft())
        self._proven = seqno

    def _is_proven(self, signature: ReadEntry) -> bool:
        """Verify a signature; if its service is not known yet, continue later.

        Raises:
            CcfpyError: it does not hold.
        """
        txid = signature.txid
        history, own = self._history, self._history.tail.settled_tree()
        if own.first <= txid.seqno < len(own):
            if own.root(txid.seqno + 1) != self._tree.root(txid.seqno + 1):
                raise VerificationFailed("this node took other entries there")
            return True
        ruling = history.identities.ruling_at(txid.seqno, self)
        if ruling is None:
            return False
        signed = SignatureTransaction.of(signature.writes)
        root = self._tree.root(txid.seqno)
        if signed.txid != txid or signed.by_node.root != root:
            raise VerificationFailed(f"the signature at {txid} signs another root")
        if ruling.certificate is not None:
            history.coverings.check_signers(signed, ruling.certificate)
        return True

    def _refuse(self, seqno: Seqno, error: CcfpyError) -> None:
        self._history.pool.refuse(seqno, error)
        self._lost = f"the host gave a corrupt entry {seqno}"
