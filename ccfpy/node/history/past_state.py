"""Requests for past states, and one state on its way: what it still lacks."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from ccfpy.base.errors import CcfpyError, VerificationFailed
from ccfpy.base.ids import Seqno
from ccfpy.endpoints.history import HistoricalState, HistoryFailed, RequestHandle
from ccfpy.ledger.tx_receipt import TxReceipt

if TYPE_CHECKING:
    from ccfpy.node.history.covering_signatures import (
        CoveringSignature,
        CoveringSignatures,
    )
    from ccfpy.node.history.entry_fetcher import EntryFetcher
    from ccfpy.node.history.past_entry import PastEntry
    from ccfpy.node.history.past_identities import PastIdentities
    from ccfpy.node.history.past_secrets import PastSecrets


class HistoryRequest:
    """The states that one handle stands for now.

    Attributes:
        seqnos: ascending, none twice.
        states: one for each.
        lacking: the number of states that are not there yet.
        failure: why the request can never be complete.
        deadline_ms: when the request is forgotten unless a caller asks again.
    """

    __slots__ = ("deadline_ms", "failure", "handle", "lacking", "seqnos", "states")

    def __init__(
        self, handle: RequestHandle, seqnos: Sequence[Seqno], deadline_ms: int
    ) -> None:
        self.handle = handle
        self.seqnos = seqnos
        self.states: list[PastState] = []
        self.lacking = 0
        self.failure: HistoryFailed | None = None
        self.deadline_ms = deadline_ms

    @property
    def is_settled(self) -> bool:
        """Whether nothing more will come."""
        return not self.lacking or self.failure is not None


class Sources(Protocol):
    """Where a state gets what it lacks.

    Attributes:
        pool: entries.
        secrets: the ledger secrets that decrypt entries.
        identities: the services that signed entries.
        coverings: the signatures that cover entries.
    """

    pool: "EntryFetcher"
    secrets: "PastSecrets"
    identities: "PastIdentities"
    coverings: "CoveringSignatures"

    def opened(self, entry_bytes: int) -> None:
        """Be told that a state takes memory from now on."""
        ...

    def completed(self, state: "PastState") -> None:
        """Be told that a state is there."""
        ...

    def given_up(self, state: "PastState", failure: HistoryFailed | None) -> None:
        """Be told that a state cannot be had: now, or ever if it is a failure."""
        ...


class PastState:
    """A seqno that requests want.

    Attributes:
        requests: those that want it.
        ready: the state, once it is there.
        failure: why it never will be.
        entry_bytes: the size of its entry, once that is there.
    """

    __slots__ = (
        "_entry",
        "_sources",
        "entry_bytes",
        "failure",
        "ready",
        "requests",
        "seqno",
    )

    def __init__(self, seqno: Seqno, sources: Sources) -> None:
        self.seqno = seqno
        self.requests: list[HistoryRequest] = []
        self.ready: HistoricalState | None = None
        self.failure: HistoryFailed | None = None
        self.entry_bytes = 0
        self._entry: PastEntry | None = None
        self._sources = sources

    def advance(self) -> None:
        """Continue with the next possible step, if a request still wants the state."""
        if not self.requests:
            return
        try:
            state = self._build()
        except HistoryFailed as failure:
            self.failure = failure
            self._sources.given_up(self, failure)
            return
        except CcfpyError as error:
            self._sources.pool.refuse(self.seqno, error)
            self.lost(str(error))
            return
        if state is not None:
            self.ready, self._entry = state, None
            self._sources.completed(self)

    def lost(self, reason: str) -> None:
        """Drop what was read; a caller that asks again begins anew."""
        del reason  # the part that found it logged it
        self._sources.given_up(self, None)

    def release(self) -> None:
        """Need nothing any more."""
        sources = self._sources
        sources.pool.release(self)
        sources.secrets.release(self)
        sources.identities.release(self)

    def _build(self) -> HistoricalState | None:
        """Build the state, or arrange to be resumed once more is known.

        Raises:
            CcfpyError: it cannot be had.
        """
        entry = self._entry
        if entry is None:
            sources = self._sources
            if not sources.secrets.ready(self.seqno, self):
                return None
            entry = sources.pool.take(self.seqno)
            if entry is None:
                sources.pool.block(self, self.seqno)
                return None
            self._entry = entry
            self.entry_bytes = len(entry.transaction.entry.data)
            sources.opened(self.entry_bytes)
        covering = self._sources.coverings.covering(self.seqno, self)
        if covering is None:
            return None
        try:
            covering.check(entry)
        except VerificationFailed:
            self._sources.coverings.doubt(self.seqno)
            raise
        return HistoricalState(
            entry.transaction.txid, entry.writes(), lambda: _prove(entry, covering)
        )


def _prove(entry: "PastEntry", covering: "CoveringSignature") -> TxReceipt:
    ruling = covering.ruling
    proof = TxReceipt.of(
        entry.transaction,
        covering.signed,
        covering.tree,
        commit_evidence=entry.commit_evidence(),
    )
    return replace(
        proof,
        service_endorsements=ruling.service_endorsements,
        cose_endorsements=ruling.cose_endorsements,
    )
