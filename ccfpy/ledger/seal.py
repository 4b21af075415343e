"""Sealing many entries in one go, as a primary does with what it ordered in a step.

It is the other side of ``unseal``. Each
stage is done for all entries before the next begins: hashing and encrypting are more
code than a processor keeps at hand, and fetching it anew for every entry takes longer
than running it. Most transactions write one value to one map: that is written here with
as few steps as its bytes have parts.
"""

import hashlib
import struct
from typing import Final, TypeAlias, final

from ccfpy.base.ids import VIEW_MAX, Seqno, View
from ccfpy.kv.changes import Writes, WriteSet
from ccfpy.kv.codec import EntryType, map_prefix, serialise_maps
from ccfpy.kv.names import PUBLIC_PREFIX
from ccfpy.ledger.evidence import commit_evidence
from ccfpy.ledger.frame import BODY_BYTES_MAX, BODY_BYTES_MIN, ENTRY_VERSION
from ccfpy.ledger.secrets import LedgerSecret

Sealed: TypeAlias = tuple[bytes, bytes, bytes, bytes]
"""An entry, its leaf, and the digests of it and of its commit evidence."""

_DIGEST_BYTES: Final = 32
_sha256: Final = hashlib.sha256
_map_prefix: Final = map_prefix
_TYPE: Final = int(EntryType.WRITE_SET_WITH_COMMIT_EVIDENCE_AND_CLAIMS)
_HEADER_STRUCT: Final = struct.Struct("<BQ32s32sQ")
"""A public domain's: type, seqno, claims, evidence, 0 (``kv.codec``)."""
_HEADER: Final = _HEADER_STRUCT.pack
_PREFIX_STRUCT: Final = struct.Struct("<Q16s12sQ")
"""Frame, tag, IV, size of the public domain (``ledger.entry``)."""
_PREFIX: Final = _PREFIX_STRUCT.pack
_IV: Final = struct.Struct("<QI").pack
_ZERO: Final = bytes(8)
_ONE: Final = b"\1" + bytes(7)

_BESIDE_FIELDS: Final = _PREFIX_STRUCT.size + _HEADER_STRUCT.size


@final
class Unsealed:
    """A transaction with its seqno, before it becomes an entry.

    Attributes:
        public: the changes to public maps (``fields_of``).
        private: the changes to private maps.
        claims_digest: 32 bytes chosen by the application.
        flags: its entry's (``EntryFlags``).
    """

    __slots__ = ("claims_digest", "flags", "private", "public", "seqno", "view")

    def __init__(
        self,
        view: View,
        seqno: Seqno,
        fields: tuple[bytes, bytes],
        claims_digest: bytes,
        flags: int,
    ) -> None:
        assert 0 < view <= VIEW_MAX, view
        assert len(claims_digest) == _DIGEST_BYTES
        self.view = view
        self.seqno = seqno
        self.public, self.private = fields
        self.claims_digest = claims_digest
        self.flags = flags

    @property
    def entry_bytes(self) -> int:
        """The size of the entry."""
        return _BESIDE_FIELDS + len(self.public) + len(self.private)


def fields_of(write_set: WriteSet) -> tuple[bytes, bytes]:
    """Write what changes in public and in private maps; as ``serialise_maps``."""
    assert isinstance(write_set, dict)  # which compiled code walks with fewer steps
    name: str  # said here, since narrowing forgets the types of what a dict holds
    if len(write_set) == 1:
        for name, writes in write_set.items():
            fields = _one_write(name, writes)
            if fields:
                return (
                    (fields, b"") if name.startswith(PUBLIC_PREFIX) else (b"", fields)
                )
    return serialise_maps(write_set)


def _one_write(name: str, writes: Writes) -> bytes:
    """Write the changes of a map, if they are one write and no removal."""
    assert isinstance(writes, dict)  # as in `fields_of`
    key: bytes
    value: bytes | None
    if len(writes) == 1:
        for key, value in writes.items():
            if value is not None:
                return b"".join(
                    (
                        _map_prefix(name),
                        _ONE,
                        len(key).to_bytes(8, "little"),
                        key,
                        len(value).to_bytes(8, "little"),
                        value,
                        _ZERO,
                    )
                )
    return b""


def seal_all(secret: LedgerSecret, unsealed: list[Unsealed]) -> list[Sealed]:
    """Write transactions as ledger entries, all under the secret that applies to them.

    Each id must never have been used before with this secret.
    """
    key = secret.nonce_key
    evidence = []
    for each in unsealed:
        text = commit_evidence(key, (each.view, each.seqno))
        evidence.append(_sha256(text).digest())
    cipher = secret.cipher
    entries = []
    for at, each in enumerate(unsealed):
        seqno = each.seqno
        clear = _HEADER(_TYPE, seqno, each.claims_digest, evidence[at], 0) + each.public
        iv = _IV(seqno, each.view)
        ciphertext, tag = cipher.encrypt(iv, each.private, clear)
        body_bytes = BODY_BYTES_MIN + len(clear) + len(ciphertext)
        assert body_bytes <= BODY_BYTES_MAX, body_bytes
        frame = ENTRY_VERSION | each.flags << 8 | body_bytes << 16
        entries.append(_PREFIX(frame, tag, iv, len(clear)) + clear + ciphertext)
    sealed = []
    for at, entry in enumerate(entries):
        digest, evident = _sha256(entry).digest(), evidence[at]
        leaf = _sha256(digest + evident + unsealed[at].claims_digest).digest()
        sealed.append((entry, leaf, digest, evident))
    return sealed
