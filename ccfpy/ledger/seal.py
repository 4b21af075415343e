"""Sealing an entry in one go, as a primary does with each that it orders.

It is the other side of ``unseal``. Most transactions write one value to one map and ask
for nothing special: those are written here field by field, with as few steps as their
bytes have parts. Any other is left to ``entry.seal``, which both must agree with.
"""

import struct
from hashlib import sha256
from typing import Final, TypeAlias

from ccfpy.base.ids import VIEW_MAX, Seqno, TxId, View
from ccfpy.kv.changes import WriteSet
from ccfpy.kv.codec import EntryType, map_prefix
from ccfpy.kv.names import PUBLIC_PREFIX
from ccfpy.ledger.entry import seal
from ccfpy.ledger.frame import (
    BODY_BYTES_MAX,
    BODY_BYTES_MIN,
    ENTRY_VERSION,
    EntryFlags,
)
from ccfpy.ledger.secrets import LedgerSecret

Sealed: TypeAlias = tuple[bytes, bytes, bytes, bytes]
"""An entry, its leaf, and the digests of it and of its commit evidence."""

_DIGEST_BYTES: Final = 32
_TYPE: Final = int(EntryType.WRITE_SET_WITH_COMMIT_EVIDENCE_AND_CLAIMS)
_HEADER: Final = struct.Struct("<BQ32s32sQ").pack
"""A public domain's: type, seqno, claims, evidence, 0 (``kv.codec``)."""
_PREFIX: Final = struct.Struct("<Q16s12sQ").pack
"""Frame, tag, IV, size of the public domain (``ledger.entry``)."""
_IV: Final = struct.Struct("<QI").pack
_U64: Final = struct.Struct("<Q").pack
_TWO_U64: Final = struct.Struct("<QQ").pack
_ZERO: Final = bytes(8)


def seal_next(
    secret: LedgerSecret,
    view: View,
    seqno: Seqno,
    write_set: WriteSet,
    claims_digest: bytes,
) -> Sealed:
    """Write a transaction as a ledger entry without flags; as ``entry.seal``."""
    if len(write_set) == 1:
        ((name, writes),) = write_set.items()
        if len(writes) == 1:
            ((key, value),) = writes.items()
            if value is not None:
                length = _U64(len(value))
                fields = (
                    b"%b%b%b%b%b%b"
                    # One write, no removal.
                    % (
                        map_prefix(name),
                        _TWO_U64(1, len(key)),
                        key,
                        length,
                        value,
                        _ZERO,
                    )
                )
                is_public = name.startswith(PUBLIC_PREFIX)
                return _seal(secret, view, seqno, fields, is_public, claims_digest)
    return seal_plainly(secret, view, seqno, write_set, claims_digest)


def seal_plainly(
    secret: LedgerSecret,
    view: View,
    seqno: Seqno,
    write_set: WriteSet,
    claims_digest: bytes,
    flags: EntryFlags = EntryFlags.NONE,
) -> Sealed:
    """Do the same with any transaction."""
    sealed = seal(
        secret, TxId(view, seqno), write_set, claims_digest=claims_digest, flags=flags
    )
    return (
        sealed.data,
        sealed.leaf,
        sealed.write_set_digest,
        sealed.commit_evidence_digest,
    )


def _seal(
    secret: LedgerSecret,
    view: View,
    seqno: Seqno,
    fields: bytes,
    is_public: bool,
    claims_digest: bytes,
) -> Sealed:
    """Seal one domain's fields; the other has none."""
    assert 0 < view <= VIEW_MAX, view
    assert len(claims_digest) == _DIGEST_BYTES
    text = b"%d.%d" % (view, seqno)
    nonce = secret.nonce_key.hexdigest(text)
    evidence = sha256(b"ce:%b:%b" % (text, nonce.encode())).digest()
    public = _HEADER(_TYPE, seqno, claims_digest, evidence, 0)
    private = b""
    if is_public:
        public += fields
    else:
        private = fields
    body_bytes = BODY_BYTES_MIN + len(public) + len(private)
    assert body_bytes <= BODY_BYTES_MAX, body_bytes
    iv = _IV(seqno, view)
    ciphertext, tag = secret.cipher.encrypt(iv, private, public)
    data = (
        _PREFIX(ENTRY_VERSION | body_bytes << 16, tag, iv, len(public))
        + public
        + ciphertext
    )
    digest = sha256(data).digest()
    return data, sha256(digest + evidence + claims_digest).digest(), digest, evidence
