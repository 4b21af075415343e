"""Opening an entry in one go, as a backup does with each that it is sent.

It is the other side of ``entry.seal``, and gives at once what `Transaction` gives piece
by piece. An entry in the usual form is taken apart here; any other, and one that is
wrong, is left to `Transaction`, which says what is wrong with it.
"""

import struct
from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import Seqno, TxId, View
from ccfpy.crypto.hashing import sha256
from ccfpy.kv.changes import WriteSet
from ccfpy.kv.codec import EntryType, parse_one_write, parse_private, parse_public
from ccfpy.ledger.entry import PUBLIC_OFFSET, LeafComponents, Transaction
from ccfpy.ledger.frame import (
    BODY_BYTES_MAX,
    ENTRY_VERSION,
    FRAME_BYTES,
    EntryFlags,
)
from ccfpy.ledger.secrets import LedgerSecrets

_read_prefix: Final[Callable[[bytes], tuple[int, bytes, int, int, int]]] = (
    struct.Struct("<Q16sQIQ").unpack_from
)
"""Frame, tag, seqno and view of the IV, the public domain's size (``ledger.entry``)."""
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
    unsealed = _unseal_usual(data, expected, secrets)
    return unseal_any(data, expected, secrets) if unsealed is None else unsealed


def unseal_any(data: bytes, expected: TxId, secrets: LedgerSecrets) -> UnsealedEntry:
    """Do the same with an entry of whatever form."""
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


def _unseal_usual(
    data: bytes, expected: TxId, secrets: LedgerSecrets
) -> UnsealedEntry | None:
    """Open an entry without flags that is what it should be; nothing if it is not."""
    body_bytes = len(data) - FRAME_BYTES
    if not PUBLIC_OFFSET - FRAME_BYTES <= body_bytes <= BODY_BYTES_MAX:
        return None
    frame, tag, seqno, view, public_bytes = _read_prefix(data)
    private_at = PUBLIC_OFFSET + public_bytes
    if (
        frame != ENTRY_VERSION | body_bytes << 16
        or (view, seqno) != expected
        or private_at > len(data)
    ):
        return None
    public = data[PUBLIC_OFFSET:private_at]
    domain = parse_public(public)
    if domain.version != seqno:
        return None
    private = secrets.at(seqno).cipher.decrypt(
        data[_IV_OFFSET:_IV_END], data[private_at:], tag, public
    )
    return UnsealedEntry(
        EntryFlags.NONE,
        {**domain.write_set, **parse_private(private)},
        LeafComponents(
            sha256(data), domain.commit_evidence_digest, domain.claims_digest
        ),
    )


def open_next(data: bytes, view: View, seqno: Seqno, secrets: LedgerSecrets) -> Opened:
    """Do as ``unseal``, and give the leaf too; quickly where one value is written."""
    opened = _open_one_write(data, view, seqno, secrets)
    if opened is None:
        opened = opened_of(unseal(data, TxId(view, seqno), secrets))
    return opened


def opened_of(unsealed: UnsealedEntry) -> Opened:
    """Return all that follows from an entry that was opened."""
    flags, write_set, components = unsealed
    digest, evidence, claims = components
    return flags, write_set, components.leaf, digest, evidence, claims


def _open_one_write(
    data: bytes, view: View, seqno: Seqno, secrets: LedgerSecrets
) -> Opened | None:
    """Open an entry with one value in one map; nothing if it is any other, or wrong."""
    body_bytes = len(data) - FRAME_BYTES
    if not _HEAD_BYTES - FRAME_BYTES <= body_bytes <= BODY_BYTES_MAX:
        return None
    frame, tag, iv_seqno, iv_view, public_bytes, kind, version, claims, evidence, _ = (
        _read_head(data)
    )
    private_at = PUBLIC_OFFSET + public_bytes
    if (
        frame != ENTRY_VERSION | body_bytes << 16
        or iv_seqno != seqno
        or iv_view != view
        or kind != _WRITTEN
        or version != seqno
        or not _HEAD_BYTES <= private_at <= len(data)
    ):
        return None
    public = data[PUBLIC_OFFSET:private_at]
    write_set: WriteSet | None = None
    if public_bytes != _HEADER_BYTES:
        # It is all in the clear, or it is not one value.
        if private_at != len(data):
            return None
        write_set = parse_one_write(public, _HEADER_BYTES, public=True)
        if write_set is None:
            return None
    private = secrets.at(seqno).cipher.decrypt(
        data[_IV_OFFSET:_IV_END], data[private_at:], tag, public
    )
    if write_set is None:
        write_set = parse_one_write(private, 0, public=False)
        if write_set is None:
            return None
    digest = sha256(data)
    leaf = sha256(digest + evidence + claims)
    return _NO_FLAGS, write_set, leaf, digest, evidence, claims
