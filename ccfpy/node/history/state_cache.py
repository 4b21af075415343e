"""Past states by request, and the callers that wait for them.

`StateCache` is a node's ``ccfpy.endpoints.history.History``. Requests for the same
state share it. The node forgets a request when no caller asked about it for long
enough, when memory is short and callers asked about other requests since, or when the
host did not return the needed entries. A caller that asks again begins anew
(``src/node/historical_queries.h``).

A caller may wait instead of asking again (`HistoryWaits`). Its request runs again from
the start when that is useful, or when its time is over. The second run uses nothing
that the first run read or decided.

An application may answer a request once its transaction is committed (`CommitAnswers`).
Such callers count among those that wait for commit. The application's code runs at the
end of a step, never during a commit. It runs when the transaction's state and receipt
are there, so that it can answer with the receipt.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from ccfpy.base import limits
from ccfpy.base.ids import Seqno
from ccfpy.consensus.status import TxStatus
from ccfpy.endpoints.app_calls import AnsweredCall, NodeCall
from ccfpy.endpoints.history import (
    Expiry,
    HistoricalState,
    HistoryFailed,
    RequestHandle,
)
from ccfpy.endpoints.pending import Answer, Awaited
from ccfpy.node.history.fetch import EntryFetcher, SignatureIndex
from ccfpy.node.history.past_state import (
    CoveringSignatures,
    HistoryRequest,
    HistoryRequests,
    PastState,
)
from ccfpy.node.history.trust import Learner, PastIdentities, PastSecrets

if TYPE_CHECKING:
    from ccfpy.base.ids import TxId
    from ccfpy.base.ports import Entropy
    from ccfpy.consensus.log import Log
    from ccfpy.endpoints.session import Session
    from ccfpy.http import messages
    from ccfpy.http.messages import Request, Response
    from ccfpy.ledger.secrets import LedgerSecrets
    from ccfpy.node.app import AppCode
    from ccfpy.node.host_reads import LedgerReads
    from ccfpy.node.identity import ServiceIdentity
    from ccfpy.node.outbox import Outbox
    from ccfpy.node.ports import WakeFlag
    from ccfpy.node.replication.commits import CommitWaits
    from ccfpy.node.replication.ledger_tail import LedgerTail


Serve = Callable[["Request", "Session"], Answer]


@dataclass(eq=False, kw_only=True)
class StateCache:
    """The past, as one node answers for it.

    Attributes:
        tail: this node's ledger.
        log: gives where it is committed, and in which views it was written.
        reads: the host's.
        identity: gives today's service key and certificate.
        entropy: for the certificates that vouch for earlier services.
        outbox: where refused entries are logged.
        serve: runs a request again whose caller waited.
        wake_flag: set when there is ``work``.
        due: makes a call when the node has time for it.
        bytes_max: about how much memory all states together may take.
        now_ms: the time.
        pool: entries on their way.
        secrets: the ledger secrets that decrypt entries.
        identities: the service's identities, past and present.
        coverings: the signatures that prove entries.
    """

    tail: "LedgerTail"
    log: "Callable[[], Log]"
    reads: "LedgerReads"
    identity: "Callable[[], ServiceIdentity]"
    entropy: "Entropy"
    outbox: "Outbox"
    serve: Serve
    app: "AppCode"
    wake_flag: "WakeFlag"
    due: "Callable[[NodeCall], None]"
    bytes_max: int
    now_ms: int
    pool: EntryFetcher = field(init=False)
    secrets: PastSecrets = field(init=False)
    identities: PastIdentities = field(init=False)
    coverings: CoveringSignatures = field(init=False)

    def __post_init__(self) -> None:
        self._entry_bytes_max = self.bytes_max // limits.HISTORY_BYTES_PER_ENTRY_BYTE
        self._waits = HistoryWaits(self.serve, self.now_ms, self.app, self.due)
        self._requests = HistoryRequests()
        self._states: dict[Seqno, PastState] = {}
        self._entry_bytes = 0
        self._has_news = False
        self._is_to_be_asked_again = False
        self._learner = Learner(self.stir)
        tail = self.tail
        index = SignatureIndex(tail.settled_recent)
        self.pool = EntryFetcher(
            tail=tail,
            log=self.log,
            reads=self.reads,
            index=index,
            secrets=self._opening,
            outbox=self.outbox,
        )
        self.secrets = PastSecrets(lambda: tail.secrets, self.pool)
        self.identities = PastIdentities(
            store=lambda: tail.store,
            identity=self.identity,
            pool=self.pool,
            secrets=self.secrets,
            entropy=self.entropy,
        )
        self.coverings = CoveringSignatures(
            index=index,
            pool=self.pool,
            identities=self.identities,
            own_tree=tail.settled_tree,
        )

    def _opening(self, seqno: Seqno) -> "LedgerSecrets | None":
        return self.secrets.opening(seqno)

    @property
    def bytes_taken(self) -> int:
        """About how much memory all states together take."""
        return self._entry_bytes * limits.HISTORY_BYTES_PER_ENTRY_BYTE

    # What endpoints ask

    def state_at(
        self, handle: RequestHandle, seqno: Seqno, *, expiry_s: Expiry = None
    ) -> HistoricalState | None:
        """Return the state at one seqno (this and what follows: see ``History``)."""
        states = self._states_of(handle, (seqno,), expiry_s)
        return None if states is None else states[0]

    def states_range(
        self,
        handle: RequestHandle,
        first: Seqno,
        last: Seqno,
        *,
        expiry_s: Expiry = None,
    ) -> Sequence[HistoricalState] | None:
        """Return the states from ``first`` to ``last``, both included."""
        return self._states_of(handle, range(first, last + 1), expiry_s)

    def states_for(
        self,
        handle: RequestHandle,
        seqnos: Iterable[Seqno],
        *,
        expiry_s: Expiry = None,
    ) -> Sequence[HistoricalState] | None:
        """Return the states at the given seqnos."""
        return self._states_of(handle, tuple(sorted(set(seqnos))), expiry_s)

    def drop_request(self, handle: RequestHandle) -> bool:
        """Forget the request with a handle; return whether there was one."""
        request = self._requests.get(handle)
        if request is None:
            return False
        self._forget(request)
        return True

    def is_settled(self, handle: RequestHandle) -> bool:
        """Return whether a caller should ask again: complete, failed or forgotten."""
        request = self._requests.get(handle)
        return request is None or request.is_settled

    def wait(
        self,
        request: "messages.Request",
        session: "Session",
        until: Callable[[], bool],
        within_ms: int,
    ) -> "Awaited | None":
        """Run a request again as soon as ``until`` says so."""
        return self._waits.wait(request, session, until, within_ms)

    def run_later(
        self,
        run: "Callable[[], Answer]",
        awaited: "Awaited",
        *,
        until: Callable[[], bool] = lambda: True,
        within_ms: int = 0,
    ) -> None:
        """Run a function at the end of a step (see ``HistoryWaits``)."""
        self._waits.run_later(run, awaited, until=until, within_ms=within_ms)
        self.stir()

    def service_keys(self) -> Sequence[bytes] | None:
        """Return the keys of this service and of those that it recovered."""
        return self.identities.keys(self._learner)

    # Time

    def tick(self, now_ms: int) -> None:
        """Advance the clock, and forget requests that are old or exceed the memory."""
        self.now_ms = now_ms
        self._waits.tick(now_ms)
        if self._is_to_be_asked_again:
            self._is_to_be_asked_again = False
            self.stir()
        for request in self._requests.expired(now_ms):
            self._forget(request)
        while self._entry_bytes > self._entry_bytes_max and len(self._requests) > 1:
            self._forget(self._requests.oldest())

    def work(self) -> None:
        """Check the waiting callers, if there is news or a deadline has passed."""
        self.pool.pump()
        if self._has_news or self._waits.is_time_over:
            self._has_news = False
            self._waits.work()

    def ask(self) -> None:
        """Ask the host for the entries that are needed now."""
        self.pool.pump()

    def stir(self) -> None:
        """Schedule a check of the waiting callers, because there is new data.

        Data that comes in parts is then asked for its next part.
        """
        self._has_news = True
        self.wake_flag.set()

    # What states report

    def opened(self, entry_bytes: int) -> None:
        """Count the memory that a state takes."""
        self._entry_bytes += entry_bytes

    def completed(self, state: PastState) -> None:
        """Resume the requests that want a state."""
        for request in state.requests:
            request.lacking -= 1
            if not request.lacking:
                self.stir()

    def given_up(self, state: PastState, failure: HistoryFailed | None) -> None:
        """Forget the requests for a state that is unavailable.

        If the host only lacked entries, callers ask again at the next tick: at once,
        they would ask such a host without end.
        """
        if failure is None:
            self._is_to_be_asked_again = True
            for request in tuple(state.requests):
                self._drop(request)
            return
        self.stir()
        for request in state.requests:
            request.failure = failure

    # Inside

    def _states_of(
        self, handle: RequestHandle, seqnos: Sequence[Seqno], expiry_s: Expiry
    ) -> list[HistoricalState] | None:
        self.wake_flag.set()
        expiry_ms = 1000 * (limits.HISTORY_EXPIRY_S if expiry_s is None else expiry_s)
        deadline_ms = self.now_ms + expiry_ms
        request = self._requests.get(handle)
        if request is None or request.seqnos != seqnos:
            request = self._adjust(request, HistoryRequest(handle, seqnos, deadline_ms))
        else:
            request.deadline_ms = deadline_ms
            self._requests.put(request)
        if request.failure is not None:
            self.drop_request(handle)
            raise request.failure
        if request.lacking:
            return None
        return [state.ready for state in request.states if state.ready is not None]

    def _adjust(
        self, former: HistoryRequest | None, request: HistoryRequest
    ) -> HistoryRequest:
        """Point a handle at other seqnos; states wanted before and now stay.

        Raises:
            ValueError: they are none, too many or not committed.
        """
        seqnos, committed = request.seqnos, self.log().commit_seqno
        if not seqnos or len(seqnos) > limits.HISTORY_SEQNOS_MAX:
            raise ValueError(
                f"from 1 to {limits.HISTORY_SEQNOS_MAX} seqnos can be asked for at "
                f"once, not {len(seqnos)}"
            )
        if seqnos[0] < 1 or seqnos[-1] > committed:
            raise ValueError(
                f"only committed transactions can be queried, not those from "
                f"{seqnos[0]} to {seqnos[-1]}"
            )
        new: list[PastState] = []
        for seqno in seqnos:
            state = self._states.get(seqno)
            if state is None:
                state = self._states[seqno] = PastState(seqno, self)
                new.append(state)
            state.requests.append(request)
            request.states.append(state)
            request.lacking += state.ready is None
            request.failure = request.failure or state.failure
        if former is not None:
            self._forget(former)
        self._requests.put(request)
        if len(self._requests) > limits.HISTORY_REQUESTS_MAX:
            self._forget(self._requests.oldest())
        self._begin(new)
        return request

    def _begin(self, states: list[PastState]) -> None:
        """Begin with states; a long range does not use the entries in memory.

        Decrypting all of them would take longer than a step may.
        """
        is_short = len(states) <= limits.HISTORY_ENTRIES_PER_READ
        for state in states:
            if is_short or self.secrets.opening(state.seqno) is None:
                state.advance()
            else:
                self.pool.block(state, state.seqno)

    def _forget(self, request: HistoryRequest) -> None:
        """Forget a request, so that a waiting caller asks again."""
        self.stir()
        self._drop(request)

    def _drop(self, request: HistoryRequest) -> None:
        """Forget a request, and the states that no other one wants."""
        self._requests.remove(request)
        for state in request.states:
            state.requests.remove(request)
            if not state.requests:
                self._entry_bytes -= state.entry_bytes
                state.release()
                del self._states[state.seqno]


@dataclass(frozen=True, slots=True, kw_only=True)
class _HistoryWait:
    """A waiting caller.

    Attributes:
        run: returns the caller's answer.
        until: returns whether ``run`` is useful now.
        deadline_ms: the time at which ``run`` is called in any case.
        awaited: the caller's pending answer.
        request: the caller's request, if ``run`` runs it again.
    """

    run: Callable[[], Answer]
    until: Callable[[], bool]
    deadline_ms: int
    awaited: Awaited
    request: "Request | None" = None


class _Look(AnsweredCall):
    """Checks whether a caller should be answered now, and answers it then."""

    __slots__ = ("_wait", "_waits")

    def __init__(self, waits: "HistoryWaits", wait: _HistoryWait) -> None:
        super().__init__()
        self._waits = waits
        self._wait = wait

    def run(self) -> None:
        """Find the answer, if that is due."""
        if self._waits.is_due(self._wait):
            super().run()

    def answer(self) -> Answer:
        """Find the answer."""
        return self._waits.answer(self._wait)

    def deliver(self, response: "Response") -> None:
        """Answer the caller."""
        self._wait.awaited.settle(response)


@dataclass(eq=False)
class HistoryWaits:
    """The waiting callers.

    Attributes:
        serve: runs a request.
        now_ms: the time, in milliseconds.
        app: calls the ``until`` functions, which may be an application's.
        due: queues a call for when the node has time for it.
    """

    serve: Serve
    now_ms: int
    app: "AppCode"
    due: Callable[[NodeCall], None]

    def __post_init__(self) -> None:
        self._waits: list[_HistoryWait] = []
        self._deadlines_ms: dict[int, int] = {}
        """Deadlines of the requests that run again now, by the request's ``id()``."""
        self._next_deadline_ms: int | None = None

    def __len__(self) -> int:
        """Return the number of waiting callers."""
        return len(self._waits)

    def wait(
        self,
        request: "Request",
        session: "Session",
        until: Callable[[], bool],
        within_ms: int,
    ) -> Awaited | None:
        """Run a request again once ``until`` returns true, or the time is over.

        A request that runs again has only the rest of its time.
        """
        deadline_ms = self._deadlines_ms.get(id(request), self.now_ms + within_ms)
        if deadline_ms <= self.now_ms or len(self._waits) >= limits.HISTORY_WAITS_MAX:
            return None
        wait = _HistoryWait(
            run=partial(self.serve, request, session),
            until=until,
            deadline_ms=deadline_ms,
            awaited=Awaited(),
            request=request,
        )
        self._add(wait)
        return wait.awaited

    def run_later(
        self,
        run: Callable[[], Answer],
        awaited: Awaited,
        *,
        until: Callable[[], bool] = lambda: True,
        within_ms: int = 0,
    ) -> None:
        """Run a function at the end of a step, for a caller that waits for its answer.

        Args:
            run: returns the answer.
            awaited: the caller's pending answer.
            until: returns whether running it is useful now.
            within_ms: the time after which it is run in any case, in milliseconds.
        """
        self._add(
            _HistoryWait(
                run=run,
                until=until,
                deadline_ms=self.now_ms + within_ms,
                awaited=awaited,
            )
        )

    def _add(self, wait: _HistoryWait) -> None:
        self._waits.append(wait)
        deadline_ms = wait.deadline_ms
        if self._next_deadline_ms is None or deadline_ms < self._next_deadline_ms:
            self._next_deadline_ms = deadline_ms

    def tick(self, now_ms: int) -> None:
        """Advance the clock."""
        self.now_ms = now_ms

    @property
    def is_time_over(self) -> bool:
        """Whether a caller's deadline has passed."""
        return (
            self._next_deadline_ms is not None and self._next_deadline_ms <= self.now_ms
        )

    def work(self) -> None:
        """Check each waiting caller, in a call of its own."""
        waits, self._waits = self._waits, []
        self._next_deadline_ms = None
        for wait in waits:
            self.due(_Look(self, wait))

    def is_due(self, wait: _HistoryWait) -> bool:
        """Return whether to answer a caller now; otherwise it continues to wait.

        If its ``until`` raises an exception, its request runs again.
        """
        if wait.awaited.is_abandoned:
            return False
        if wait.deadline_ms <= self.now_ms or self.app.call_back(
            "what a request waits for", lambda _: wait.until(), None, otherwise=True
        ):
            return True
        self._add(wait)
        return False

    def answer(self, wait: _HistoryWait) -> Answer:
        """Find a caller's answer."""
        if wait.request is None:
            return wait.run()
        self._deadlines_ms[id(wait.request)] = wait.deadline_ms
        try:
            return wait.run()
        finally:
            del self._deadlines_ms[id(wait.request)]


Make: TypeAlias = Callable[[TxStatus, HistoricalState | None], Answer]


@dataclass(frozen=True, slots=True)
class CommitAnswers:
    """What calls an application once its transactions are final.

    Attributes:
        waits: those that wait for commit.
        history: gives a transaction's state and receipt, and runs what is due.
    """

    waits: "CommitWaits"
    history: "StateCache"

    def admit(self) -> None:
        """Ask before a transaction is committed whose caller would wait.

        Raises:
            ApiError: 503, too many wait already.
        """
        self.waits.admit()

    def answer(self, tx_id: "TxId", make: Make) -> Awaited:
        """Answer with what ``make`` returns once it is known what became of ``tx_id``.

        ``make`` is called with Committed and the transaction's state; with Invalid; or
        with Pending, if neither is known in time.
        """
        run = partial(self._run, tx_id, make, is_last=False)
        return self.waits.decide(
            tx_id, partial(self.history.run_later, run), limits.COMMIT_WAIT_MS_MAX
        )

    def _run(self, tx_id: "TxId", make: Make, *, is_last: bool) -> Answer:
        status = self.waits.status(tx_id)
        if status is TxStatus.INVALID:
            return make(status, None)
        if status is not TxStatus.COMMITTED:
            return make(TxStatus.PENDING, None)
        handle = (CommitAnswers, make)
        try:
            state = self.history.state_at(handle, tx_id.seqno)
        except HistoryFailed:
            return make(TxStatus.PENDING, None)
        if state is not None:
            self.history.drop_request(handle)
            return make(status, state)
        if is_last:
            return make(TxStatus.PENDING, None)
        awaited = Awaited()
        self.history.run_later(
            partial(self._run, tx_id, make, is_last=True),
            awaited,
            until=lambda: self.history.is_settled(handle),
            within_ms=limits.HISTORY_WAIT_MS_MAX,
        )
        return awaited
