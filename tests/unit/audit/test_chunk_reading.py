"""A chunk's contribution to an audit, read without the chunks before it."""

import pickle
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccfpy.audit.chunk_reading import ChunkReading, Fault, read_chunk
from ccfpy.base.ids import TxId
from ccfpy.ledger.chunk import Chunk, ChunkName
from ccfpy.ledger.entry import NO_CLAIMS
from ccfpy.ledger.frame import EntryFlags
from ccfpy.ledger.signature import NodeSignature
from ccfpy.ledger.tables import SERVICE_INFO, SIGNATURES, SINGLE_KEY
from tests.unit.audit.plain_reading import read_plainly
from tests.unit.kv.plain_domains import serialise
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


def reading_of(
    ledger: MadeLedger, at: int = 0, services: list[str] | None = None
) -> ChunkReading:
    """Read one of a ledger's chunks; without services, hold it against the plain."""
    file = ledger.files()[at]
    name, data = ChunkName.parse(file.name), file.read()
    found = read_chunk(name, data, services)
    assert replace(found, verified=frozenset()) == read_plainly(name, data)
    return found


def closed() -> MadeLedger:
    """Write a ledger of one closed chunk."""
    ledger = MadeLedger()
    ledger.put(FIRST.create())
    ledger.sign(close=True)
    return ledger


def test_a_reading_tells_where_the_chunk_lies() -> None:
    found = reading_of(SMALL, 1)
    assert (str(found.name), found.name.first, found.last) == (SECOND_FILE.name, 6, 8)
    assert found.views == [(6, 2)]
    assert found.leaves == [entry.leaf for entry in SMALL.entries[5:8]]


def test_only_what_concerns_trust_is_kept() -> None:
    changes = reading_of(SMALL).changes
    assert [change.txid for change in changes] == [TxId(2, n) for n in (1, 2, 3, 5)]
    assert SERVICE_INFO in changes[0].write_set
    assert SIGNATURES in changes[1].write_set
    chunk = Chunk.parse(ChunkName.parse(FIRST_FILE.name), FIRST_FILE.read())
    assert [change.position for change in changes] == [
        chunk.positions[seqno - 1] for seqno in (1, 2, 3, 5)
    ]
    assert changes[0].end == changes[1].position
    assert changes[-1].end == chunk.end


def test_signatures_are_verified_by_the_keys_that_they_show() -> None:
    assert not reading_of(SMALL, 0).verified
    # By the node that shows its certificate, and by the service that the chunk names.
    assert len(reading_of(SMALL, 0, []).verified) == 4
    # The second chunk names no service: whose key made its COSE signature is unknown.
    assert len(reading_of(SMALL, 1, []).verified) == 1
    assert len(reading_of(SMALL, 1, [FIRST.certificate.pem]).verified) == 2
    assert len(reading_of(SMALL, 1, [SECOND.certificate.pem]).verified) == 1


def test_signatures_of_old_that_show_no_certificate_are_left_to_the_auditor() -> None:
    ledger = closed()
    tables = FIRST.signer.sign(TxId(2, 3), ledger.tree, issued_at=ISSUED_AT)
    value = tables[SIGNATURES][SINGLE_KEY]
    assert value is not None
    bare = replace(NodeSignature.parse(value), certificate=None).serialise()
    ledger.put({SIGNATURES: {SINGLE_KEY: bare}}, flags=EntryFlags.CLOSE_CHUNK_AFTER)
    assert not reading_of(ledger, 1, []).verified


@pytest.mark.parametrize("table", [SIGNATURES, SERVICE_INFO])
def test_a_record_that_is_none_is_left_to_the_auditor(table: str) -> None:
    ledger = closed()
    ledger.put({table: {SINGLE_KEY: b"noise"}})
    ledger.sign(close=True)
    found = reading_of(ledger, 1, [FIRST.certificate.pem])
    assert found.fault is None
    assert len(found.verified) == 2, "those of the signature that holds"


def test_a_reading_can_be_sent_to_another_process() -> None:
    found = reading_of(recovered_ledger(), 0, [])
    assert pickle.loads(pickle.dumps(found)) == found


def test_an_open_chunk_is_read_to_its_last_whole_entry() -> None:
    name, data = ChunkName.parse(OPEN_FILE.name), OPEN_FILE.read()
    assert not read_chunk(name, data).is_complete
    cut = read_chunk(name, data[:-1])
    assert cut.torn_bytes > 0
    assert (cut.fault, cut.last) == (None, read_chunk(name, data).last - 1)


ODD: dict[str, tuple[str, Callable[[], bytes]]] = {
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
def test_of_a_malformed_file_nothing_is_read(odd: str) -> None:
    name, read = ODD[odd]
    found = read_chunk(ChunkName.parse(name), read())
    assert found.fault is not None
    assert found.fault.seqno is None
    assert not found.leaves


def test_a_file_of_another_seqno_ends_at_its_first_entry() -> None:
    found = read_chunk(ChunkName.parse("ledger_2-6"), FIRST_FILE.read())
    assert found.fault == Fault(8, 2, "expected seqno 2, found 1")


def test_each_change_of_view_is_told() -> None:
    ledger = closed()
    for view in (2, 4, 3):  # which the auditor refuses
        ledger.view = view
        ledger.say("later")
    ledger.sign(close=True)
    assert reading_of(ledger, 1).views == [(3, 2), (4, 4), (5, 3)]


def test_a_view_of_nought_is_told() -> None:
    ledger = closed()
    entry = ledger.entries[0]
    assert entry.data[32:36] == (2).to_bytes(4, "little")
    data = entry.data[:32] + bytes(4) + entry.data[36:]
    ledger.entries[0] = entry._replace(data=data)
    assert reading_of(ledger).views[0] == (1, 0)


@given(st.binary(max_size=300))
def test_noise_is_read_as_plainly(data: bytes) -> None:
    for text in ("ledger_1-5.committed", "ledger_1"):
        name = ChunkName.parse(text)
        assert read_chunk(name, data) == read_plainly(name, data)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_chunk_with_any_byte_changed_is_read_as_plainly(data: st.DataObject) -> None:
    file = data.draw(st.sampled_from([FIRST_FILE, SECOND_FILE, OPEN_FILE]))
    name, changed = ChunkName.parse(file.name), bytearray(file.read())
    changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(
        st.integers(0, 255)
    )
    expected = read_plainly(name, bytes(changed))
    assert read_chunk(name, bytes(changed)) == expected


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
    found = reading_of(ledger)
    assert [change.txid.seqno for change in found.changes] == [1, 3]
    assert found.leaves[1] == ledger.entries[1].leaf


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
def test_a_malformed_write_set_ends_the_reading(malformed: str) -> None:
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
    found = reading_of(ledger)
    assert found.fault is not None
    assert (found.fault.seqno, len(found.leaves)) == (2, 1)


def test_a_forged_signature_is_not_among_the_verified() -> None:
    ledger = closed()
    tables = FIRST.signer.sign(TxId(2, 3), ledger.tree, issued_at=1)
    value = tables[SIGNATURES][SINGLE_KEY]
    assert value is not None
    other = value.replace(b'"root":"', b'"root":"00')[: len(value)]
    ledger.put(
        {**tables, SIGNATURES: {SINGLE_KEY: other}},
        flags=EntryFlags.CLOSE_CHUNK_AFTER,
    )
    assert not reading_of(ledger, 1, [FIRST.certificate.pem]).verified
