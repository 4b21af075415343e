"""Entries: sealed, taken apart, opened, and every flipped bit noticed."""

import hashlib
import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import CcfpyError, Malformed, VerificationFailed
from ccfpy.base.ids import TxId
from ccfpy.crypto.aead import AesGcm
from ccfpy.kv.changes import WriteSet
from ccfpy.ledger.entry import (
    NO_CLAIMS,
    PUBLIC_OFFSET,
    Entry,
    LeafComponents,
    Transaction,
)
from ccfpy.ledger.frame import EntryFlags
from ccfpy.ledger.secrets import LedgerSecret, LedgerSecrets
from tests.attacks import attack
from tests.unit.ledger.plain_snapshot import seal_snapshot
from tests.unit.ledger.sealed import seal

SECRET = LedgerSecret(raw=bytes(range(32)))
SECRETS = LedgerSecrets([(1, SECRET)])
WRITES: WriteSet = {
    "public:open": {b"k": b"v", b"gone": None},
    "closed": {b"k": b"secret"},
}

names = st.sampled_from(["a", "b", "public:a", "public:b", "public:ccf.gov.x"])
writes = st.dictionaries(
    st.binary(max_size=12), st.none() | st.binary(max_size=40), min_size=1, max_size=4
)
write_sets = st.dictionaries(names, writes, max_size=4)
txids = st.builds(TxId, st.integers(1, 2**31 - 1), st.integers(1, 2**62))
digests = st.binary(min_size=32, max_size=32)


@given(txids, write_sets, digests, st.sampled_from(list(range(4))))
def test_what_is_sealed_opens_to_the_same(
    txid: TxId,
    write_set: dict[str, dict[bytes, bytes | None]],
    claims: bytes,
    bits: int,
) -> None:
    flags = EntryFlags(bits)
    sealed = seal(SECRET, txid, write_set, claims_digest=claims, flags=flags)
    read = Transaction.parse(sealed.data)
    assert read.txid == txid
    assert read.entry.flags == flags
    assert read.domain.claims_digest == claims
    assert read.writes(SECRETS) == write_set
    assert read.commit_evidence(SECRETS) == sealed.commit_evidence
    assert read.leaf == sealed.leaf
    assert read.entry.digest == sealed.write_set_digest


def test_an_entry_has_ccfs_layout() -> None:
    sealed = seal(SECRET, TxId(7, 5), WRITES)
    frame, iv_seqno, iv_view, size = struct.unpack("<8s16xQIQ", sealed.data[:44])
    assert frame == b"\x01\x00" + (len(sealed.data) - 8).to_bytes(6, "little")
    assert (iv_seqno, iv_view) == (5, 7)
    public = sealed.data[PUBLIC_OFFSET : PUBLIC_OFFSET + size]
    evidence = hashlib.sha256(sealed.commit_evidence).digest()
    assert public.startswith(b"\x04" + (5).to_bytes(8, "little") + bytes(32) + evidence)
    iv, tag = sealed.data[24:36], sealed.data[8:24]
    ciphertext = sealed.data[PUBLIC_OFFSET + size :]
    private = AesGcm(SECRET.raw).decrypt(iv, ciphertext, tag, public)
    assert b"secret" in private
    assert b"secret" not in sealed.data
    digest = hashlib.sha256(sealed.data).digest()
    assert sealed.leaf == hashlib.sha256(digest + evidence + NO_CLAIMS).digest()


@attack("nonce: a transaction and a snapshot of one seqno")
def test_no_two_transactions_or_snapshots_share_an_iv() -> None:
    entries = [
        seal(SECRET, TxId(2, 5), {}).data,
        seal(SECRET, TxId(3, 5), {}).data,
        seal(SECRET, TxId(2, 6), {}).data,
        seal_snapshot(SECRET, 5, b"public", b""),
    ]
    assert len({data[24:36] for data in entries}) == 4


@attack("nonce: a view that does not fit")
@pytest.mark.parametrize("view", [0, 2**31])
def test_a_view_that_does_not_fit_the_iv_is_never_sealed(view: int) -> None:
    with pytest.raises(AssertionError):
        seal(SECRET, TxId(view, 5), {})


@given(st.data())
def test_a_flipped_bit_never_opens(data: st.DataObject) -> None:
    sealed = seal(SECRET, TxId(2, 5), WRITES)
    changed = bytearray(sealed.data)
    at = data.draw(st.integers(0, len(changed) - 1))
    changed[at] ^= 1 << data.draw(st.integers(0, 7))
    assert hashlib.sha256(changed).digest() != sealed.write_set_digest
    try:
        read = Transaction.parse(bytes(changed))
        read.writes(SECRETS)
    except CcfpyError:
        return
    # The chunk flags are outside the authenticated part; only the digest tells.
    assert at == 1
    assert read.leaf != sealed.leaf


@given(st.binary(max_size=120))
def test_noise_is_an_entry_or_malformed(data: bytes) -> None:
    with suppress(Malformed):
        assert Transaction.parse(data).entry.data == data


def test_a_cut_entry_is_malformed() -> None:
    data = seal(SECRET, TxId(2, 5), WRITES).data
    for size in range(len(data)):
        with pytest.raises(Malformed):
            Transaction.parse(data[:size])
    with pytest.raises(Malformed):
        Transaction.parse(data + b"\0")


def test_another_secret_does_not_open() -> None:
    read = Transaction.parse(seal(SECRET, TxId(2, 5), WRITES).data)
    other = LedgerSecrets([(1, LedgerSecret(raw=b"\1" * 32))])
    with pytest.raises(VerificationFailed, match="tag"):
        read.private_writes(other)
    with pytest.raises(VerificationFailed, match=r"commit evidence of 2\.5"):
        read.commit_evidence(other)


def test_a_write_set_of_another_seqno_is_refused() -> None:
    data = bytearray(seal(SECRET, TxId(2, 5), {}).data)
    data[PUBLIC_OFFSET + 1] = 6
    with pytest.raises(Malformed, match="seqno 5 holds the write set of seqno 6"):
        Transaction.parse(bytes(data))


def test_a_snapshot_is_no_transaction() -> None:
    data = seal_snapshot(SECRET, 5, b"public", b"private")
    entry = Entry.parse(data)
    assert (entry.is_snapshot, entry.txid, entry.public) == (True, (0, 5), b"public")
    assert entry.decrypt(SECRET) == b"private"
    with pytest.raises(Malformed, match="found a snapshot"):
        Transaction.parse(data)


def test_an_oversized_public_domain_is_refused() -> None:
    data = bytearray(seal(SECRET, TxId(2, 5), {}).data)
    data[36:44] = (1 << 60).to_bytes(8, "little")
    with pytest.raises(Malformed, match="exceeds its entry"):
        Entry.parse(bytes(data))


@pytest.mark.parametrize(
    ("evidence", "claims", "parts"),
    [
        (None, None, None),
        (b"e" * 32, None, b"w" * 32 + b"e" * 32),
        (None, b"c" * 32, b"w" * 32 + b"c" * 32),
        (b"e" * 32, b"c" * 32, b"w" * 32 + b"e" * 32 + b"c" * 32),
    ],
)
def test_a_leaf_is_made_of_what_the_entry_type_has(
    evidence: bytes | None, claims: bytes | None, parts: bytes | None
) -> None:
    leaf = LeafComponents(b"w" * 32, evidence, claims).leaf
    assert leaf == (b"w" * 32 if parts is None else hashlib.sha256(parts).digest())


def test_an_entry_without_evidence_reveals_none() -> None:
    public = b"\0" + (5).to_bytes(8, "little") + bytes(8)
    iv = struct.pack("<QI", 5, 2)
    ciphertext, tag = SECRET.cipher.encrypt(iv, b"", public)
    body = tag + iv + struct.pack("<Q", len(public)) + public + ciphertext
    read = Transaction.parse(b"\x01\x00" + len(body).to_bytes(6, "little") + body)
    assert read.commit_evidence(SECRETS) is None
    assert read.leaf == read.entry.digest
    assert read.writes(SECRETS) == {}
