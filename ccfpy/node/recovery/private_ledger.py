"""The private state of a ledger that is recovered, built entry by entry.

The node has the public state of the same ledger already, and goes on with it. So the
private state stands in a store apart, with a Merkle tree of its own. At every signature
both trees must have the same root.
"""

from ccfpy.base.errors import VerificationFailed
from ccfpy.base.ids import Seqno
from ccfpy.kv.store import Store
from ccfpy.ledger.entry import Transaction
from ccfpy.ledger.merkle import MerkleTree
from ccfpy.ledger.signature import is_signature
from ccfpy.node.replication.ledger_tail import LedgerTail
from ccfpy.node.replication.proofs import window_excess
from ccfpy.node.snapshots.starting_point import StartingPoint


class PrivateLedger:
    """A ledger so far, read with the secrets that open its private parts.

    Args:
        tail: of the node, whose ledger is read once more.
        point: the snapshot that the node began with.

    Attributes:
        store: the private state.
        target: the end of the node's ledger when the reading began.

    Raises:
        VerificationFailed: the snapshot does not open.
    """

    def __init__(self, tail: LedgerTail, point: StartingPoint | None) -> None:
        self.store = Store()
        self.target = tail.last_seqno
        self._tail = tail
        self._tree = MerkleTree()
        if point is not None:
            point.install_private(self.store, tail.secrets)
            self._tree = point.tree()

    @property
    def last_seqno(self) -> Seqno:
        """The last entry taken."""
        return self.store.version

    @property
    def is_read(self) -> bool:
        """Whether all entries of the node's ledger are taken."""
        return self.last_seqno >= self._tail.last_seqno

    def take(self, data: bytes) -> None:
        """Append the next entry.

        Raises:
            Malformed: it is no entry.
            VerificationFailed: it is another entry, does not open, or signs a root that
                the node's ledger does not have.
        """
        transaction = Transaction.parse(data)
        seqno = transaction.txid.seqno
        if seqno != self.last_seqno + 1:
            raise VerificationFailed(f"found entry {transaction.txid}")
        self.store.apply(seqno, transaction.private_writes(self._tail.secrets))
        self._tree.append(transaction.leaf)
        if is_signature(transaction.domain.write_set):
            self.check_root()

    def compact(self, committed: Seqno) -> None:
        """Note that everything up to ``committed`` is final."""
        self.store.compact(min(self.last_seqno, committed))
        first = self._tree.first
        excess = window_excess(self.store.committed - first)
        if excess:
            self._tree.flush(first + excess)

    def truncate(self, to: Seqno) -> None:
        """Take back the entries after ``to``, if there are any."""
        if self.last_seqno > to:
            self.store.rollback(to)
            self._tree.retract(to)

    def check_root(self) -> None:
        """Check the tree against the part of it that the node has.

        Raises:
            VerificationFailed: the roots differ.
        """
        size = len(self._tree)
        own = self._tail.settled_tree()
        if size > max(own.first, 1) and own.root(size) != self._tree.root():
            raise VerificationFailed(
                f"Root of public store does not match root of private store at "
                f"{size - 1}"
            )
