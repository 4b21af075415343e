"""One past state that is being fetched, and the signature that proves it.

`HistoryRequests` holds callers' requests for past states, by the handles that callers
chose. A `PastState` knows what it still lacks.

A signature is accepted if its stored tree has the signed root, if both its node and its
service signed the root, and if the service of that time issued the node's certificate.
A signature in this node's own tree was verified when it was appended. Accepted
signatures are cached.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from ccfpy.base import limits
from ccfpy.base.errors import CcfpyError, Malformed, VerificationFailed
from ccfpy.base.ids import Seqno
from ccfpy.crypto.certs import Certificate
from ccfpy.endpoints.history import HistoricalState, HistoryFailed, RequestHandle
from ccfpy.ledger.merkle import MerkleTree
from ccfpy.ledger.tables import SINGLE_KEY, TREE
from ccfpy.ledger.tx_receipt import SignatureTransaction, TxReceipt

if TYPE_CHECKING:
    from collections.abc import Callable

    from ccfpy.node.history.fetch import EntryFetcher, PastEntry, SignatureIndex, Waiter
    from ccfpy.node.history.trust import PastIdentities, PastSecrets, Ruling


class HistoryRequest:
    """The states requested under one handle.

    Attributes:
        seqnos: the requested seqnos, ascending and distinct.
        states: one state for each seqno.
        lacking: the number of states that are not complete yet.
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
        """Whether the request is complete, or has failed."""
        return not self.lacking or self.failure is not None


class Sources(Protocol):
    """The sources of a state's parts.

    Attributes:
        pool: fetches entries.
        secrets: the ledger secrets that decrypt entries.
        identities: the services that signed entries.
        coverings: the signatures that cover entries.
    """

    pool: "EntryFetcher"
    secrets: "PastSecrets"
    identities: "PastIdentities"
    coverings: "CoveringSignatures"

    def opened(self, entry_bytes: int) -> None:
        """Called when a state begins to take memory."""
        ...

    def completed(self, state: "PastState") -> None:
        """Called when a state is complete."""
        ...

    def given_up(self, state: "PastState", failure: HistoryFailed | None) -> None:
        """Called when a state is unavailable; for ever if there is a ``failure``."""
        ...


class PastState:
    """The state at one seqno, requested at least once.

    Attributes:
        requests: the requests for this state.
        ready: the state, once it is complete.
        failure: why the state can never be complete.
        entry_bytes: the size of its entry in bytes, once the entry is there.
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
        """Abandon the state; a caller that asks again begins anew."""
        del reason  # the part that found it logged it
        self._sources.given_up(self, None)

    def release(self) -> None:
        """Stop waiting for anything."""
        sources = self._sources
        sources.pool.release(self)
        sources.secrets.release(self)
        sources.identities.release(self)

    def _build(self) -> HistoricalState | None:
        """Build the state, or arrange to be resumed once more is known.

        Raises:
            CcfpyError: the state is unavailable.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class CoveringSignature:
    """A verified signature.

    Attributes:
        signed: the signature's record.
        tree: the signed tree, at least with the leaves since the signature before.
        ruling: the service that signed.
    """

    signed: SignatureTransaction
    tree: MerkleTree
    ruling: "Ruling"

    def check(self, entry: "PastEntry") -> None:
        """Check that the signature covers an entry, or is the entry.

        Raises:
            VerificationFailed: the signed tree has another leaf at that seqno.
        """
        seqno = entry.transaction.txid.seqno
        if seqno == self.signed.txid.seqno:
            return
        tree = self.tree
        if not tree.first <= seqno < len(tree) or tree.leaf(seqno) != entry.leaf:
            raise VerificationFailed(
                f"the signature at {self.signed.txid} does not cover entry {seqno}"
            )


@dataclass(eq=False, kw_only=True)
class CoveringSignatures:
    """A cache of verified signatures.

    Attributes:
        index: knows which signature covers an entry.
        pool: fetches entries.
        identities: knows which service had to sign.
        own_tree: returns this node's own Merkle tree.
    """

    index: "SignatureIndex"
    pool: "EntryFetcher"
    identities: "PastIdentities"
    own_tree: "Callable[[], MerkleTree]"

    def __post_init__(self) -> None:
        self._verified: dict[Seqno, CoveringSignature] = {}
        self._signers: dict[tuple[str, Certificate], Certificate] = {}

    def covering(self, seqno: "Seqno", waiter: "Waiter") -> CoveringSignature | None:
        """Return the signature that covers an entry, or resume ``waiter`` later.

        The secrets that decrypt the entry, and all later secrets, must be known.

        Raises:
            CcfpyError: the signature does not verify, or cannot be read.
        """
        at, is_known = self.index.covering(seqno)
        found = self._verified.pop(at, None) if is_known else None
        if found is None:
            entry = self.pool.take(at) if is_known else None
            if entry is None:
                self.pool.block(waiter, at, searches=not is_known)
                return None
            ruling = self.identities.ruling_at(at, waiter)
            if ruling is None:
                return None
            found = self._verify(entry, ruling)
        self._verified[at] = found  # the last one is the newest
        if len(self._verified) > limits.HISTORY_SIGNATURES_MAX:
            del self._verified[next(iter(self._verified))]
        return found

    def doubt(self, seqno: "Seqno") -> None:
        """Search anew for the signature that covers an entry."""
        self.index.forget(seqno)

    def _verify(self, entry: "PastEntry", ruling: "Ruling") -> CoveringSignature:
        assert entry.secrets is not None, "it is not before the entry that it covers"
        txid = entry.transaction.txid
        signed = SignatureTransaction.of(entry.public_writes)
        value = entry.public_writes.get(TREE, {}).get(SINGLE_KEY)
        if value is None:
            raise Malformed(f"the signature at {txid} stores no tree")
        tree = MerkleTree.deserialise(value)
        if signed.txid != txid or len(tree) != txid.seqno:
            raise VerificationFailed(f"the signature at {txid} is of another place")
        if tree.root() != signed.by_node.root:
            raise VerificationFailed(
                f"the signature at {txid} signs another root than its tree's"
            )
        own = self.own_tree()
        if not own.first <= txid.seqno < len(own) and ruling.certificate is not None:
            self.check_signers(signed, ruling.certificate)
        return CoveringSignature(signed=signed, tree=tree, ruling=ruling)

    def check_signers(self, signed: SignatureTransaction, service: Certificate) -> None:
        """Check that a node and the service signed a root.

        Raises:
            CcfpyError: they did not.
        """
        by_node, by_service = signed.by_node, signed.by_service
        if by_service is not None:
            if by_service.txid != signed.txid:
                raise VerificationFailed(
                    f"the service's signature at {signed.txid} says it is "
                    f"{by_service.txid}"
                )
            by_service.verify(service.public_key, by_node.root)
        if by_node.certificate is not None:
            # The oldest ledgers had it elsewhere, and had no service signature.
            signer = self._signer(by_node.certificate, service)
            by_node.verify(signer.public_key)

    def _signer(self, pem: str, service: Certificate) -> Certificate:
        """Read a node's certificate, which the service must have issued."""
        known = self._signers.get(key := (pem, service))
        if known is not None:
            return known
        certificate = Certificate.from_pem(pem)
        certificate.verify_signed_by(service)
        if len(self._signers) >= limits.HISTORY_SIGNERS_MAX:
            self._signers.clear()
        self._signers[key] = certificate
        return certificate


class HistoryRequests:
    """All requests; the one that no caller asked about for longest is first."""

    def __init__(self) -> None:
        self._by_handle: dict[RequestHandle, HistoryRequest] = {}
        self._next_deadline_ms: int | None = None
        """No request expires before this time."""

    def __len__(self) -> int:
        """Return the number of requests."""
        return len(self._by_handle)

    def get(self, handle: RequestHandle) -> HistoryRequest | None:
        """Return the request with a handle, if any."""
        return self._by_handle.get(handle)

    def put(self, request: HistoryRequest) -> None:
        """Note that a request was asked about just now, perhaps for the first time."""
        self._by_handle.pop(request.handle, None)
        self._by_handle[request.handle] = request
        self._expect(request.deadline_ms)

    def remove(self, request: HistoryRequest) -> None:
        """Forget a request."""
        removed = self._by_handle.pop(request.handle)
        assert removed is request, "a handle has one request"

    def oldest(self) -> HistoryRequest:
        """Return the request whose last question is oldest."""
        return next(iter(self._by_handle.values()))

    def expired(self, now_ms: int) -> list[HistoryRequest]:
        """Return the requests whose time is over."""
        if self._next_deadline_ms is None or now_ms < self._next_deadline_ms:
            return []
        expired: list[HistoryRequest] = []
        self._next_deadline_ms = None
        for request in self._by_handle.values():
            if request.deadline_ms <= now_ms:
                expired.append(request)
            else:
                self._expect(request.deadline_ms)
        return expired

    def _expect(self, deadline_ms: int) -> None:
        if self._next_deadline_ms is None or deadline_ms < self._next_deadline_ms:
            self._next_deadline_ms = deadline_ms
