"""One transaction as the ledger stores it: framed, its private part encrypted.

==========  ====  =======================================================
offset      size  field
==========  ====  =======================================================
0           8     frame (``ledger.frame``)
8           16    AES-GCM tag
24          12    AES-GCM IV: seqno ``u64``, view ``u32``
36          8     size of the public domain
44          n     public domain, in the clear, authenticated as AAD
44 + n            private domain, encrypted; may be empty
==========  ====  =======================================================

``ledger.seal`` writes entries. A reader needs no key for the public part of an entry;
the tag is checked only when the private part is decrypted.
The entry's digest, together with the digests of its commit evidence and claims, makes
the leaf that the Merkle tree binds (``src/node/history.h``).
"""

import struct
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.ids import TxId
from ccfpy.crypto.hashing import sha256
from ccfpy.kv.changes import WriteSet
from ccfpy.kv.codec import (
    PublicDomain,
    parse_private,
    parse_public,
)
from ccfpy.ledger.frame import (
    BODY_BYTES_MAX,
    BODY_BYTES_MIN,
    ENTRY_VERSION,
    FRAME_BYTES,
    EntryFlags,
    read_frame,
)
from ccfpy.ledger.secrets import LedgerSecret, LedgerSecrets, commit_evidence

NO_CLAIMS: Final = bytes(32)
"""The claims digest of a transaction whose application makes no claim."""
PUBLIC_OFFSET: Final = FRAME_BYTES + BODY_BYTES_MIN
SNAPSHOT_BIT = 0x8000_0000
"""Set in the IV's view field of snapshots, so that no IV serves twice."""

_PREFIX = struct.Struct("<Q16s12sQ")
"""Frame, tag, IV, size of the public domain."""
_IV = struct.Struct("<QI")


class LeafComponents(NamedTuple):
    """The digests a leaf is made of; what its entry's type lacks is ``None``."""

    write_set_digest: bytes
    commit_evidence_digest: bytes | None
    claims_digest: bytes | None

    @property
    def leaf(self) -> bytes:
        """The leaf's digest, in the form that belongs to the entry's type."""
        evidence, claims = self.commit_evidence_digest, self.claims_digest
        if evidence is None and claims is None:
            return self.write_set_digest
        return sha256(self.write_set_digest + (evidence or b"") + (claims or b""))


def snapshot_iv(seqno: int) -> bytes:
    """Return the IV under which the snapshot of ``seqno`` is encrypted."""
    return _IV.pack(seqno, SNAPSHOT_BIT)


def snapshot_prefix(
    seqno: int, tag: bytes, *, public_bytes: int, private_bytes: int
) -> bytes:
    """Write what stands before the domains of a snapshot."""
    body_bytes = BODY_BYTES_MIN + public_bytes + private_bytes
    assert body_bytes <= BODY_BYTES_MAX, body_bytes
    frame = ENTRY_VERSION | body_bytes << 16
    return _PREFIX.pack(frame, tag, snapshot_iv(seqno), public_bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An entry taken apart, nothing of it decrypted yet.

    Attributes:
        data: the whole entry.
        flags: where the chunk is cut.
        txid: the id in the IV; a snapshot's view is 0.
        is_snapshot: whether the IV marks a snapshot.
        public: the public domain's bytes.
    """

    data: bytes
    flags: EntryFlags
    txid: TxId
    is_snapshot: bool
    public: bytes

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Parse an entry.

        Raises:
            Malformed: its frame or sizes do not hold.
        """
        frame = read_frame(data)
        if frame.entry_bytes != len(data):
            raise Malformed(
                f"an entry of {frame.entry_bytes} bytes was given {len(data)}"
            )
        _, _, iv, size = _PREFIX.unpack_from(data)
        seqno, view = _IV.unpack(iv)
        if size > frame.body_bytes - BODY_BYTES_MIN:
            raise Malformed(f"a public domain of {size} bytes exceeds its entry")
        return cls(
            data=data,
            flags=frame.flags,
            txid=TxId(view & ~SNAPSHOT_BIT, seqno),
            is_snapshot=bool(view & SNAPSHOT_BIT),
            public=data[PUBLIC_OFFSET : PUBLIC_OFFSET + size],
        )

    @property
    def tag(self) -> bytes:
        """The AES-GCM tag over both domains."""
        return self.data[FRAME_BYTES : FRAME_BYTES + 16]

    @property
    def digest(self) -> bytes:
        """SHA-256 of the whole entry."""
        return sha256(self.data)

    def decrypt(self, secret: LedgerSecret) -> bytes:
        """Authenticate both domains and give the private one in the clear.

        Raises:
            VerificationFailed: the tag does not fit, so a byte or the secret is wrong.
        """
        iv = self.data[FRAME_BYTES + 16 : FRAME_BYTES + 28]
        ciphertext = self.data[PUBLIC_OFFSET + len(self.public) :]
        return secret.cipher.decrypt(iv, ciphertext, self.tag, self.public)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """An entry of the ledger and what its public part says.

    Attributes:
        entry: the entry.
        domain: its public domain.
    """

    entry: Entry
    domain: PublicDomain

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a transaction's entry.

        Raises:
            Malformed: it is not one, or its parts name different seqnos.
        """
        entry = Entry.parse(data)
        if entry.is_snapshot:
            raise Malformed("expected a transaction, found a snapshot")
        domain = parse_public(entry.public)
        if domain.version != entry.txid.seqno:
            raise Malformed(
                f"an entry for seqno {entry.txid.seqno} holds the write set of seqno "
                f"{domain.version}"
            )
        return cls(entry=entry, domain=domain)

    @property
    def txid(self) -> TxId:
        """The transaction's id."""
        return self.entry.txid

    @property
    def components(self) -> LeafComponents:
        """What the transaction's leaf is made of."""
        domain = self.domain
        return LeafComponents(
            self.entry.digest, domain.commit_evidence_digest, domain.claims_digest
        )

    @property
    def leaf(self) -> bytes:
        """The transaction's leaf."""
        return self.components.leaf

    def private_writes(self, secrets: LedgerSecrets) -> WriteSet:
        """Decrypt the changes to private maps.

        Raises:
            VerificationFailed: the entry does not open.
            Malformed: what it held is not a private domain.
        """
        return parse_private(self.entry.decrypt(secrets.at(self.txid.seqno)))

    def writes(self, secrets: LedgerSecrets) -> WriteSet:
        """Return all changes, private ones included; raises as ``private_writes``."""
        return {**self.domain.write_set, **self.private_writes(secrets)}

    def commit_evidence(self, secrets: LedgerSecrets) -> bytes | None:
        """Recompute the commit evidence; older entries have none.

        Raises:
            VerificationFailed: its digest is not the one in the entry.
        """
        if self.domain.commit_evidence_digest is None:
            return None
        key = secrets.at(self.txid.seqno).nonce_key
        evidence = commit_evidence(key, self.txid)
        if sha256(evidence) != self.domain.commit_evidence_digest:
            raise VerificationFailed(f"commit evidence of {self.txid} does not match")
        return evidence
