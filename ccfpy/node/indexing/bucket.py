"""A part of an index as bytes: digests of keys, and the seqnos of each.

``u32`` count of keys; their digests in order; for each the ``u32`` number of seqnos up
to and with its own; the seqnos, ``u64`` each. Only the process that wrote one reads it,
so numbers are in the machine's own order.
"""

from array import array
from bisect import bisect_left
from collections.abc import Mapping

from ccfpy.base import limits
from ccfpy.crypto.hashing import DIGEST_BYTES

KEY_OVERHEAD_BYTES = DIGEST_BYTES + 4
"""What a key takes, before its seqnos."""
SEQNO_BYTES = 8
_COUNT_BYTES = 4


def write_bucket(seqnos_by_digest: Mapping[bytes, "array[int]"]) -> bytes:
    """Write down which seqnos each key has."""
    digests = sorted(seqnos_by_digest)
    ends, seqnos = array("I"), array("Q")
    for digest in digests:
        seqnos += seqnos_by_digest[digest]
        ends.append(len(seqnos))
    count = array("I", (len(digests),))
    return b"".join(
        (count.tobytes(), *digests, ends.tobytes(), seqnos.tobytes()),
    )


def padded(bucket: bytes) -> bytes:
    """Return a bucket with zeros after its end, up to the next power of two of bytes.

    Its length is then one of a few, none below ``INDEX_PADDED_BYTES_MIN``. A reader
    finds the end by the counts, and ignores the zeros.
    """
    length = max(len(bucket), limits.INDEX_PADDED_BYTES_MIN)
    return bucket.ljust(1 << (length - 1).bit_length(), b"\0")


def seqnos_in(bucket: bytes, digest: bytes) -> "array[int]":
    """Return the seqnos of the key with this digest; none if it is not there."""
    view = memoryview(bucket)
    count = view[:_COUNT_BYTES].cast("I")[0]
    ends_at = _COUNT_BYTES + count * DIGEST_BYTES
    seqnos_at = ends_at + 4 * count

    def digest_at(at: int) -> bytes:
        start = _COUNT_BYTES + at * DIGEST_BYTES
        return bucket[start : start + DIGEST_BYTES]

    found: array[int] = array("Q")
    at = bisect_left(range(count), digest, key=digest_at)
    if at < count and digest_at(at) == digest:
        ends = view[ends_at:seqnos_at].cast("I")
        first, end = ends[at - 1] if at else 0, ends[at]
        found.frombytes(
            view[seqnos_at + SEQNO_BYTES * first : seqnos_at + SEQNO_BYTES * end]
        )
    return found
