"""Seal the entries that a primary ordered in one step; open those of a backup.

Sealing does each stage for all entries before the next stage. Hashing and encrypting
are more code than a processor's cache holds, and loading that code again for every
entry takes longer than running it.

Opening a run of entries takes apart the form that applications usually write, and gives
at once what `Transaction` gives piece by piece. Any other entry, and one that is wrong,
is left to `unseal`, which says what is wrong with it.
"""

import hashlib
import struct
from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias, final

from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.ids import VIEW_MAX, Seqno, TxId, View
from ccfpy.crypto.hashing import sha256
from ccfpy.kv.changes import WriteSet
from ccfpy.kv.codec import (
    EntryType,
    parse_one_write,
    parse_private,
)
from ccfpy.kv.names import PUBLIC_PREFIX
from ccfpy.ledger.entry import PUBLIC_OFFSET, LeafComponents, Transaction
from ccfpy.ledger.frame import (
    BODY_BYTES_MAX,
    BODY_BYTES_MIN,
    ENTRY_VERSION,
    FRAME_BYTES,
    EntryFlags,
)
from ccfpy.ledger.secrets import LedgerSecret, LedgerSecrets, commit_evidence

Sealed: TypeAlias = tuple[bytes, bytes, bytes, bytes]
"""An entry, its leaf, and the digests of it and of its commit evidence."""

_DIGEST_BYTES: Final = 32
_sha256: Final = hashlib.sha256
_TYPE: Final = int(EntryType.WRITE_SET_WITH_COMMIT_EVIDENCE_AND_CLAIMS)
_HEADER_STRUCT: Final = struct.Struct("<BQ32s32sQ")
"""A public domain's: type, seqno, claims, evidence, 0 (``kv.codec``)."""
_HEADER: Final = _HEADER_STRUCT.pack
_PREFIX_STRUCT: Final = struct.Struct("<Q16s12sQ")
"""Frame, tag, IV, size of the public domain (``ledger.entry``)."""
_PREFIX: Final = _PREFIX_STRUCT.pack
_IV: Final = struct.Struct("<QI").pack

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


_IV_OFFSET: Final = FRAME_BYTES + 16
_IV_END: Final = _IV_OFFSET + 12


_WRITTEN: Final = int(EntryType.WRITE_SET_WITH_COMMIT_EVIDENCE_AND_CLAIMS)
_read_head: Final[
    Callable[[bytes], tuple[int, bytes, int, int, int, int, int, bytes, bytes, int]]
] = struct.Struct("<Q16sQIQBQ32s32sQ").unpack_from
"""The prefix, and the header of the public domain in the form that is written; typed,
so that compiled code reckons with numbers and not with objects."""
_HEAD_BYTES: Final = 125
_HEADER_BYTES: Final = _HEAD_BYTES - PUBLIC_OFFSET
_NO_FLAGS: Final = EntryFlags.NONE
_SERVICE_TABLES: Final = PUBLIC_PREFIX + "ccf"
"""The beginning of the names of the service's tables, and perhaps of others."""

Opened: TypeAlias = tuple[
    EntryFlags, WriteSet, bytes, bytes, bytes | None, bytes | None
]
"""An entry's flags and changes, its leaf, and the three digests of that."""


class UnsealedEntry(NamedTuple):
    """A transaction that was authenticated, and what its leaf is made of."""

    flags: EntryFlags
    write_set: WriteSet
    """All changes, private ones included."""
    components: LeafComponents


def unseal(data: bytes, expected: TxId, secrets: LedgerSecrets) -> UnsealedEntry:
    """Open the entry that must be ``expected``.

    Raises:
        Malformed: it is not an entry, is another entry, or has no valid private domain.
        VerificationFailed: it does not open.
    """
    transaction = Transaction.parse(data)
    check_place(transaction, expected)
    return UnsealedEntry(
        transaction.entry.flags, transaction.writes(secrets), transaction.components
    )


def check_place(transaction: Transaction, expected: TxId) -> None:
    """Check that an entry is the one that comes next.

    Raises:
        Malformed: it is another.
    """
    if transaction.txid != expected:
        raise Malformed(f"expected entry {expected}, found {transaction.txid}")


def opened_of(unsealed: UnsealedEntry) -> Opened:
    """Return all that follows from an entry that was opened."""
    flags, write_set, components = unsealed
    digest, evidence, claims = components
    return flags, write_set, components.leaf, digest, evidence, claims


def open_run(
    entries: list[bytes], view: View, first: Seqno, secrets: LedgerSecrets
) -> list[Opened]:
    """Open the first of ``entries``, all that an application's usual requests write.

    Return fewer than there are, or none, where an entry is of another form, writes to a
    table of the service, or does not open. What it changes may decide how the next one
    opens, and ``unseal`` says what is wrong with it.

    Each stage is done for all entries before the next begins, as in ``seal_all``.
    """
    heads = []
    for at, data in enumerate(entries):
        head = _usual_head(data, view, first + at)
        if head is None:
            break
        heads.append(head)
    domains = []
    for at, (_, tag, private_at, _, _) in enumerate(heads):
        data = entries[at]
        try:
            private = secrets.at(first + at).cipher.decrypt(
                data[_IV_OFFSET:_IV_END],
                data[private_at:],
                tag,
                data[PUBLIC_OFFSET:private_at],
            )
        except VerificationFailed:
            break
        domains.append(private)
    write_sets = []
    for at, private in enumerate(domains):
        write_set = heads[at][0]
        if write_set is None:
            try:
                write_set = parse_private(private)
            except Malformed:
                break
        write_sets.append(write_set)
    digests = [sha256(entries[at]) for at in range(len(write_sets))]
    opened: list[Opened] = []
    for at, digest in enumerate(digests):
        _, _, _, evidence, claims = heads[at]
        leaf = sha256(digest + evidence + claims)
        opened.append((_NO_FLAGS, write_sets[at], leaf, digest, evidence, claims))
    return opened


_Head: TypeAlias = tuple[WriteSet | None, bytes, int, bytes, bytes]
"""What an entry changes if that is in the clear, its tag, where its private domain
begins, and the digests of commit evidence and of claims."""


def _usual_head(data: bytes, view: View, seqno: Seqno) -> _Head | None:
    """Take apart an entry that has no flags and only private changes, or one public.

    Nothing is returned for any other.
    """
    body_bytes = len(data) - FRAME_BYTES
    if not _HEAD_BYTES - FRAME_BYTES <= body_bytes <= BODY_BYTES_MAX:
        return None
    frame, tag, iv_seqno, iv_view, public_bytes, kind, version, claims, evidence, _ = (
        _read_head(data)
    )
    if (
        frame != ENTRY_VERSION | body_bytes << 16
        or iv_seqno != seqno
        or iv_view != view
        or kind != _WRITTEN
        or version != seqno
    ):
        return None
    if public_bytes == _HEADER_BYTES:
        return None, tag, _HEAD_BYTES, evidence, claims
    if PUBLIC_OFFSET + public_bytes != len(data):
        return None
    write_set = parse_one_write(data, _HEAD_BYTES, public=True)
    if write_set is None or any(map(_may_be_of_service, write_set)):
        return None
    return write_set, tag, len(data), evidence, claims


def _may_be_of_service(name: str) -> bool:
    """Return whether a table may be one that a node acts upon; all these are public."""
    return name.startswith(_SERVICE_TABLES)
