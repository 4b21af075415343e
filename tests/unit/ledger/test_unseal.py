"""Entries opened in one go: what their parts give, and what they refuse."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import CcfpyError, Malformed, VerificationFailed
from ccfpy.base.ids import TxId
from ccfpy.kv.changes import WriteSet
from ccfpy.ledger.entry import PUBLIC_OFFSET, Transaction
from ccfpy.ledger.frame import EntryFlags
from ccfpy.ledger.sealing import (
    Opened,
    open_run,
    opened_of,
    unseal,
)
from ccfpy.ledger.secrets import LedgerSecret, LedgerSecrets
from tests.damage import with_a_bit_changed
from tests.unit.kv.plain_domains import serialise
from tests.unit.ledger.plain_snapshot import assemble, seal_snapshot
from tests.unit.ledger.sealed import seal
from tests.unit.ledger.test_entry import SECRET, SECRETS, digests, txids, write_sets
from tests.unit.ledger.test_seal import one_value

TXID = TxId(2, 7)
FLAGS_AT = 1
NOTE: WriteSet = {"notes": {b"k": b"v"}}


@given(txids, write_sets, digests, st.sampled_from(list(EntryFlags)))
def test_what_is_sealed_is_unsealed(
    txid: TxId, write_set: WriteSet, claims: bytes, flags: EntryFlags
) -> None:
    sealed = seal(SECRET, txid, write_set, claims_digest=claims, flags=flags)
    unsealed = unseal(sealed.data, txid, SECRETS)
    assert unsealed.write_set == write_set
    assert unsealed.flags is flags
    assert unsealed.components == Transaction.parse(sealed.data).components
    assert unsealed.components.leaf == sealed.leaf


@given(write_set=write_sets, draw=st.data())
def test_a_changed_entry_does_not_open_or_is_another_leaf(
    write_set: WriteSet, draw: st.DataObject
) -> None:
    """The flags that cut chunks are not under the cipher, but they are in the leaf."""
    sealed = seal(SECRET, TXID, write_set)
    data = bytearray(sealed.data)
    # Mostly the head, where each field has its own rule.
    at = draw.draw(st.integers(0, min(len(data), 60) - 1) | st.integers(0, 200))
    at %= len(data)
    data[at] ^= 1 << draw.draw(st.integers(0, 7))
    try:
        unsealed = unseal(bytes(data), TXID, SECRETS)
    except (Malformed, VerificationFailed):
        return
    assert at == FLAGS_AT
    assert unsealed.components.leaf != sealed.leaf


@pytest.mark.parametrize("size", [0, 7, 8, 43, 44, 100, -1])
def test_a_shortened_entry_is_malformed(size: int) -> None:
    with pytest.raises(Malformed):
        unseal(seal(SECRET, TXID, NOTE).data[:size], TXID, SECRETS)


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


def opened(data: bytes, txid: TxId) -> list[Opened]:
    """Return what an entry holds, or nothing if it does not open."""
    try:
        return [opened_of(unseal(data, txid, SECRETS))]
    except CcfpyError:
        return []


def run_of(*entries: bytes, txid: TxId = TXID) -> list[Opened]:
    return open_run(list(entries), txid.view, txid.seqno, SECRETS)


@pytest.mark.parametrize(
    ("write_set", "is_taken"),
    [
        ({"notes": {b"k": b"v"}}, True),
        ({"notes": {b"k": None}}, True),
        ({"names": {b"k": b"v"}, "notes": {b"k": b"v", b"l": None}}, True),
        ({"public:notes": {b"k": b"v"}}, True),
        ({}, True),
        ({"public:notes": {b"k": None}}, False),
        ({"public:notes": {b"k": b"v", b"l": b"v"}}, False),
        ({"public:notes": {b"k": b"v"}, "notes": {b"k": b"v"}}, False),
        ({"public:ccf.gov.members.info": {b"k": b"v"}}, False),
        ({"public:ccf.internal.signatures": {b"k": b"v"}}, False),
        ({"public:ccfpy.internal.scripts": {b"k": b"v"}}, False),
    ],
)
def test_a_run_is_of_what_applications_usually_write(
    write_set: WriteSet, *, is_taken: bool
) -> None:
    sealed = seal(SECRET, TXID, write_set)
    whole = opened(sealed.data, TXID)
    assert whole[0][2] == sealed.leaf
    assert run_of(sealed.data) == (whole if is_taken else [])


@pytest.mark.parametrize("flags", list(EntryFlags))
def test_an_entry_that_cuts_the_chunk_is_in_no_run(flags: EntryFlags) -> None:
    assert run_of(seal(SECRET, TXID, NOTE, flags=flags).data) == []


@given(txids, write_sets | one_value, digests, st.sampled_from(list(range(4))))
def test_what_a_run_opens_is_what_the_entry_holds(
    txid: TxId, write_set: WriteSet, claims: bytes, flags: int
) -> None:
    sealed = seal(
        SECRET, txid, write_set, claims_digest=claims, flags=EntryFlags(flags)
    )
    assert run_of(sealed.data, txid=txid) in ([], opened(sealed.data, txid))


@given(write_set=write_sets | one_value, draw=st.data())
def test_a_run_opens_nothing_of_a_changed_entry(
    write_set: WriteSet, draw: st.DataObject
) -> None:
    data = bytearray(seal(SECRET, TXID, write_set).data)
    at = draw.draw(st.integers(0, 130) | st.integers(0, 400)) % len(data)
    data[at] ^= 1 << draw.draw(st.integers(0, 7))
    damaged = bytes(data[: draw.draw(st.integers(0, len(data)) | st.just(len(data)))])
    assert run_of(damaged) == []


@given(draw=st.data())
def test_a_run_ends_before_the_first_entry_that_is_wrong(draw: st.DataObject) -> None:
    places = [TxId(2, 7 + at) for at in range(4)]
    entries = [
        seal(SECRET, place, {"notes": {draw.draw(st.binary(max_size=9)): b"v"}}).data
        for place in places
    ]
    wrong = draw.draw(st.integers(0, 3))
    entries[wrong] = draw.draw(
        st.sampled_from(
            [
                b"",
                entries[wrong][:-1],
                entries[wrong] + b"\0",
                with_a_bit_changed(entries[wrong]),
                entries[wrong - 1],
            ]
        )
    )
    alone = [opened(data, at) for data, at in zip(entries, places, strict=True)]
    assert alone[wrong] == []
    assert run_of(*entries) == [each for (each,) in alone[:wrong]]


def test_a_run_ends_where_no_secret_is_known() -> None:
    entries = [seal(SECRET, TxId(2, 7 + at), NOTE).data for at in range(3)]
    other = LedgerSecret(raw=bytes(32))
    assert len(open_run(entries, 2, 7, LedgerSecrets([(1, SECRET)]))) == 3
    assert len(open_run(entries, 2, 7, LedgerSecrets([(1, SECRET), (9, other)]))) == 2
    assert open_run(entries, 2, 7, LedgerSecrets([(9, SECRET)])) == []


@given(
    name=st.sampled_from(["public:open", "closed"]),
    key=st.binary(max_size=9),
    flips=st.lists(st.tuples(st.integers(0, 80), st.integers(0, 255)), max_size=2),
    more=st.sampled_from([b"", b"\0", bytes(8)]),
    in_the_clear=st.booleans(),
)
def test_a_run_opens_only_what_is_a_write_set_of_that_domain(
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
    assert run_of(data) in ([], opened(data, TXID))
