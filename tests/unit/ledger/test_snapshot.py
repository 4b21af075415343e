"""Snapshot files: written, read, and vouched for."""

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import CcfpyError, Malformed, VerificationFailed
from ccfpy.crypto.hashing import sha256
from ccfpy.kv.snapshot import MapSnapshot, PublicSnapshot
from ccfpy.ledger.receipt import Receipt, ReceiptRefused, ReceiptStep
from ccfpy.ledger.secrets import LedgerSecrets
from ccfpy.ledger.snapshot import Snapshot, receipt_bytes
from ccfpy.ledger.tables import SINGLE_KEY, SNAPSHOT_EVIDENCE, TREE
from tests.attacks import attack
from tests.unit.ledger.made import FIRST, SECOND, MadeLedger, small_ledger
from tests.unit.ledger.plain_snapshot import write_snapshot

PRIVATE = (MapSnapshot("messages", 9, ((b"1", 9, b"secret"),)),)


def public(ledger: MadeLedger, seqno: int) -> PublicSnapshot:
    at_signature = MadeLedger(tree=type(ledger.tree)())
    at_signature.tree.extend(each.leaf for each in ledger.entries[: seqno - 1])
    tree = at_signature.tree.serialise(seqno - 2)
    maps = (
        MapSnapshot(TREE, seqno, ((SINGLE_KEY, seqno, tree),)),
        MapSnapshot("public:log", 4, ((b"1", 4, b"x"),)),
    )
    return PublicSnapshot(seqno, ledger.entries[seqno - 1].leaf, (1, 1), maps)


def snapshot_of(seqno: int) -> tuple[MadeLedger, bytes, Receipt]:
    """Take a snapshot at a signature, record its evidence, and get the receipt."""
    ledger = small_ledger()
    data = write_snapshot(ledger.secret, public(ledger, seqno), PRIVATE)
    digest = sha256(data)
    evidence = ledger.put({SNAPSHOT_EVIDENCE: {SINGLE_KEY: b"{}"}}, claims=digest)
    ledger.sign()
    return ledger, data, ledger.receipt(evidence.seqno, digest)


LEDGER, DATA, RECEIPT = snapshot_of(10)
FILE = DATA + receipt_bytes(RECEIPT)
SECRETS = LedgerSecrets([(1, LEDGER.secret)])


def test_a_snapshot_reads_back_and_is_vouched_for() -> None:
    snapshot = Snapshot.parse(FILE)
    assert (snapshot.seqno, snapshot.digest) == (10, sha256(DATA))
    assert [each.step for each in snapshot.verify(FIRST.certificate)] == list(
        ReceiptStep
    )
    assert snapshot.private_maps(SECRETS) == (
        MapSnapshot("messages", 9, [(b"1", 9, b"secret")]),
    )
    assert b"secret" not in FILE
    assert snapshot.value("public:log", b"1") == b"x"
    assert snapshot.value("public:log", b"2") is None
    assert snapshot.value("public:other") is None
    assert Receipt.parse(receipt_bytes(RECEIPT)) == RECEIPT


def test_a_joiner_continues_the_tree_from_a_snapshot() -> None:
    tree = Snapshot.parse(FILE).tree()
    assert len(tree) == 11
    assert tree.root() == LEDGER.tree.root(11)


def test_a_snapshot_without_its_receipt_is_not_trusted() -> None:
    snapshot = Snapshot.parse(DATA)
    assert snapshot.receipt is None
    with pytest.raises(VerificationFailed, match="no receipt"):
        snapshot.verify(FIRST.certificate)


@attack("ledger: a receipt of another seqno")
def test_the_receipt_of_another_snapshot_is_refused() -> None:
    _, _, other = snapshot_of(8)
    with pytest.raises(ReceiptRefused) as refused:
        Snapshot.parse(DATA + receipt_bytes(other)).verify(FIRST.certificate)
    assert refused.value.step is ReceiptStep.LEAF


def test_the_snapshot_of_another_service_is_refused() -> None:
    with pytest.raises(ReceiptRefused) as refused:
        Snapshot.parse(FILE).verify(SECOND.certificate)
    assert refused.value.step is ReceiptStep.ENDORSEMENT


def test_the_receipt_of_a_signature_vouches_for_no_snapshot() -> None:
    signed = LEDGER.signatures[-1]
    bare = replace(RECEIPT, leaf=signed.root, proof=(), signature=signed.signature)
    with pytest.raises(ReceiptRefused) as refused:
        Snapshot.parse(DATA + receipt_bytes(bare)).verify(FIRST.certificate)
    assert refused.value.step is ReceiptStep.LEAF


def test_evidence_from_before_the_state_is_refused() -> None:
    ledger = small_ledger()
    data = write_snapshot(ledger.secret, public(ledger, 10)._replace(version=99), ())
    evidence = ledger.put({SNAPSHOT_EVIDENCE: {}}, claims=sha256(data))
    ledger.sign()
    file = data + receipt_bytes(ledger.receipt(evidence.seqno, sha256(data)))
    with pytest.raises(VerificationFailed, match=r"evidence at 2\.11 for .* 99"):
        Snapshot.parse(file).verify(FIRST.certificate)


def test_a_tree_that_is_missing_or_ends_elsewhere_is_refused() -> None:
    without = public(LEDGER, 10)._replace(maps=())
    data = write_snapshot(LEDGER.secret, without, ())
    with pytest.raises(Malformed, match="no Merkle tree"):
        Snapshot.parse(data).tree()
    elsewhere = public(LEDGER, 8)._replace(version=10)
    data = write_snapshot(LEDGER.secret, elsewhere, ())
    with pytest.raises(Malformed, match="a tree of 8 leaves"):
        Snapshot.parse(data).tree()


def test_a_transaction_is_no_snapshot() -> None:
    with pytest.raises(Malformed, match="found a transaction"):
        Snapshot.parse(LEDGER.entries[3].data)


def test_a_leaf_of_another_size_is_refused() -> None:
    data = write_snapshot(LEDGER.secret, public(LEDGER, 10)._replace(leaf=b"x"), ())
    with pytest.raises(Malformed, match="leaf of 1 bytes"):
        Snapshot.parse(data)


@given(st.data())
def test_a_flipped_bit_is_never_vouched_for(data: st.DataObject) -> None:
    changed = bytearray(FILE)
    changed[data.draw(st.integers(0, len(DATA) - 1))] ^= 1 << data.draw(
        st.integers(0, 7)
    )
    with pytest.raises(CcfpyError):
        Snapshot.parse(bytes(changed)).verify(FIRST.certificate)


@given(st.integers(0, len(FILE) - 1))
def test_a_cut_file_raises_only_our_errors(size: int) -> None:
    with pytest.raises(CcfpyError):
        Snapshot.parse(FILE[:size]).verify(FIRST.certificate)


@given(st.binary(max_size=100))
def test_noise_raises_only_our_errors(data: bytes) -> None:
    with suppress(CcfpyError):
        Snapshot.parse(data)
