"""One transaction sealed in the plainest way, as the reference for ``ledger.seal``."""

import struct
from typing import NamedTuple

from ccfpy.base.ids import VIEW_MAX, TxId
from ccfpy.crypto.hashing import sha256
from ccfpy.kv.changes import WriteSet
from ccfpy.ledger.entry import NO_CLAIMS
from ccfpy.ledger.frame import BODY_BYTES_MIN, EntryFlags
from ccfpy.ledger.secrets import LedgerSecret, commit_evidence
from tests.unit.kv.plain_domains import serialise


class SealedEntry(NamedTuple):
    """An entry, and what it and its receipts are made of."""

    data: bytes
    leaf: bytes
    write_set_digest: bytes
    commit_evidence: bytes
    commit_evidence_digest: bytes


def seal(
    secret: LedgerSecret,
    txid: TxId,
    write_set: WriteSet,
    *,
    claims_digest: bytes = NO_CLAIMS,
    flags: EntryFlags = EntryFlags.NONE,
) -> SealedEntry:
    """Write a transaction as a ledger entry (``docs/formats/entry.md``)."""
    view, seqno = txid
    assert 0 < view <= VIEW_MAX, view
    evidence = commit_evidence(secret.nonce_key, txid)
    evidence_digest = sha256(evidence)
    public, private = serialise(
        write_set,
        version=seqno,
        claims_digest=claims_digest,
        commit_evidence_digest=evidence_digest,
    )
    iv = struct.pack("<QI", seqno, view)
    ciphertext, tag = secret.cipher.encrypt(iv, private, public)
    body_bytes = BODY_BYTES_MIN + len(public) + len(private)
    frame = bytes((1, flags)) + body_bytes.to_bytes(6, "little")
    data = frame + tag + iv + struct.pack("<Q", len(public)) + public + ciphertext
    digest = sha256(data)
    leaf = sha256(digest + evidence_digest + claims_digest)
    return SealedEntry(data, leaf, digest, evidence, evidence_digest)
