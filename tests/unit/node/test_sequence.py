"""Transactions in order: seqnos, chunks, limits, commit and secrets."""

import pytest

from ccfpy.base.ids import TxId
from ccfpy.boundary.effects import AppendEntries, CommitLedger, LedgerEntry
from ccfpy.consensus.solo import SoloConsensus
from ccfpy.consensus.status import TxStatus
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.crypto.entropy import SeededEntropy
from ccfpy.kv.store import Conflict, Store
from ccfpy.ledger.entry import Transaction
from ccfpy.ledger.merkle import MerkleTree
from ccfpy.ledger.secrets import LedgerSecret, LedgerSecrets
from ccfpy.ledger.signature import Signer
from ccfpy.node.outbox import Outbox
from ccfpy.node.sequence import EntryTooLarge, Sequence, SequenceLimits

ENTROPY = SeededEntropy(1)
SIGNER = Signer(
    node="ab" * 32,  # type: ignore[arg-type]  # any id will do
    node_key=KeyPair.generate(ENTROPY, Curve.SECP256R1),
    node_certificate="PEM",
    service_key=KeyPair.generate(ENTROPY, Curve.SECP256R1),
)


class Ledger:
    """A sequence and what it asked its host to write."""

    def __init__(
        self, *, chunk_bytes: int = 10**6, entry_bytes_max: int = 10**6
    ) -> None:
        self.outbox = Outbox()
        self.store = Store()
        secret = LedgerSecret.generate(SeededEntropy(2))
        self.sequence = Sequence(
            store=self.store,
            consensus=SoloConsensus(view=2),
            secrets=LedgerSecrets([(1, secret)]),
            bounds=SequenceLimits(
                chunk_bytes=chunk_bytes,
                uncommitted_max=3,
                entry_bytes_max=entry_bytes_max,
            ),
            outbox=self.outbox,
        )

    def put(self, key: bytes, value: bytes) -> TxId | None:
        tx = self.sequence.begin(read_only=False)
        tx.raw("map").put(key, value)
        return self.sequence.commit(tx)

    def sign(self) -> None:
        self.sequence.sign(SIGNER, issued_at=1)

    def entries(self) -> list[LedgerEntry]:
        return [
            entry
            for effect in self.outbox.take()
            if isinstance(effect, AppendEntries)
            for entry in effect.entries
        ]


def test_each_write_gets_the_next_seqno_and_a_leaf() -> None:
    ledger = Ledger()
    assert ledger.put(b"a", b"1") == TxId(2, 1)
    assert ledger.put(b"a", b"2") == TxId(2, 2)
    tree = MerkleTree()
    for entry in ledger.entries():
        tree.append(Transaction.parse(entry.data).leaf)
    assert tree.root() == ledger.sequence.root_at(2)


def test_a_read_has_the_id_of_the_state_it_saw_and_no_touch_has_none() -> None:
    ledger = Ledger()
    ledger.put(b"a", b"1")
    tx = ledger.sequence.begin(read_only=True)
    assert ledger.sequence.commit(tx) is None
    tx = ledger.sequence.begin(read_only=True)
    tx.raw("map").get(b"a")
    assert ledger.sequence.commit(tx) == TxId(2, 1)
    assert len(ledger.entries()) == 1


def test_a_lost_race_writes_nothing() -> None:
    ledger = Ledger()
    slow = ledger.store.begin()
    slow.raw("map").get(b"a")
    slow.raw("map").put(b"a", b"old")
    ledger.put(b"a", b"new")
    with pytest.raises(Conflict):
        ledger.sequence.commit(slow)
    assert len(ledger.entries()) == 1


def test_a_signature_commits_everything_before_it() -> None:
    ledger = Ledger()
    ledger.put(b"a", b"1")
    assert ledger.sequence.committed_tx_id() is None
    assert ledger.sequence.tx_status(TxId(2, 1)) is TxStatus.PENDING
    ledger.sign()
    assert ledger.sequence.committed_tx_id() == TxId(2, 2)
    assert ledger.sequence.tx_status(TxId(2, 1)) is TxStatus.COMMITTED
    assert CommitLedger(seqno=2) in ledger.outbox.take()
    assert ledger.store.committed == 2
    assert ledger.sequence.unsigned == 0


def test_the_stored_tree_begins_at_the_previous_signature() -> None:
    ledger = Ledger()
    for _ in range(2):
        ledger.put(b"a", b"1")
        ledger.sign()
    written = Transaction.parse(ledger.entries()[-1].data).domain.write_set
    stored = MerkleTree.deserialise(
        written["public:ccf.internal.tree"][bytes(8)] or b""
    )
    assert (stored.first, len(stored)) == (2, 4)
    assert stored.root() == ledger.sequence.tree.root(4)


def test_a_chunk_ends_at_the_first_signature_past_its_size() -> None:
    ledger = Ledger(chunk_bytes=2000)
    ledger.put(b"a", b"x" * 100)
    ledger.sign()
    ledger.put(b"a", b"x" * 2000)
    ledger.sign()
    ledger.put(b"a", b"x")
    ledger.sign()
    closes = [entry.closes_chunk_after for entry in ledger.entries()]
    assert closes == [False, False, False, True, False, False]


def test_a_chunk_can_be_forced_once() -> None:
    ledger = Ledger()
    ledger.put(b"a", b"1")
    ledger.sequence.force_chunk()
    ledger.sign()
    ledger.put(b"a", b"1")
    ledger.sign()
    closes = [entry.closes_chunk_after for entry in ledger.entries()]
    assert closes == [False, True, False, False]


def test_an_entry_may_be_as_large_as_the_bound_and_no_larger() -> None:
    ledger = Ledger()
    ledger.put(b"a", b"x" * 500)
    (entry,) = ledger.entries()
    size = len(entry.data)
    Ledger(entry_bytes_max=size).put(b"a", b"x" * 500)
    with pytest.raises(EntryTooLarge, match=r"memory\.max_msg_size"):
        Ledger(entry_bytes_max=size - 1).put(b"a", b"x" * 500)


def test_capacity_is_the_number_of_entries_that_may_await_commit() -> None:
    ledger = Ledger()
    for _ in range(3):
        ledger.put(b"a", b"1")
    assert not ledger.sequence.is_at_capacity()
    ledger.put(b"a", b"1")
    assert ledger.sequence.is_at_capacity()
    ledger.sign()
    assert not ledger.sequence.is_at_capacity()


def test_a_new_secret_encrypts_from_the_next_entry_on() -> None:
    ledger = Ledger()
    ledger.put(b"a", b"1")
    old = ledger.sequence.secrets.at(1)
    ledger.sequence.rekey(b"\x05" * 32, at=1)
    ledger.put(b"a", b"2")
    first, second = (Transaction.parse(entry.data) for entry in ledger.entries())
    assert first.entry.decrypt(old)
    assert second.entry.decrypt(ledger.sequence.secrets.at(2))
    assert ledger.sequence.secrets.at(2).raw == b"\x05" * 32


def test_what_was_put_off_happens_once_and_only_after_a_commit() -> None:
    ledger = Ledger()
    done: list[int] = []
    ledger.sequence.begin(read_only=False)
    ledger.sequence.after_commit(lambda: done.append(1))
    tx = ledger.sequence.begin(read_only=False)
    tx.raw("map").put(b"a", b"1")
    ledger.sequence.after_commit(lambda: done.append(2))
    ledger.sequence.commit(tx)
    ledger.put(b"a", b"2")
    assert done == [2]


def test_receipts_reach_back_as_far_as_the_window(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ccfpy.base.limits.RECEIPT_WINDOW_TX", 4)
    ledger = Ledger()
    for _ in range(3):
        ledger.put(b"a", b"1")
        ledger.sign()
    assert ledger.sequence.receipt(2) is None
    for seqno in (3, 4, 5, 6):
        receipt = ledger.sequence.receipt(seqno)
        assert receipt is not None
        assert receipt.is_signature_transaction is (seqno % 2 == 0)
        signed = seqno + seqno % 2
        assert receipt.root() == ledger.sequence.tree.root(signed)
    ledger.put(b"a", b"1")
    assert ledger.sequence.receipt(7) is None
