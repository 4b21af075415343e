"""An audit has the same findings, whatever process reads its chunks or resumes it."""

from collections.abc import Callable, Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccfpy.audit.auditor import Auditor, ChunkFile, Finding, Summary, audit
from ccfpy.audit.chunk_reading import ChunkReading, read_chunk
from ccfpy.base.errors import Malformed
from ccfpy.base.ids import TxId
from ccfpy.kv.changes import WriteSet
from ccfpy.ledger.chunk import ChunkName
from ccfpy.ledger.frame import EntryFlags
from ccfpy.ledger.tables import (
    COSE_SIGNATURES,
    NODES_INFO,
    SERVICE_INFO,
    SIGNATURES,
    SINGLE_KEY,
    TREE,
)
from tests.damage import with_a_bit_changed
from tests.unit.audit.plain_reading import read_plainly
from tests.unit.ledger.made import (
    FIRST,
    ISSUED_AT,
    SECOND,
    MadeLedger,
    file,
    recovered_ledger,
    small_ledger,
)


def read_ahead(each: ChunkFile, auditor: Auditor) -> ChunkReading | None:
    """Read as processes do that know the service by now."""
    service = auditor.trust.service
    try:
        name = ChunkName.parse(each.name)
    except Malformed:
        return None
    return read_chunk(name, each.read(), () if service is None else [service.pem])


def plain(each: ChunkFile, _auditor: Auditor) -> ChunkReading | None:
    """Parse every entry as a whole."""
    try:
        name = ChunkName.parse(each.name)
    except Malformed:
        return None
    return read_plainly(name, each.read())


Read = Callable[[ChunkFile, Auditor], ChunkReading | None]


def audited(files: Sequence[ChunkFile], read: Read) -> Iterator[Finding]:
    """Audit chunks that are read in one way."""
    auditor = Auditor()
    for each in files:
        yield from auditor.read(each, read(each, auditor))
        if auditor.is_damaged:
            break
    yield from auditor.finish()


def resumed(files: Sequence[ChunkFile]) -> Iterator[Finding]:
    """Audit chunks read ahead; resume from the auditor's state wherever it has one."""
    auditor = Auditor()
    for each in files:
        state = auditor.state
        if state is not None:
            expected, auditor = auditor.next_seqno, Auditor.resume(state)
            assert auditor.next_seqno == expected
        yield from auditor.read(each, read_ahead(each, auditor))
        if auditor.is_damaged:
            break
    yield from auditor.finish()


def assert_the_same_found(files: Sequence[ChunkFile]) -> list[Finding]:
    """Audit in every manner; return what all of them find."""
    findings = list(audit(files))
    assert list(audited(files, read_ahead)) == findings
    assert list(audited(files, plain)) == findings
    assert list(resumed(files)) == findings
    return findings


LONG = recovered_ledger()
for _at in range(3):
    LONG.say("more")
    LONG.tree.flush(len(LONG.tree) - 2)
    LONG.sign(close=True)
    LONG.put({}, flags=EntryFlags.CLOSE_CHUNK_AFTER)
LONG_FILES = LONG.files()


def test_a_whole_ledger_is_whole() -> None:
    *_, summary = assert_the_same_found(LONG_FILES)
    assert isinstance(summary, Summary)
    assert not summary.is_damaged
    assert summary.service == SECOND.certificate


def test_a_chunk_that_was_read_ahead_is_not_read_again() -> None:
    def unreadable(each: ChunkFile) -> ChunkFile:
        def read() -> bytes:
            raise AssertionError(each.name)

        return ChunkFile(each.name, read)

    files = small_ledger().files()
    by_name = {each.name: each for each in files}
    found = audited(
        [unreadable(each) for each in files],
        lambda each, auditor: read_ahead(by_name[each.name], auditor),
    )
    assert list(found) == list(audit(files))


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(st.data())
def test_of_any_flipped_bit_the_same_is_found(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(LONG_FILES) - 1))
    damaged = bytearray(LONG_FILES[at].read())
    position = data.draw(st.integers(0, len(damaged) - 1))
    damaged[position] ^= 1 << data.draw(st.integers(0, 7))
    files = list(LONG_FILES)
    files[at] = file(files[at].name, bytes(damaged))
    assert_the_same_found(files)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.data())
def test_of_any_cut_the_same_is_found(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(LONG_FILES) - 1))
    whole = LONG_FILES[at].read()
    cut = data.draw(st.integers(0, len(whole) - 1))
    files = list(LONG_FILES)
    files[at] = file(files[at].name, whole[:cut])
    assert_the_same_found(files)


ACTIONS = st.sampled_from(["say", "claim", "sign", "close", "cut", "view", "flush"])


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.lists(ACTIONS, max_size=25), st.data())
def test_of_any_ledger_the_same_is_found_whichever_chunks_are_read_ahead(
    actions: list[str], data: st.DataObject
) -> None:
    ledger = MadeLedger()
    ledger.put(FIRST.create())
    for action in actions:
        act(ledger, action)
    files = ledger.files()
    ahead = data.draw(st.sets(st.sampled_from([each.name for each in files])))
    findings = assert_the_same_found(files)

    def some(each: ChunkFile, auditor: Auditor) -> ChunkReading | None:
        return read_ahead(each, auditor) if each.name in ahead else None

    assert list(audited(files, some)) == findings
    assert isinstance(findings[-1], Summary)
    assert not findings[-1].is_damaged


def act(ledger: MadeLedger, action: str) -> None:
    """Do one thing to a ledger."""
    match action:
        case "say":
            ledger.say("again")
        case "claim":
            ledger.put({"public:log": {b"1": b"x"}}, claims=b"c" * 32)
        case "sign" | "close":
            ledger.sign(close=action == "close")
        case "cut":
            ledger.put({}, flags=EntryFlags.CLOSE_CHUNK_AFTER)
        case "view":
            ledger.view += 1
        case _:
            ledger.tree.flush(len(ledger.tree) * 2 // 3)


def signed(changes: dict[str, bytes | None], *, by: object = FIRST) -> list[ChunkFile]:
    """Sign the small ledger once more, with some tables replaced, and close it."""
    ledger = small_ledger()
    txid = TxId(2, len(ledger.tree))
    tables = by.signer.sign(  # type: ignore[attr-defined] # an Identity
        txid, ledger.tree, issued_at=ISSUED_AT
    )
    for name, value in changes.items():
        if value is None:
            del tables[name]
        else:
            tables[name] = {SINGLE_KEY: value}
    ledger.put(tables, flags=EntryFlags.CLOSE_CHUNK_AFTER)
    ledger.say("after")
    ledger.sign(close=True)
    return ledger.files()


def continued(write_set: WriteSet) -> list[ChunkFile]:
    """Append a transaction to the small ledger, sign and close it."""
    ledger = small_ledger()
    ledger.put(write_set)
    ledger.sign(close=True)
    return ledger.files()


def displaced() -> list[ChunkFile]:
    """Put a signature where it does not belong."""
    ledger = small_ledger()
    txid = TxId(2, len(ledger.tree))
    tables = FIRST.signer.sign(txid, ledger.tree, issued_at=ISSUED_AT)
    ledger.view = 3
    ledger.put(tables, flags=EntryFlags.CLOSE_CHUNK_AFTER)
    return ledger.files()


def backwards() -> list[ChunkFile]:
    """Begin a chunk in an earlier view than the one before."""
    ledger = small_ledger()
    ledger.view = 4
    ledger.sign(close=True)
    ledger.view = 3
    ledger.say("earlier")
    ledger.sign(close=True)
    return ledger.files()


SMALL_FILES = small_ledger().files()
STRANGE: dict[str, tuple[Callable[[], list[ChunkFile]], bool]] = {
    "nothing": (list, False),
    "a gap": (lambda: [SMALL_FILES[0], SMALL_FILES[2]], True),
    "no beginning": (lambda: SMALL_FILES[1:], True),
    "a chunk twice": (lambda: [SMALL_FILES[0], SMALL_FILES[0]], True),
    "not a chunk": (lambda: [file("readme", b"")], True),
    "after an open one": (lambda: [*SMALL_FILES, file("ledger_11", b"")], True),
    "no signature by the service": (lambda: signed({COSE_SIGNATURES: None}), False),
    "no signature by a node": (lambda: signed({SIGNATURES: None}), False),
    "no tree": (lambda: signed({TREE: None}), False),
    "a tree that is none": (lambda: signed({TREE: b"noise"}), True),
    "signed by strangers": (lambda: signed({}, by=SECOND), True),
    "a signature displaced": (displaced, True),
    "a view that goes back": (backwards, True),
    "a removed service": (lambda: continued({SERVICE_INFO: {SINGLE_KEY: None}}), True),
    "a pending node signs": (
        lambda: continued({NODES_INFO: FIRST.node_info("Pending")[NODES_INFO]}),
        True,
    ),
    "a service that changes nothing": (
        lambda: continued(FIRST.service_info("Open")),
        False,
    ),
    "another service's node": (lambda: continued(SECOND.node_info()), True),
}


@pytest.mark.parametrize("strange", STRANGE)
def test_of_strange_ledgers_the_same_is_found(strange: str) -> None:
    files, is_damaged = STRANGE[strange]
    *_, summary = assert_the_same_found(files())
    assert isinstance(summary, Summary)
    assert summary.is_damaged is is_damaged


def test_what_a_stored_tree_says_of_chunks_before_is_checked() -> None:
    other = MadeLedger()
    for _ in range(10):
        other.say("another past")
    stored = [other.tree.serialise(first) for first in (0, 7, 10)]
    for first in (9, 10):
        edge = small_ledger().tree.serialise(first)
        stored.append(with_a_bit_changed(edge))
    for each in stored:
        *_, summary = assert_the_same_found(signed({TREE: each}))
        assert isinstance(summary, Summary)
        assert summary.is_damaged
