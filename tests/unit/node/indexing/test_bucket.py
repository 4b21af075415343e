"""The keys in a written bucket are found again."""

from array import array

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ccfpy.base import limits
from ccfpy.crypto.hashing import sha256
from ccfpy.node.indexing.strategies import (
    KEY_OVERHEAD_BYTES,
    SEQNO_BYTES,
    padded,
    seqnos_in,
    write_bucket,
)

BUCKETS = st.dictionaries(
    st.binary(max_size=3), st.lists(st.integers(0, 2**63), min_size=1, max_size=5)
)


@given(BUCKETS, st.binary(max_size=3))
def test_every_key_is_found_with_its_seqnos(
    bucket: dict[bytes, list[int]], other: bytes
) -> None:
    by_digest = {sha256(key): array("Q", seqnos) for key, seqnos in bucket.items()}
    data = write_bucket(by_digest)
    for key, seqnos in bucket.items():
        assert seqnos_in(data, sha256(key)).tolist() == seqnos
    assert seqnos_in(data, sha256(other)).tolist() == bucket.get(other, [])


@pytest.mark.slow
@given(BUCKETS)
def test_its_size_is_what_was_counted(bucket: dict[bytes, list[int]]) -> None:
    by_digest = {sha256(key): array("Q", seqnos) for key, seqnos in bucket.items()}
    counted = sum(
        KEY_OVERHEAD_BYTES + SEQNO_BYTES * len(seqnos) for seqnos in bucket.values()
    )
    assert len(write_bucket(by_digest)) == 4 + counted


@given(BUCKETS)
def test_what_is_padded_reads_the_same(bucket: dict[bytes, list[int]]) -> None:
    by_digest = {sha256(key): array("Q", seqnos) for key, seqnos in bucket.items()}
    data = padded(write_bucket(by_digest))
    for key, seqnos in bucket.items():
        assert seqnos_in(data, sha256(key)).tolist() == seqnos


@given(st.integers(0, 3 * limits.INDEX_BLOB_BYTES_MAX))
@example(limits.INDEX_PADDED_BYTES_MIN)
@example(limits.INDEX_PADDED_BYTES_MIN + 1)
def test_a_padded_length_is_a_power_of_two_and_less_than_twice_what_is_needed(
    length: int,
) -> None:
    padded_length = len(padded(bytes(length)))
    assert padded_length.bit_count() == 1
    least = max(length, limits.INDEX_PADDED_BYTES_MIN)
    assert least <= padded_length < 2 * least
