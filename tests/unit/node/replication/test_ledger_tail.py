"""Transactions become ledger entries, in order; the newest stay in memory."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base import limits
from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.ids import NodeId, Seqno, TxId, View
from ccfpy.base.vocabulary import NodeStatus, ServiceStatus
from ccfpy.boundary.effects import AppendLedger, CommitLedger, TruncateLedger
from ccfpy.consensus.ready import EntryFacts
from ccfpy.crypto import certs
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.kv.changes import Writes, WriteSet
from ccfpy.kv.store import Conflict, Store
from ccfpy.ledger.entry import Transaction
from ccfpy.ledger.merkle import MerkleTree
from ccfpy.ledger.secrets import LedgerSecret, LedgerSecrets
from ccfpy.ledger.signature import Signer
from ccfpy.ledger.tables import COSE_SIGNATURES
from ccfpy.node.identity import ServiceIdentity
from ccfpy.node.outbox import Outbox
from ccfpy.node.replication.ledger_tail import (
    EntryLimits,
    EntryTooLarge,
    LedgerTail,
    RecentLedger,
    facts_of,
)
from ccfpy.service.tables import nodes, service
from ccfpy.service.tables.nodes import (
    INFO,
    NetInterface,
    NodeInfo,
    QuoteFormat,
    QuoteInfo,
)
from ccfpy.testing.entropy import SeededEntropy
from tests.damage import with_a_bit_changed

ENTROPY = SeededEntropy(1)
NODE = NodeId("ab" * 32)
SERVICE = ServiceIdentity.generate(
    ENTROPY,
    curve=Curve.SECP256R1,
    subject="CN=Service",
    not_before=datetime(2026, 1, 1, tzinfo=UTC),
    validity_days=1,
)
NODE_KEY = KeyPair.generate(ENTROPY, Curve.SECP256R1)
CERTIFICATE = certs.node_self_signed(
    NODE_KEY,
    subject="CN=Node",
    sans=(),
    not_before=datetime(2026, 1, 1, tzinfo=UTC),
    validity_days=1,
    entropy=ENTROPY,
)
SIGNER = Signer(
    node=NODE,
    node_key=NODE_KEY,
    node_certificate=CERTIFICATE.pem,
    service_key=SERVICE.key,
)


class Ledger:
    """A ledger tail and what it asked its host to write."""

    def __init__(
        self, *, chunk_bytes: int = 10**6, entry_bytes_max: int = 10**6
    ) -> None:
        self.outbox = Outbox()
        self.store = Store()
        secret = LedgerSecret.generate(SeededEntropy(2))
        self.tail = LedgerTail(
            store=self.store,
            secrets=LedgerSecrets([(1, secret)]),
            bounds=EntryLimits(
                chunk_bytes=chunk_bytes, entry_bytes_max=entry_bytes_max
            ),
            outbox=self.outbox,
        )

    def put(self, key: bytes, value: bytes) -> TxId | None:
        tx = self.tail.begin(read_only=False)
        tx.raw("map").put(key, value)
        appended = self.tail.append(tx, 2)
        return None if appended is None else TxId(2, self.tail.last_seqno)

    def put_credentials(self) -> None:
        """Write what signatures are verified with."""
        tx = self.tail.begin(read_only=False)
        nodes.ENDORSED_CERTIFICATES.of(tx).put(NODE, CERTIFICATE.pem)
        service.INFO.of(tx).put(
            service.ServiceInfo(cert=SERVICE.certificate.pem, status=ServiceStatus.OPEN)
        )
        self.tail.append(tx, 2)

    def sign(self) -> None:
        self.tail.sign(SIGNER, 2, issued_at=1)
        self.tail.commit_to(self.tail.last_seqno)

    def take(self, *entries: bytes, view: View = 2) -> list[EntryFacts | None]:
        """Apply what a primary sent; return what consensus is to know of it."""
        taken: list[EntryFacts | None] = []
        self.tail.apply(list(entries), view, taken)
        return taken

    @staticmethod
    def cose_of_another_service(tree: MerkleTree) -> Writes:
        """Return the signature table of a service with another key."""
        other = replace(SIGNER, service_key=NODE_KEY)
        return other.sign(TxId(2, len(tree)), tree, issued_at=1)[COSE_SIGNATURES]

    def entries(self) -> list[bytes]:
        return [entry for run in self.runs() for entry in run.entries]

    def runs(self) -> list[AppendLedger]:
        return [each for each in self.outbox.take() if isinstance(each, AppendLedger)]


def ends_of_chunks(runs: list[AppendLedger]) -> list[int]:
    """Return the last entry of each chunk that ended."""
    return [run.first_seqno + len(run.entries) - 1 for run in runs if run.ends_chunk]


def test_each_write_gets_the_next_seqno_and_a_leaf() -> None:
    ledger = Ledger()
    assert ledger.put(b"a", b"1") == TxId(2, 1)
    assert ledger.put(b"a", b"2") == TxId(2, 2)
    tree = MerkleTree()
    for entry in ledger.entries():
        tree.append(Transaction.parse(entry).leaf)
    assert tree.root() == ledger.tail.root_at(2)


def test_a_read_adds_nothing() -> None:
    ledger = Ledger()
    ledger.put(b"a", b"1")
    tx = ledger.tail.begin(read_only=True)
    tx.raw("map").get(b"a")
    assert ledger.tail.append(tx, 2) is None
    assert len(ledger.entries()) == 1


def test_a_lost_race_writes_nothing() -> None:
    ledger = Ledger()
    slow = ledger.store.begin()
    slow.raw("map").get(b"a")
    slow.raw("map").put(b"a", b"old")
    ledger.put(b"a", b"new")
    with pytest.raises(Conflict):
        ledger.tail.append(slow, 2)
    assert len(ledger.entries()) == 1


def test_a_commit_reaches_the_host_and_the_store() -> None:
    ledger = Ledger()
    ledger.put(b"a", b"1")
    ledger.sign()
    assert CommitLedger(seqno=2) in ledger.outbox.take()
    assert ledger.store.committed == 2


def test_a_rollback_undoes_state_tree_secrets_and_what_the_host_holds() -> None:
    ledger = Ledger()
    ledger.put(b"a", b"1")
    ledger.sign()
    root = ledger.tail.settled_tree().root()
    ledger.put(b"a", b"2")
    ledger.tail.rekey(b"\x05" * 32, at=3)
    ledger.put(b"a", b"3")
    ledger.entries()
    ledger.tail.rollback(3, signed=2)
    assert TruncateLedger(seqno=3) in ledger.outbox.take()
    assert ledger.tail.secrets.at(4).raw == b"\x05" * 32, "entry 3 brought it"
    ledger.tail.rollback(2, signed=2)
    assert len(ledger.tail.secrets) == 1
    assert ledger.tail.settled_tree().root() == root
    assert ledger.put(b"a", b"4") == TxId(2, 3)


def lost_and_written_again() -> Ledger:
    """Return a ledger of which a signed end was rolled back, and another signed."""
    ledger = Ledger()
    ledger.put_credentials()
    ledger.sign()
    for value in (b"lost", b"lost too"):
        ledger.put(b"a", value)
    ledger.tail.sign(SIGNER, 2, issued_at=1)
    ledger.tail.rollback(2, signed=2)
    ledger.put(b"a", b"kept")
    ledger.sign()
    return ledger


def test_after_a_rollback_receipts_are_of_what_was_written_in_its_place() -> None:
    tail = lost_and_written_again().tail
    for seqno in range(1, tail.last_seqno + 1):
        receipt = tail.receipt(seqno, committed=tail.last_seqno)
        assert receipt is not None
        signed = seqno + seqno % 2
        assert receipt.root() == tail.settled_tree().root(signed)


def test_after_a_rollback_the_next_signature_stores_the_tree_since_the_last() -> None:
    """Past entries are proved by the tree that the next signature stores."""
    ledger = lost_and_written_again()
    entries = ledger.entries()
    assert len(entries) == 2 + 3 + 2, "what was lost was written too"
    kept, signature = map(Transaction.parse, entries[-2:])
    written = signature.domain.write_set
    stored = MerkleTree.deserialise(
        written["public:ccf.internal.tree"][bytes(8)] or b""
    )
    assert (stored.first, len(stored)) == (2, signature.txid.seqno)
    assert stored.leaf(kept.txid.seqno) == kept.leaf


def test_a_backup_comes_to_the_same_state_bytes_and_receipts() -> None:
    primary, backup = Ledger(chunk_bytes=500), Ledger()
    primary.put_credentials()
    for number in range(9):
        primary.put(b"k%d" % (number % 3), b"x" * 100)
        if number % 4 == 3:
            primary.sign()
    runs = primary.runs()
    entries = [entry for run in runs for entry in run.entries]
    facts = backup.take(*entries)
    assert {at: fact for at, fact in enumerate(facts) if fact is not None} == {
        at: EntryFacts(size=len(entries[at]), is_committable=True) for at in (5, 10)
    }
    taken = backup.runs()
    assert [entry for run in taken for entry in run.entries] == entries
    assert ends_of_chunks(taken) == ends_of_chunks(runs) != []
    assert backup.tail.settled_tree().root() == primary.tail.settled_tree().root()
    for seqno in range(1, 11):
        assert backup.tail.receipt(seqno, committed=11) == (
            primary.tail.receipt(seqno, committed=11)
        )


def test_a_backup_refuses_what_is_not_the_next_entry_and_stays_as_it_was() -> None:
    primary, backup = Ledger(), Ledger()
    primary.put_credentials()
    primary.put(b"a", b"1")
    primary.sign()
    first, second, signature = primary.entries()
    backup.take(first)
    damaged = bytearray(second)
    damaged[-1] ^= 1
    for data, view in (
        (first, 2),
        (signature, 2),
        (second, 3),
        (bytes(damaged), 2),
        (second[:-1], 2),
        (b"", 2),
    ):
        with pytest.raises((Malformed, VerificationFailed)):
            backup.take(data, view=view)
    assert backup.tail.last_seqno == 1
    backup.take(second, signature)


def test_a_backup_takes_what_comes_before_an_entry_that_it_refuses() -> None:
    primary, backup = Ledger(), Ledger()
    for number in range(5):
        primary.put(b"k", b"%d" % number)
    entries = primary.entries()
    entries[3] = with_a_bit_changed(entries[3])
    taken: list[EntryFacts | None] = []
    with pytest.raises(VerificationFailed):
        backup.tail.apply(entries, 2, taken)
    assert taken == [None] * 3
    assert backup.tail.last_seqno == 3
    assert backup.entries() == entries[:3]


NEXT_SECRET = b"\x05" * 32


def ledger_with_a_secret_in_its_second_entry() -> Ledger:
    """Return a ledger that is encrypted anew after the entry which says so."""
    ledger = Ledger()

    def rekey(seqno: Seqno, _: Writes) -> None:
        ledger.tail.rekey(NEXT_SECRET, at=seqno)

    ledger.store.on_local("public:ccf.internal.secrets", rekey)
    return ledger


@pytest.mark.parametrize("is_obeyed", [True, False])
def test_what_an_entry_changes_decides_how_the_next_is_opened(
    *, is_obeyed: bool
) -> None:
    backup = ledger_with_a_secret_in_its_second_entry()
    primary = ledger_with_a_secret_in_its_second_entry() if is_obeyed else Ledger()
    primary.put(b"a", b"1")
    tx = primary.tail.begin(read_only=False)
    tx.raw("public:ccf.internal.secrets").put(b"k", b"v")
    primary.tail.append(tx, 2)
    primary.put(b"a", b"2")
    entries = primary.entries()
    if is_obeyed:
        backup.take(*entries)
        assert backup.tail.secrets.at(3).raw == NEXT_SECRET
    else:
        with pytest.raises(VerificationFailed):
            backup.take(*entries)
    assert backup.tail.last_seqno == (3 if is_obeyed else 2)


def test_a_backup_refuses_a_signature_over_another_history() -> None:
    primary, backup = Ledger(), Ledger()
    for ledger in (primary, backup):
        ledger.put_credentials()
    primary.put(b"a", b"1")
    backup.put(b"a", b"2")
    primary.sign()
    with pytest.raises(VerificationFailed, match="another root"):
        backup.take(primary.entries()[-1])


def test_the_stored_tree_begins_at_the_previous_signature() -> None:
    ledger = Ledger()
    for _ in range(2):
        ledger.put(b"a", b"1")
        ledger.sign()
    written = Transaction.parse(ledger.entries()[-1]).domain.write_set
    stored = MerkleTree.deserialise(
        written["public:ccf.internal.tree"][bytes(8)] or b""
    )
    assert (stored.first, len(stored)) == (2, 4)
    assert stored.root() == ledger.tail.settled_tree().root(4)


def test_a_chunk_ends_at_the_first_signature_past_its_size() -> None:
    ledger = Ledger(chunk_bytes=2000)
    ledger.put(b"a", b"x" * 100)
    ledger.sign()
    ledger.put(b"a", b"x" * 2000)
    ledger.sign()
    ledger.put(b"a", b"x")
    ledger.sign()
    assert ends_of_chunks(ledger.runs()) == [4]


def test_a_chunk_can_be_forced_once() -> None:
    ledger = Ledger()
    ledger.put(b"a", b"1")
    ledger.tail.force_chunk()
    ledger.sign()
    ledger.put(b"a", b"1")
    ledger.sign()
    assert ends_of_chunks(ledger.runs()) == [2]


def test_an_entry_may_be_as_large_as_the_bound_and_no_larger() -> None:
    ledger = Ledger()
    ledger.put(b"a", b"x" * 500)
    (entry,) = ledger.entries()
    size = len(entry)
    Ledger(entry_bytes_max=size).put(b"a", b"x" * 500)
    with pytest.raises(EntryTooLarge, match=r"memory\.max_msg_size"):
        Ledger(entry_bytes_max=size - 1).put(b"a", b"x" * 500)


def test_a_new_secret_encrypts_from_the_next_entry_on() -> None:
    ledger = Ledger()
    ledger.put(b"a", b"1")
    old = ledger.tail.secrets.at(1)
    ledger.tail.rekey(b"\x05" * 32, at=1)
    ledger.put(b"a", b"2")
    first, second = (Transaction.parse(entry) for entry in ledger.entries())
    assert first.entry.decrypt(old)
    assert second.entry.decrypt(ledger.tail.secrets.at(2))
    assert ledger.tail.secrets.at(2).raw == b"\x05" * 32


def test_what_is_sealed_together_is_under_the_secret_of_its_place() -> None:
    ledger = Ledger()
    for number in range(6):
        if number == 3:
            ledger.tail.rekey(b"\x05" * 32, at=3)
        ledger.put(b"%d" % number, b"value")
    secrets = ledger.tail.secrets
    assert secrets.at(3) != secrets.at(4)
    read = [Transaction.parse(entry) for entry in ledger.entries()]
    assert [one.txid.seqno for one in read] == [1, 2, 3, 4, 5, 6]
    for number, one in enumerate(read):
        assert one.writes(secrets) == {"map": {b"%d" % number: b"value"}}
        assert one.entry.decrypt(secrets.at(number + 1))


def test_what_is_rolled_back_before_it_was_sealed_is_an_entry_all_the_same() -> None:
    """The host is told of an entry before it is told to drop it."""
    ledger = Ledger()
    for value in (b"1", b"2", b"3"):
        ledger.put(b"a", value)
    ledger.tail.rollback(1, signed=0)
    ledger.put(b"a", b"4")
    written, dropped, again = ledger.outbox.take()
    assert isinstance(written, AppendLedger)
    assert len(written.entries) == 3
    assert dropped == TruncateLedger(seqno=1)
    assert isinstance(again, AppendLedger)
    assert again.first_seqno == 2
    tree = MerkleTree()
    for entry in (written.entries[0], *again.entries):
        tree.append(Transaction.parse(entry).leaf)
    assert ledger.tail.settled_tree().root() == tree.root()


def test_who_led_a_moment_ago_has_its_own_entries_before_those_it_is_sent() -> None:
    primary, other = Ledger(), Ledger()
    for ledger in (primary, other):
        ledger.put(b"a", b"1")
        ledger.put(b"b", b"2")
    other.put(b"c", b"3")
    sent = other.entries()
    primary.take(sent[2])
    assert primary.entries() == sent
    assert primary.tail.settled_tree().root() == other.tail.settled_tree().root()


def test_whoever_looks_finds_what_was_just_ordered() -> None:
    ledger = Ledger()
    ledger.put(b"a", b"1")
    assert len(ledger.tail.settled_tree()) == 2
    ledger.put(b"a", b"2")
    assert ledger.tail.settled_recent().get(2) is not None
    ledger.put(b"a", b"3")
    assert ledger.tail.root_at(3) == ledger.tail.settled_tree().root()
    ledger.put(b"a", b"4")
    ledger.tail.commit_to(4)
    (written, committed) = ledger.outbox.take()
    assert isinstance(written, AppendLedger)
    assert len(written.entries) == 4
    assert committed == CommitLedger(seqno=4)


def test_what_was_put_off_happens_once_and_only_after_a_commit() -> None:
    ledger = Ledger()
    done: list[int] = []
    ledger.tail.begin(read_only=False)
    ledger.tail.after_commit(lambda: done.append(1))
    tx = ledger.tail.begin(read_only=False)
    tx.raw("map").put(b"a", b"1")
    ledger.tail.after_commit(lambda: done.append(2))
    ledger.tail.append(tx, 2)
    ledger.put(b"a", b"2")
    assert done == [2]


def test_receipts_reach_back_as_far_as_the_window_and_by_half_of_it_at_most_beyond(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ccfpy.base.limits.RECEIPT_WINDOW_TX", 4)
    ledger = Ledger()
    for last, first in ((2, 1), (4, 1), (6, 1), (8, 5), (10, 5), (12, 9)):
        ledger.put(b"a", b"1")
        ledger.sign()
        assert ledger.tail.receipt(first - 1, committed=last) is None
        for seqno in range(first, last + 1):
            receipt = ledger.tail.receipt(seqno, committed=last)
            assert receipt is not None
            assert receipt.is_signature_transaction is (seqno % 2 == 0)
            signed = seqno + seqno % 2
            assert receipt.root() == ledger.tail.settled_tree().root(signed)
    ledger.put(b"a", b"1")
    assert ledger.tail.receipt(13, committed=13) is None


def test_entries_are_given_by_seqno() -> None:
    recent = RecentLedger()
    recent.begin_after(7)
    recent.append(b"eight")
    recent.append(b"nine")

    assert [recent.get(seqno) for seqno in range(7, 11)] == [
        None,
        b"eight",
        b"nine",
        None,
    ]


def test_what_is_taken_back_is_forgotten() -> None:
    recent = RecentLedger()
    for data in (b"one", b"two", b"three"):
        recent.append(data)
    recent.signed(2)
    recent.signed(3)
    recent.rollback(2)
    recent.append(b"another")

    assert recent.get(2) == b"two"
    assert recent.get(3) == b"another"
    assert recent.signature_from(1) == 2
    assert recent.signature_from(3) is None


def test_the_oldest_entries_go_when_there_is_too_much() -> None:
    recent = RecentLedger()
    piece = bytes(limits.RECENT_ENTRIES_BYTES_MAX // 4)
    for _ in range(4):
        recent.append(piece)
    assert recent.get(1) is not None

    recent.append(b"x")

    assert [recent.get(seqno) is not None for seqno in range(1, 6)] == [
        False,
        False,
        True,
        True,
        True,
    ]


def test_a_rollback_beyond_what_is_kept_leaves_nothing_wrong_behind() -> None:
    recent = RecentLedger()
    for _ in range(5):
        recent.append(bytes(limits.RECENT_ENTRIES_BYTES_MAX // 4))
    recent.rollback(1)
    recent.append(b"two")

    assert recent.get(1) is None
    assert recent.get(2) == b"two"


def test_the_oldest_signatures_are_forgotten_when_there_are_too_many() -> None:
    recent = RecentLedger()
    for seqno in range(1, limits.SIGNATURES_KNOWN_MAX + 1):
        recent.signed(seqno)
    assert recent.signature_from(1) == 1

    recent.signed(limits.SIGNATURES_KNOWN_MAX + 1)

    half = limits.SIGNATURES_KNOWN_MAX // 2
    assert recent.signatures_since == half + 1
    assert recent.signature_from(half) is None
    assert recent.signature_from(half + 1) == half + 1


@given(st.lists(st.booleans(), max_size=30), st.integers(0, 35), st.integers(1, 35))
def test_the_first_signature_from_a_seqno_is_found(
    signs: list[bool], to: int, seqno: int
) -> None:
    recent = RecentLedger()
    for at, is_signature in enumerate(signs, 1):
        recent.append(b"x")
        if is_signature:
            recent.signed(at)
    recent.rollback(to)

    expected = next(
        (at for at, signed in enumerate(signs, 1) if signed and seqno <= at <= to), None
    )
    assert recent.signature_from(seqno) == expected


INFO_OF_NODE = NodeInfo(
    node_to_node_interface=NetInterface(
        bind_address="127.0.0.1:8001", published_address="127.0.0.1:8001"
    ),
    quote_info=QuoteInfo(
        format=QuoteFormat.INSECURE_VIRTUAL, quote=b"", endorsements=b""
    ),
    encryption_pub_key="PEM",
)


def written(**infos: NodeInfo) -> WriteSet:
    tx = Store().begin()
    for name, info in infos.items():
        INFO.of(tx).put(NodeId(name), info)
    return tx.writes


def test_an_entry_that_says_nothing_of_nodes_has_no_facts() -> None:
    assert facts_of({"map": {b"a": b"1"}}, 7) is None


def test_a_signature_is_one_whatever_it_says_of_nodes() -> None:
    signature = EntryFacts(size=7, is_committable=True)
    assert facts_of({}, 7, is_committable=True) == signature
    nothing = {INFO.name: {b"a": None}}
    assert facts_of(nothing, 7, is_committable=True) == signature


def test_each_status_means_something_else() -> None:
    retired = replace(INFO_OF_NODE, status=NodeStatus.RETIRED)
    facts = facts_of(
        written(
            a=INFO_OF_NODE,
            b=replace(INFO_OF_NODE, status=NodeStatus.TRUSTED),
            c=retired,
            d=replace(retired, retired_committed=True),
        ),
        1,
    )
    assert facts is not None
    assert facts.trusted == {"b"}
    assert facts.retired == {"c"}
    assert facts.retired_committed == {"d"}


def test_a_removed_record_changes_nothing() -> None:
    assert facts_of({INFO.name: {b"a": None}}, 1) == EntryFacts(size=1)


def test_what_is_no_record_of_a_node_is_refused() -> None:
    with pytest.raises(Malformed):
        facts_of({INFO.name: {b"a": b"{}"}}, 1)
