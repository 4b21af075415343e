"""One entry that the host returned, and the checks that it is the right entry.

There are three checks. The entry's id must be the id that this node's own history of
views has at that seqno. The entry must decrypt under the ledger secret of its time,
which no host has: only a trusted node can have encrypted the entry, and no id is
encrypted twice. And the entry's leaf must be in this node's own tree, as far back as
the tree reaches.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from ccfpy.base.errors import VerificationFailed
from ccfpy.kv.codec import parse_private
from ccfpy.ledger.entry import Transaction
from ccfpy.ledger.signature import is_signature
from ccfpy.ledger.tables import COSE_SIGNATURES, SIGNATURES

if TYPE_CHECKING:
    from ccfpy.base.ids import TxId
    from ccfpy.kv.changes import WriteSet
    from ccfpy.ledger.merkle import MerkleTree
    from ccfpy.ledger.secrets import LedgerSecrets


_MARKS = SIGNATURES.encode(), COSE_SIGNATURES.encode()


def may_be_signature(data: bytes) -> bool:
    """Return quickly whether an entry may be a signature: it names its tables."""
    return any(mark in data for mark in _MARKS)


@dataclass(frozen=True, slots=True, kw_only=True)
class PastEntry:
    """An entry in its place.

    Attributes:
        transaction: the entry's public part.
        leaf: the entry's leaf in the tree.
        secrets: the secrets that decrypted the entry; nothing if it was not decrypted.
            Then no part of the entry may be believed.
    """

    transaction: Transaction
    leaf: bytes
    secrets: "LedgerSecrets | None"
    _private: bytes = field(repr=False)

    @classmethod
    def open(
        cls,
        data: bytes,
        expected: "TxId",
        secrets: "LedgerSecrets | None",
        tree: "MerkleTree",
    ) -> Self:
        """Open what the host gave as the entry ``expected``.

        Args:
            data: the entry.
            expected: the transaction that this node has there.
            secrets: the secrets of that time; nothing if they are not known yet.
            tree: this node's own.

        Raises:
            Malformed: it is no transaction.
            VerificationFailed: it is another one, or was not sealed by this service.
        """
        transaction = Transaction.parse(data)
        if transaction.txid.seqno != expected.seqno:
            raise VerificationFailed(
                f"it claims to be {expected.seqno} but is actually {transaction.txid}"
            )
        if transaction.txid != expected:
            raise VerificationFailed(
                f"it comes from a fork: it contains {transaction.txid} but this "
                f"service expected {expected}"
            )
        private = b""
        if secrets is not None:
            private = transaction.entry.decrypt(secrets.at(expected.seqno))
        leaf = transaction.leaf
        is_in_tree = tree.first <= expected.seqno < len(tree)
        if is_in_tree and leaf != tree.leaf(expected.seqno):
            raise VerificationFailed("it is not the one that this node took there")
        return cls(
            transaction=transaction, leaf=leaf, secrets=secrets, _private=private
        )

    @property
    def public_writes(self) -> "WriteSet":
        """What it changes in public."""
        return self.transaction.domain.write_set

    @property
    def is_signature(self) -> bool:
        """Whether it is a signature transaction.

        Raises:
            Malformed: it is one that also writes what it must not.
        """
        return is_signature(self.public_writes)

    def writes(self) -> "WriteSet":
        """Return everything that the entry changes.

        Raises:
            Malformed: what it held is not a private domain.
        """
        assert self.secrets is not None, "it was not opened"
        private = self._private
        if not private:
            return self.public_writes
        return {**self.public_writes, **parse_private(private)}

    def commit_evidence(self) -> bytes | None:
        """Return the entry's commit evidence; older entries have none.

        Raises:
            VerificationFailed: its digest is not the one in the entry.
        """
        assert self.secrets is not None, "it was not opened"
        return self.transaction.commit_evidence(self.secrets)
