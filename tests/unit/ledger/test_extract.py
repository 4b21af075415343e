"""What a chunk contributes to an audit, read without the chunks before it."""

import pickle
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.ids import TxId
from ccfpy.kv.codec import serialise
from ccfpy.ledger.chunk import Chunk, ChunkName
from ccfpy.ledger.entry import NO_CLAIMS
from ccfpy.ledger.extract import Extract, extract
from ccfpy.ledger.frame import EntryFlags
from ccfpy.ledger.merkle import Frontier, MerkleTree
from ccfpy.ledger.signature import NodeSignature
from ccfpy.ledger.tables import SERVICE_INFO, SIGNATURES, SINGLE_KEY, TREE
from tests.unit.ledger.made import (
    FIRST,
    ISSUED_AT,
    SECOND,
    MadeLedger,
    recovered_ledger,
    small_ledger,
)

SMALL = small_ledger()
FIRST_FILE, SECOND_FILE, OPEN_FILE = SMALL.files()


def extract_of(ledger: MadeLedger, at: int = 0) -> Extract:
    """Extract one of a ledger's chunks, which must be in order."""
    file = ledger.files()[at]
    found = extract(file.name, file.read())
    assert found is not None
    return found


def closed(*write_sets: dict[str, dict[bytes, bytes | None]]) -> MadeLedger:
    """Write a ledger of one closed chunk."""
    ledger = MadeLedger()
    ledger.put(FIRST.create())
    for write_set in write_sets:
        ledger.put(write_set)
    ledger.sign(close=True)
    return ledger


def test_an_extract_tells_where_the_chunk_lies() -> None:
    found = extract_of(SMALL, 1)
    assert (found.file, found.first, found.last) == (SECOND_FILE.name, 6, 8)
    assert (found.first_view, found.last_view) == (2, 2)
    assert found.last_leaf == SMALL.entries[7].leaf


def test_only_what_concerns_trust_is_a_step() -> None:
    steps = extract_of(SMALL).steps
    assert [step.txid for step in steps] == [
        TxId(2, 1),
        TxId(2, 2),
        TxId(2, 3),
        TxId(2, 5),
    ]
    assert [step.is_signature for step in steps] == [False, True, False, True]
    assert SERVICE_INFO in steps[0].write_set
    assert SIGNATURES in steps[1].write_set
    chunk = Chunk.parse(ChunkName.parse(FIRST_FILE.name), FIRST_FILE.read())
    assert [step.position for step in steps] == [
        chunk.positions[seqno - 1] for seqno in (1, 2, 3, 5)
    ]
    assert steps[0].end == steps[1].position
    assert steps[-1].end == chunk.end


def test_the_forests_make_the_ledgers_tree() -> None:
    frontier = Frontier.of(MerkleTree())
    for at in range(2):
        found = extract_of(SMALL, at)
        for step in found.steps:
            for subtree in step.forest:
                frontier.append(subtree)
            assert frontier.root() == SMALL.tree.root(step.txid.seqno)
        for subtree in found.forest:
            frontier.append(subtree)
    assert frontier.root() == SMALL.tree.root(9)


def test_signatures_are_verified_by_the_keys_that_they_show() -> None:
    # By the node that shows its certificate, and by the service that the chunk names.
    assert len(extract_of(SMALL, 0).verified) == 4
    # The second chunk names no service: nobody says by whom its COSE signature is.
    assert len(extract_of(SMALL, 1).verified) == 1
    told = extract(SECOND_FILE.name, SECOND_FILE.read(), [FIRST.certificate.pem])
    assert told is not None
    assert len(told.verified) == 2
    other = extract(SECOND_FILE.name, SECOND_FILE.read(), [SECOND.certificate.pem])
    assert other is not None
    assert len(other.verified) == 1


def test_a_stored_tree_is_held_against_the_leaves_or_summed_up() -> None:
    ledger = small_ledger()
    ledger.sign(close=True)
    ledger.say("five")
    ledger.tree.flush(12)
    ledger.sign(close=True)
    *_, step = extract_of(ledger, 3).steps
    assert step.txid.seqno == 13
    assert step.stored is not None
    assert (step.stored.first, step.stored.root) == (12, None)
    assert step.stored.edge == Frontier.of(tree_of(ledger, 12)).edge()
    stored = extract_of(SMALL, 1).steps[0].stored
    assert stored is not None
    assert (stored.first, stored.edge) == (0, None)
    assert stored.root == SMALL.tree.root(8)


def tree_of(ledger: MadeLedger, size: int) -> MerkleTree:
    """Give the tree of that size that the ledger once had."""
    tree = MerkleTree()
    tree.extend(entry.leaf for entry in ledger.entries[: size - 1])
    return tree


def test_it_can_be_sent_to_another_process() -> None:
    found = extract_of(recovered_ledger())
    assert pickle.loads(pickle.dumps(found)) == found


def test_an_open_chunk_is_left_to_the_plain_auditor() -> None:
    assert extract(OPEN_FILE.name, OPEN_FILE.read()) is None
    assert extract("ledger_9-10", OPEN_FILE.read()) is None


ODD: dict[str, tuple[str, Callable[[], bytes]]] = {
    "no chunk's name": ("readme", FIRST_FILE.read),
    "of another seqno": ("ledger_2-6", FIRST_FILE.read),
    "named longer": ("ledger_1-6", FIRST_FILE.read),
    "named shorter": ("ledger_1-4", FIRST_FILE.read),
    "empty": (FIRST_FILE.name, lambda: b""),
    "cut short": (FIRST_FILE.name, lambda: FIRST_FILE.read()[:-1]),
    "of another version": (
        FIRST_FILE.name,
        lambda: FIRST_FILE.read().replace(b"\x01\x00", b"\x02\x00", 1),
    ),
    "longer": (FIRST_FILE.name, lambda: FIRST_FILE.read() + b"\0"),
}


@pytest.mark.parametrize("odd", ODD)
def test_odd_files_are_left_to_the_plain_auditor(odd: str) -> None:
    name, read = ODD[odd]
    assert extract(name, read()) is None


def test_a_view_that_goes_back_is_left_to_the_plain_auditor() -> None:
    ledger = small_ledger()
    ledger.view = 3
    ledger.say("later")
    ledger.view = 2
    ledger.sign(close=True)
    file = ledger.files()[-1]
    assert extract(file.name, file.read()) is None


def test_a_stored_tree_of_another_ledger_is_left_to_the_plain_auditor() -> None:
    ledger = closed()
    other = MerkleTree([bytes(32)] * 4)
    other.flush(3)
    ledger.say("one")
    ledger.tree = other
    ledger.sign(close=True)
    file = ledger.files()[-1]
    assert extract(file.name, file.read()) is None


def test_a_stored_tree_of_another_size_is_left_to_the_plain_auditor() -> None:
    ledger = closed()
    ledger.say("one")
    tables = FIRST.signer.sign(TxId(2, 4), ledger.tree, issued_at=ISSUED_AT)
    other = tree_of(ledger, 3).serialise()
    ledger.put(
        {**tables, TREE: {SINGLE_KEY: other}}, flags=EntryFlags.CLOSE_CHUNK_AFTER
    )
    file = ledger.files()[-1]
    assert extract(file.name, file.read()) is None


def test_a_view_of_nought_is_left_to_the_plain_auditor() -> None:
    ledger = closed()
    entry = ledger.entries[0]
    assert entry.data[32:36] == (2).to_bytes(4, "little")
    data = entry.data[:32] + bytes(4) + entry.data[36:]
    ledger.entries[0] = entry._replace(data=data)
    file = ledger.files()[0]
    assert extract(file.name, file.read()) is None


def test_signatures_of_old_that_show_no_certificate_are_left_to_the_relay() -> None:
    ledger = closed()
    tables = FIRST.signer.sign(TxId(2, 3), ledger.tree, issued_at=ISSUED_AT)
    value = tables[SIGNATURES][SINGLE_KEY]
    assert value is not None
    bare = replace(NodeSignature.parse(value), certificate=None).serialise()
    ledger.put({SIGNATURES: {SINGLE_KEY: bare}}, flags=EntryFlags.CLOSE_CHUNK_AFTER)
    found = extract_of(ledger, 1)
    assert [step.is_signature for step in found.steps] == [True]
    assert not found.verified


@given(st.binary(max_size=300))
def test_noise_gives_nothing(data: bytes) -> None:
    assert extract("ledger_1-5.committed", data) is None


WRITES: dict[str, dict[str, dict[bytes, bytes | None]]] = {
    "nothing": {},
    "a private map": {"messages": {b"1": b"x"}},
    "one key": {"public:log": {b"1": b"x"}},
    "two keys": {"public:log": {b"1": b"x", b"2": b"y"}},
    "a removal": {"public:log": {b"1": None}},
    "a write and a removal": {"public:log": {b"1": b"x", b"2": None}},
    "two maps": {"public:log": {b"1": b"x"}, "public:other": {b"1": b"x"}},
    "an empty value": {"public:log": {b"": b""}},
    "a value like a size": {"public:log": {b"1": bytes(8)}},
}


@pytest.mark.parametrize("write_set", WRITES)
@pytest.mark.parametrize("flags", EntryFlags(2))
def test_whatever_applications_write_is_but_a_leaf(
    write_set: str, flags: EntryFlags
) -> None:
    ledger = MadeLedger()
    ledger.put(FIRST.create())
    ledger.put(WRITES[write_set], flags=flags, claims=b"c" * 32)
    ledger.sign(close=True)
    found = extract_of(ledger)
    assert [step.txid.seqno for step in found.steps] == [1, 3]
    assert found.steps[1].forest[-1].digest in (
        ledger.entries[1].leaf,
        ledger.tree.subtree(1),
    )


MALFORMED: dict[str, Callable[[bytes], bytes]] = {
    "cut short": lambda public: public[:-1],
    "longer": lambda public: public + b"\0",
    "a private map": lambda public: public.replace(b"public:log", b"private.og"),
    "no name": lambda public: public.replace(b"public:log", b"public:\xff\xff\xff"),
    "a removal missing": lambda public: public[:-8] + (1).to_bytes(8, "little"),
    "countless removals": lambda public: public[:-8] + b"\xff" * 8,
    "an endless name": lambda public: public[:81] + b"\xff" * 8 + public[89:],
    "an endless key": lambda public: public[:-26] + b"\xff" * 8 + public[-18:],
}


@pytest.mark.parametrize("malformed", MALFORMED)
def test_a_malformed_write_set_is_left_to_the_plain_auditor(malformed: str) -> None:
    ledger = MadeLedger()
    ledger.put(FIRST.create())
    txid = ledger.put({"public:log": {b"1": b"x"}})
    public, _ = serialise(
        {"public:log": {b"1": b"x"}},
        version=txid.seqno,
        claims_digest=NO_CLAIMS,
        commit_evidence_digest=bytes(32),
    )
    changed = MALFORMED[malformed](public)
    entry = ledger.entries[-1]
    data = (
        (1 | (36 + len(changed)) << 16).to_bytes(8, "little")
        + entry.data[8:36]
        + len(changed).to_bytes(8, "little")
        + changed
    )
    ledger.entries[-1] = entry._replace(data=data)
    ledger.sign(close=True)
    file = ledger.files()[0]
    assert extract(file.name, file.read()) is None


def test_a_forged_signature_is_left_to_the_plain_auditor() -> None:
    ledger = closed()
    tables = FIRST.signer.sign(TxId(2, 3), ledger.tree, issued_at=1)
    value = tables[SIGNATURES][SINGLE_KEY]
    assert value is not None
    other = value.replace(b'"root":"', b'"root":"00')[: len(value)]
    ledger.put(
        {**tables, SIGNATURES: {SINGLE_KEY: other}},
        flags=EntryFlags.CLOSE_CHUNK_AFTER,
    )
    file = ledger.files()[-1]
    assert extract(file.name, file.read()) is None
