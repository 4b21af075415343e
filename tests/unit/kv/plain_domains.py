"""The two domains of a transaction, written at once (``docs/formats/entry.md``)."""

import struct

from ccfpy.base.ids import Seqno
from ccfpy.kv.changes import WriteSet
from ccfpy.kv.codec import DIGEST_BYTES, EntryType, serialise_maps

_WRITTEN = EntryType.WRITE_SET_WITH_COMMIT_EVIDENCE_AND_CLAIMS
_HEADER = struct.Struct("<BQ32s32sQ")


def serialise(
    write_set: WriteSet,
    *,
    version: Seqno,
    claims_digest: bytes,
    commit_evidence_digest: bytes,
) -> tuple[bytes, bytes]:
    """Write the public and the private domain of a transaction.

    Args:
        write_set: maps in any order.
        version: the transaction's seqno.
        claims_digest: 32 bytes chosen by the application, zeros by default.
        commit_evidence_digest: SHA-256 of the commit evidence.

    Returns:
        The public domain, which always has its header, and the private one.
    """
    assert len(claims_digest) == len(commit_evidence_digest) == DIGEST_BYTES
    public, private = serialise_maps(write_set)
    header = _HEADER.pack(
        EntryType.WRITE_SET_WITH_COMMIT_EVIDENCE_AND_CLAIMS,
        version,
        claims_digest,
        commit_evidence_digest,
        0,
    )
    return header + public, private
