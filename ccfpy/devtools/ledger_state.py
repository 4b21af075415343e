"""The state that a service had at one seqno, won back from its ledger.

Every entry is opened with the ledger's secrets and applied in turn; what came before
can be asked for as endpoints ask, receipts included. Nothing is verified: the ledger is
of a service of one's own.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ccfpy.audit.chunks import ChunkPath, find_chunks
from ccfpy.audit.ledger_secrets import SharedSecrets, read_share_writes
from ccfpy.base.errors import CcfpyError
from ccfpy.base.ids import Seqno, TxId
from ccfpy.crypto.rsa import RsaKeyPair
from ccfpy.devtools.past_states import PastStates
from ccfpy.endpoints.history import HistoryFailed
from ccfpy.kv.changes import WriteSet
from ccfpy.kv.store import Store
from ccfpy.ledger.chunk import Chunk
from ccfpy.ledger.entry import Transaction
from ccfpy.ledger.merkle import MerkleTree
from ccfpy.ledger.secrets import LedgerSecrets
from ccfpy.ledger.signature import is_signature
from ccfpy.ledger.tx_receipt import SignatureTransaction, TxReceipt


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
