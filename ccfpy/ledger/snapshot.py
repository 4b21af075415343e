"""Snapshot files: a whole state, and the receipt that the service vouched for it.

A file is one entry, whose domains hold maps instead of changes, then a JSON receipt to
its end. The receipt is for the transaction that wrote the snapshot's digest into
``public:ccf.internal.snapshot_evidence``; the same digest is that transaction's claims
digest, so the receipt binds the file (``src/node/snapshot_serdes.h``). Until the
evidence is committed there is no receipt and the file has no ``.committed`` name.
"""

from dataclasses import dataclass
from typing import Self

from ccfpy.base import json
from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.ids import Seqno
from ccfpy.crypto.certs import Certificate
from ccfpy.kv.snapshot import (
    MapSnapshot,
    PublicSnapshot,
    parse_maps,
    parse_public_snapshot,
)
from ccfpy.ledger.entry import Entry
from ccfpy.ledger.frame import read_frame
from ccfpy.ledger.merkle import DIGEST_BYTES, MerkleTree
from ccfpy.ledger.receipt import Receipt, StepTaken
from ccfpy.ledger.secrets import LedgerSecrets
from ccfpy.ledger.tables import SINGLE_KEY, TREE


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A snapshot taken apart, its private maps still encrypted.

    Attributes:
        entry: the entry that holds the state.
        public: the public domain.
        receipt: the receipt of its evidence, once there is one.
    """

    entry: Entry
    public: PublicSnapshot
    receipt: Receipt | None

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Parse a snapshot file.

        Raises:
            Malformed: it is not one.
        """
        size = read_frame(data).entry_bytes
        if size > len(data):
            raise Malformed(f"a snapshot of {size} bytes is cut short at {len(data)}")
        entry = Entry.parse(data[:size])
        if not entry.is_snapshot:
            raise Malformed("expected a snapshot, found a transaction")
        public = parse_public_snapshot(entry.public)
        if public.version != entry.txid.seqno:
            raise Malformed(
                f"a snapshot of seqno {entry.txid.seqno} holds the state of seqno "
                f"{public.version}"
            )
        if len(public.leaf) != DIGEST_BYTES:
            raise Malformed(f"a snapshot's leaf of {len(public.leaf)} bytes")
        receipt = Receipt.parse(data[size:]) if size < len(data) else None
        return cls(entry=entry, public=public, receipt=receipt)

    @property
    def seqno(self) -> Seqno:
        """The seqno of the state."""
        return self.public.version

    @property
    def digest(self) -> bytes:
        """What the evidence transaction claims."""
        return self.entry.digest

    def verify(self, service: Certificate) -> tuple[StepTaken, ...]:
        """Check that the service vouched for this state; give the receipt's steps.

        Raises:
            ReceiptRefused: the receipt does not hold, or is for another snapshot.
            VerificationFailed: there is no receipt, or its evidence comes too early.
        """
        if self.receipt is None:
            raise VerificationFailed("the snapshot carries no receipt")
        taken = self.receipt.verify(service, claims_digest=self.digest)
        leaf = self.receipt.leaf
        assert not isinstance(leaf, bytes), "bare leaves bind no claims"
        if leaf.txid.seqno <= self.seqno:
            raise VerificationFailed(
                f"evidence at {leaf.txid} for a snapshot of seqno {self.seqno}"
            )
        return taken

    def private_maps(self, secrets: LedgerSecrets) -> tuple[MapSnapshot, ...]:
        """Decrypt the private maps.

        Raises:
            VerificationFailed: the entry does not open.
            Malformed: what it held are not maps.
        """
        return parse_maps(self.entry.decrypt(secrets.at(self.seqno)))

    def value(self, table: str, key: bytes = SINGLE_KEY) -> bytes | None:
        """Return a value of a public map."""
        for name, _, entries in self.public.maps:
            if name == table:
                return next((held for at, _, held in entries if at == key), None)
        return None

    def tree(self) -> MerkleTree:
        """Rebuild the Merkle tree up to and including the snapshot's seqno.

        Raises:
            Malformed: the stored tree is missing, or ends elsewhere.
        """
        stored = self.value(TREE)
        if stored is None:
            raise Malformed("the snapshot holds no Merkle tree")
        tree = MerkleTree.deserialise(stored)
        if len(tree) != self.seqno:
            raise Malformed(
                f"the snapshot of seqno {self.seqno} holds a tree of {len(tree)} leaves"
            )
        tree.append(self.public.leaf)
        return tree


def receipt_bytes(receipt: Receipt) -> bytes:
    """Write the receipt as it ends a snapshot's file."""
    return json.dumps(receipt.to_json())
