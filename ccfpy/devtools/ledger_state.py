"""The state that a service had at one seqno, won back from its ledger.

Every entry is opened with the ledger's secrets and applied in turn; what came before
can be asked for as endpoints ask, receipts included. Nothing is verified: the ledger is
of a service of one's own.

What endpoints may ask of the past where transactions lie in memory.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from ccfpy.audit.chunks import ChunkPath, find_chunks
from ccfpy.audit.ledger_secrets import SharedSecrets, read_share_writes
from ccfpy.base.errors import CcfpyError
from ccfpy.base.ids import Seqno, TxId
from ccfpy.crypto.rsa import RsaKeyPair
from ccfpy.endpoints.history import (
    Expiry,
    HistoricalState,
    HistoryFailed,
    RequestHandle,
)
from ccfpy.endpoints.session import Session
from ccfpy.http.messages import Request
from ccfpy.kv.changes import WriteSet
from ccfpy.kv.store import Store
from ccfpy.ledger.chunk import Chunk
from ccfpy.ledger.entry import Transaction
from ccfpy.ledger.merkle import MerkleTree
from ccfpy.ledger.secrets import LedgerSecrets
from ccfpy.ledger.signature import is_signature
from ccfpy.ledger.tx_receipt import SignatureTransaction, TxReceipt


@dataclass(slots=True)
class PastStates:
    """Transactions and what they wrote; all there is can be had at once."""

    _transactions: dict[Seqno, HistoricalState] = field(default_factory=dict)

    def add(
        self, txid: TxId, writes: WriteSet, prove: Callable[[], TxReceipt] | None = None
    ) -> None:
        """Keep a transaction, and how its receipt is made if it can be."""
        state = HistoricalState(txid, writes, prove or _no_receipt)
        self._transactions[txid.seqno] = state

    def txid_of(self, seqno: Seqno) -> TxId | None:
        """Name the transaction at a seqno, if it is there."""
        found = self._transactions.get(seqno)
        return None if found is None else found.txid

    def state_at(
        self, handle: RequestHandle, seqno: Seqno, *, expiry_s: Expiry = None
    ) -> HistoricalState:
        """Return the state at one seqno."""
        return self.states_for(handle, (seqno,), expiry_s=expiry_s)[0]

    def states_range(
        self,
        handle: RequestHandle,
        first: Seqno,
        last: Seqno,
        *,
        expiry_s: Expiry = None,
    ) -> Sequence[HistoricalState]:
        """Return the states from one seqno to another, both included."""
        return self.states_for(handle, range(first, last + 1), expiry_s=expiry_s)

    def states_for(
        self,
        handle: RequestHandle,
        seqnos: Iterable[Seqno],
        *,
        expiry_s: Expiry = None,
    ) -> Sequence[HistoricalState]:
        """Return the states at any seqnos, in their order.

        Raises:
            HistoryFailed: one of them is not there.
        """
        del handle, expiry_s
        states = []
        for seqno in sorted(set(seqnos)):
            found = self._transactions.get(seqno)
            if found is None:
                raise HistoryFailed(f"there is no transaction {seqno} here")
            states.append(found)
        return states

    def drop_request(self, handle: RequestHandle) -> bool:
        """Do nothing, as nothing is kept."""
        del handle
        return False

    def service_keys(self) -> Sequence[bytes]:
        """Return no key, as nothing here is signed."""
        return ()

    def is_settled(self, handle: RequestHandle) -> bool:
        """Return ``True``: every state is available."""
        del handle
        return True

    def wait(
        self,
        request: Request,
        session: Session,
        until: Callable[[], bool],
        within_ms: int,
    ) -> None:
        """Do nothing, as nothing needs waiting."""
        del request, session, until, within_ms


def _no_receipt() -> NoReturn:
    raise HistoryFailed("no receipt can be made where an app is run without a node")


class NoState(CcfpyError):
    """The ledger does not hold that state; the text says what it holds."""


@dataclass(slots=True)
class LedgerState:
    """What a ledger tells of one seqno.

    Attributes:
        store: the state there.
        last: the transaction there.
        past: the transactions up to there.
    """

    store: Store
    last: TxId
    past: PastStates
    _writes: dict[TxId, WriteSet] = field(default_factory=dict)

    def writes_of(self, txid: TxId) -> WriteSet | None:
        """Return what a transaction of the ledger wrote; nothing if it is not there."""
        return self._writes.get(txid)


def read_state(folder: Path, keys: Iterable[RsaKeyPair], at: Seqno) -> LedgerState:
    """Read the state at a seqno.

    Args:
        folder: where the ledger's files lie.
        keys: members' recovery keys, enough to open it.
        at: the seqno.

    Raises:
        NoState: the ledger is not that long, or not there.
        VerificationFailed: it does not open with these keys.
        Malformed: it is damaged.
        OSError: it cannot be read.
    """
    chunks = find_chunks([folder])
    secrets = _secrets(chunks, keys)
    transactions = list(_transactions(chunks))
    if not 1 <= at <= len(transactions):
        raise NoState(
            f"no state at {at} in {folder}: it holds transactions 1 to "
            f"{len(transactions)}"
        )
    prover = _Prover(transactions, secrets)
    store, past, writes = Store(), PastStates(), {}
    for transaction in transactions:
        txid = transaction.txid
        written = transaction.writes(secrets)
        writes[txid] = written
        if txid.seqno <= at:
            store.apply(txid.seqno, written)
            past.add(txid, written, prover.of(transaction))
    store.compact(at)
    return LedgerState(
        store=store, last=transactions[at - 1].txid, past=past, _writes=writes
    )


def _secrets(chunks: Iterable[ChunkPath], keys: Iterable[RsaKeyPair]) -> LedgerSecrets:
    shared = SharedSecrets()
    for chunk in chunks:
        shared.take(read_share_writes(chunk))
    return shared.open(keys)


def _transactions(chunks: Iterable[ChunkPath]) -> Iterable[Transaction]:
    for chunk in chunks:
        parsed = Chunk.parse(chunk.name, chunk.path.read_bytes())
        for _, _, data in parsed.entries():
            yield Transaction.parse(data)


class _Prover:
    """Makes receipts, once somebody asks for one."""

    def __init__(self, transactions: list[Transaction], secrets: LedgerSecrets) -> None:
        self._transactions = transactions
        self._secrets = secrets
        self._tree: MerkleTree | None = None

    def of(self, transaction: Transaction) -> Callable[[], TxReceipt]:
        """Return the parts of a transaction's receipt.

        It raises ``HistoryFailed`` if no signature followed yet.
        """

        def prove() -> TxReceipt:
            seqno = transaction.txid.seqno
            for later in self._transactions[seqno - 1 :]:
                if is_signature(later.domain.write_set):
                    return TxReceipt.of(
                        transaction,
                        SignatureTransaction.of(later.domain.write_set),
                        self._whole_tree(),
                        commit_evidence=transaction.commit_evidence(self._secrets),
                    )
            raise HistoryFailed(f"no signature follows transaction {seqno} yet")

        return prove

    def _whole_tree(self) -> MerkleTree:
        if self._tree is None:
            self._tree = MerkleTree()
            self._tree.extend(each.leaf for each in self._transactions)
        return self._tree
