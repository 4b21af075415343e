"""Entries sealed together: each is byte for byte what it is when sealed alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.ids import VIEW_MAX, TxId
from ccfpy.kv.changes import WriteSet
from ccfpy.kv.codec import serialise_maps
from ccfpy.ledger.entry import NO_CLAIMS
from ccfpy.ledger.frame import EntryFlags
from ccfpy.ledger.sealing import Unsealed, seal_all
from tests.unit.ledger.sealed import seal
from tests.unit.ledger.test_entry import SECRET, digests, names, txids, write_sets

one_value = st.builds(
    lambda name, key, value: {name: {key: value}},
    names,
    st.binary(max_size=40),
    st.binary(max_size=300),
)
transactions = st.lists(
    st.tuples(txids, write_sets | one_value, digests, st.sampled_from(list(range(4)))),
    unique_by=lambda transaction: transaction[0],
    max_size=5,
)


def unsealed(
    txid: TxId, write_set: WriteSet, claims: bytes = NO_CLAIMS, flags: int = 0
) -> Unsealed:
    return Unsealed(txid.view, txid.seqno, serialise_maps(write_set), claims, flags)


@pytest.mark.slow
@given(transactions)
def test_many_at_once_become_what_each_becomes_alone(
    these: list[tuple[TxId, WriteSet, bytes, int]],
) -> None:
    ordered = [unsealed(*this) for this in these]
    sealed = seal_all(SECRET, ordered)
    alone = [
        seal(SECRET, txid, writes, claims_digest=claims, flags=EntryFlags(flags))
        for txid, writes, claims, flags in these
    ]
    assert sealed == [
        (one.data, one.leaf, one.write_set_digest, one.commit_evidence_digest)
        for one in alone
    ]
    assert [each.entry_bytes for each in ordered] == [len(one.data) for one in alone]


@pytest.mark.parametrize("view", [0, VIEW_MAX + 1])
def test_a_view_without_a_nonce_of_its_own_seals_nothing(view: int) -> None:
    with pytest.raises(AssertionError):
        unsealed(TxId(view, 1), {"notes": {b"k": b"v"}})


def test_claims_of_another_length_seal_nothing() -> None:
    with pytest.raises(AssertionError):
        unsealed(TxId(2, 1), {"notes": {b"k": b"v"}}, bytes(31))
