"""An entry opened in one go: what its parts give, and what they refuse."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import CcfpyError, Malformed, VerificationFailed
from ccfpy.base.ids import TxId
from ccfpy.kv.changes import WriteSet
from ccfpy.ledger.entry import Transaction, seal, seal_snapshot
from ccfpy.ledger.frame import EntryFlags
from ccfpy.ledger.secrets import LedgerSecret, LedgerSecrets
from ccfpy.ledger.unseal import UnsealedEntry, unseal, unseal_any
from tests.unit.ledger.test_entry import SECRET, SECRETS, digests, txids, write_sets

TXID = TxId(2, 7)
NOTE: WriteSet = {"notes": {b"k": b"v"}}


@given(txids, write_sets, digests, st.sampled_from(list(EntryFlags)))
def test_what_is_sealed_is_unsealed(
    txid: TxId, write_set: WriteSet, claims: bytes, flags: EntryFlags
) -> None:
    sealed = seal(SECRET, txid, write_set, claims_digest=claims, flags=flags)
    unsealed = unseal(sealed.data, txid, SECRETS)
    assert unsealed == unseal_any(sealed.data, txid, SECRETS)
    assert unsealed.write_set == write_set
    assert unsealed.flags is flags
    assert unsealed.components == Transaction.parse(sealed.data).components
    assert unsealed.components.leaf == sealed.leaf


def outcome(data: bytes, txid: TxId, *, short: bool) -> UnsealedEntry | str:
    way = unseal if short else unseal_any
    try:
        return way(data, txid, SECRETS)
    except CcfpyError as error:
        return f"{type(error).__name__}: {error}"


@given(write_set=write_sets, draw=st.data())
def test_a_changed_entry_meets_the_same_fate_both_ways(
    write_set: WriteSet, draw: st.DataObject
) -> None:
    data = bytearray(seal(SECRET, TXID, write_set).data)
    # Mostly the head, where each field has its own rule.
    at = draw.draw(st.integers(0, min(len(data), 60) - 1) | st.integers(0, 200))
    data[at % len(data)] ^= 1 << draw.draw(st.integers(0, 7))
    damaged = bytes(data)
    assert outcome(damaged, TXID, short=True) == outcome(damaged, TXID, short=False)


@pytest.mark.parametrize("size", [0, 7, 8, 43, 44, 100, -1])
def test_a_shortened_entry_meets_the_same_fate_both_ways(size: int) -> None:
    cut = seal(SECRET, TXID, NOTE).data[:size]
    assert outcome(cut, TXID, short=True) == outcome(cut, TXID, short=False)


@pytest.mark.parametrize("other", [TxId(2, 8), TxId(3, 7), TxId(2, 6)])
def test_an_entry_in_anothers_place_is_malformed(other: TxId) -> None:
    data = seal(SECRET, TXID, NOTE).data
    with pytest.raises(Malformed, match=f"expected entry {other}, found {TXID}"):
        unseal(data, other, SECRETS)


def test_a_snapshot_is_no_entry() -> None:
    data = seal_snapshot(SECRET, 7, b"", b"")
    with pytest.raises(Malformed, match="snapshot"):
        unseal(data, TxId(0, 7), SECRETS)


def test_an_entry_under_another_or_unknown_secret_does_not_open() -> None:
    data = seal(SECRET, TXID, NOTE).data
    other = LedgerSecrets([(1, LedgerSecret(raw=bytes(32)))])
    for secrets in (other, LedgerSecrets([(8, SECRET)])):
        with pytest.raises(VerificationFailed):
            unseal(data, TXID, secrets)
