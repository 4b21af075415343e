"""An entry sealed in one go: byte for byte what its parts give."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.ids import VIEW_MAX, TxId
from ccfpy.kv.changes import WriteSet
from ccfpy.ledger.entry import NO_CLAIMS
from ccfpy.ledger.seal import seal_next, seal_plainly
from tests.unit.ledger.test_entry import SECRET, digests, names, txids, write_sets

one_value = st.builds(
    lambda name, key, value: {name: {key: value}},
    names,
    st.binary(max_size=40),
    st.binary(max_size=300),
)


@given(txids, write_sets | one_value, digests)
def test_both_ways_give_the_same_bytes(
    txid: TxId, write_set: WriteSet, claims: bytes
) -> None:
    view, seqno = txid
    quickly = seal_next(SECRET, view, seqno, write_set, claims)
    assert quickly == seal_plainly(SECRET, view, seqno, write_set, claims)


@pytest.mark.parametrize("view", [0, VIEW_MAX + 1])
def test_a_view_without_a_nonce_of_its_own_seals_nothing(view: int) -> None:
    for write_set in ({"notes": {b"k": b"v"}}, {"notes": {b"k": None}}):
        with pytest.raises(AssertionError):
            seal_next(SECRET, view, 1, write_set, NO_CLAIMS)


def test_claims_of_another_length_seal_nothing() -> None:
    with pytest.raises(AssertionError):
        seal_next(SECRET, 2, 1, {"notes": {b"k": b"v"}}, bytes(31))
