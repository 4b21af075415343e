"""An entry opened in one go: what its parts give, and what they refuse."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import CcfpyError, Malformed, VerificationFailed
from ccfpy.base.ids import TxId
from ccfpy.kv.changes import WriteSet
from ccfpy.ledger.entry import PUBLIC_OFFSET, Transaction
from ccfpy.ledger.frame import EntryFlags
from ccfpy.ledger.secrets import LedgerSecret, LedgerSecrets
from ccfpy.ledger.unseal import (
    Opened,
    UnsealedEntry,
    open_next,
    opened_of,
    unseal,
    unseal_any,
)
from tests.unit.kv.plain_domains import serialise
from tests.unit.ledger.plain_snapshot import assemble, seal_snapshot
from tests.unit.ledger.sealed import seal
from tests.unit.ledger.test_entry import SECRET, SECRETS, digests, txids, write_sets
from tests.unit.ledger.test_seal import one_value

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


def opened(data: bytes, txid: TxId, *, quickly: bool) -> Opened | str:
    view, seqno = txid
    try:
        if quickly:
            return open_next(data, view, seqno, SECRETS)
        return opened_of(unseal_any(data, txid, SECRETS))
    except CcfpyError as error:
        return f"{type(error).__name__}: {error}"


@given(txids, write_sets | one_value, digests, st.sampled_from(list(EntryFlags)))
def test_an_entry_opens_quickly_to_the_same(
    txid: TxId, write_set: WriteSet, claims: bytes, flags: EntryFlags
) -> None:
    sealed = seal(SECRET, txid, write_set, claims_digest=claims, flags=flags)
    found = opened(sealed.data, txid, quickly=True)
    assert found == opened(sealed.data, txid, quickly=False)
    assert found[2] == sealed.leaf


@given(write_set=write_sets | one_value, draw=st.data())
def test_a_changed_entry_is_refused_quickly_in_the_same_words(
    write_set: WriteSet, draw: st.DataObject
) -> None:
    data = bytearray(seal(SECRET, TXID, write_set).data)
    at = draw.draw(st.integers(0, 130) | st.integers(0, 400)) % len(data)
    data[at] ^= 1 << draw.draw(st.integers(0, 7))
    damaged = bytes(data[: draw.draw(st.integers(0, len(data)) | st.just(len(data)))])
    assert opened(damaged, TXID, quickly=True) == opened(damaged, TXID, quickly=False)


@given(
    name=st.sampled_from(["public:open", "closed"]),
    key=st.binary(max_size=9),
    flips=st.lists(st.tuples(st.integers(0, 80), st.integers(0, 255)), max_size=2),
    more=st.sampled_from([b"", b"\0", bytes(8)]),
    in_the_clear=st.booleans(),
)
def test_whatever_a_node_sealed_opens_to_the_same_or_is_refused_alike(
    *,
    name: str,
    key: bytes,
    flips: list[tuple[int, int]],
    more: bytes,
    in_the_clear: bool,
) -> None:
    """Who holds the secret may seal what is no write set, or in the wrong domain."""
    public, private = serialise(
        {name: {key: b"value"}},
        version=TXID.seqno,
        claims_digest=bytes(32),
        commit_evidence_digest=bytes(32),
    )
    header = public[: len(seal(SECRET, TXID, {}).data) - PUBLIC_OFFSET]
    fields = bytearray(public[len(header) :] + private)
    for at, value in flips:
        fields[at % len(fields)] = value
    wrong = bytes(fields) + more
    domains = (header + wrong, b"") if in_the_clear else (header, wrong)
    data = assemble(SECRET, (TXID.seqno, TXID.view), *domains)
    assert opened(data, TXID, quickly=True) == opened(data, TXID, quickly=False)
