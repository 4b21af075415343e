"""Opening an entry in one go, as a backup does with each that it is sent.

It is the other side of ``entry.seal``, and gives at once what `Transaction` gives piece
by piece. An entry in the usual form is taken apart here; any other, and one that is
wrong, is left to `Transaction`, which says what is wrong with it.
"""

import struct
from typing import Final, NamedTuple

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import TxId
from ccfpy.crypto.hashing import sha256
from ccfpy.kv.changes import WriteSet
from ccfpy.kv.codec import parse_private, parse_public
from ccfpy.ledger.entry import PUBLIC_OFFSET, LeafComponents, Transaction
from ccfpy.ledger.frame import (
    BODY_BYTES_MAX,
    ENTRY_VERSION,
    FRAME_BYTES,
    EntryFlags,
)
from ccfpy.ledger.secrets import LedgerSecrets

_PREFIX = struct.Struct("<Q16sQIQ")
"""Frame, tag, seqno and view of the IV, the public domain's size (``ledger.entry``)."""
_IV_OFFSET: Final = FRAME_BYTES + 16
_IV_END: Final = _IV_OFFSET + 12


class UnsealedEntry(NamedTuple):
    """A transaction that was authenticated, and what its leaf is made of."""

    flags: EntryFlags
    write_set: WriteSet
    """All changes, private ones included."""
    components: LeafComponents


def unseal(data: bytes, expected: TxId, secrets: LedgerSecrets) -> UnsealedEntry:
    """Open the entry that must be ``expected``.

    Raises:
        Malformed: it is no entry, or another, or what it held is no private domain.
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
    frame, tag, seqno, view, public_bytes = _PREFIX.unpack_from(data)
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
