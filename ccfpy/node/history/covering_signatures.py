"""Signatures that prove entries before them, verified once and kept for a while.

A signature is accepted if its stored tree has the signed root, and if both its node and
its service signed the root. The service of that time must have issued the node's
certificate. A signature in this node's own tree was verified when it was appended.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ccfpy.base import limits
from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.crypto.certs import Certificate
from ccfpy.ledger.merkle import MerkleTree
from ccfpy.ledger.tables import SINGLE_KEY, TREE
from ccfpy.ledger.tx_receipt import SignatureTransaction

if TYPE_CHECKING:
    from collections.abc import Callable

    from ccfpy.base.ids import Seqno
    from ccfpy.node.history.entry_fetcher import EntryFetcher, Waiter
    from ccfpy.node.history.past_entry import PastEntry
    from ccfpy.node.history.past_identities import PastIdentities, Ruling
    from ccfpy.node.history.signature_index import SignatureIndex


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
            VerificationFailed: it signs something else in that place.
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
    """The signatures that were needed last.

    Attributes:
        index: tells which signature covers an entry.
        pool: where entries come from.
        identities: tells who had to sign.
        own_tree: gives this node's own.
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
            # The oldest ledgers had it elsewhere, and the service signed nothing.
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
