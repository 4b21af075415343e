"""An audit by extracts says what the plain audit says, of whatever it is given."""

from collections.abc import Callable, Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccfpy.base.ids import TxId
from ccfpy.kv.changes import WriteSet
from ccfpy.ledger.audit import ChunkFile, Damage, Finding, Summary, audit
from ccfpy.ledger.extract import Extract, extract
from ccfpy.ledger.frame import EntryFlags
from ccfpy.ledger.relay import Relay
from ccfpy.ledger.tables import (
    COSE_SIGNATURES,
    NODES_INFO,
    SERVICE_INFO,
    SIGNATURES,
    SINGLE_KEY,
    TREE,
)
from tests.unit.ledger.made import (
    FIRST,
    ISSUED_AT,
    SECOND,
    MadeLedger,
    file,
    recovered_ledger,
    small_ledger,
)


def own_extract(each: ChunkFile, relay: Relay) -> Extract | None:
    """Extract as an audit does that knows the service by now."""
    return extract(each.name, each.read(), [relay.service] if relay.service else [])


def no_extract(_each: ChunkFile, _relay: Relay) -> None:
    """Leave everything to the plain auditor."""


def relayed(
    files: Sequence[ChunkFile],
    extracted: Callable[[ChunkFile, Relay], Extract | None] = own_extract,
) -> Iterator[Finding]:
    """Audit by extracts."""
    relay = Relay()
    for each in files:
        yield from relay.read(each, extracted(each, relay))
        if relay.is_damaged:
            break
    yield from relay.finish()


def resumed(files: Sequence[ChunkFile]) -> Iterator[Finding]:
    """Audit by extracts, beginning anew from the relay's state before each chunk."""
    relay, since = Relay(), list[ChunkFile]()
    for each in files:
        state, expected = relay.state, relay.next_seqno
        relay = Relay(state)
        for passed in since:
            list(relay.read(passed, own_extract(passed, relay)))
        assert relay.next_seqno == expected
        yield from relay.read(each, own_extract(each, relay))
        if relay.is_damaged:
            break
        since = [*since, each] if relay.state is state else []
    yield from relay.finish()


def assert_the_same_said(files: Sequence[ChunkFile]) -> list[Finding]:
    """Audit in every manner; give what all of them find."""
    findings = list(audit(files))
    assert list(relayed(files)) == findings
    assert list(relayed(files, no_extract)) == findings
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
    *_, summary = assert_the_same_said(LONG_FILES)
    assert isinstance(summary, Summary)
    assert not summary.is_damaged
    assert summary.service == SECOND.certificate


def test_the_extracts_bear_the_whole_audit() -> None:
    def unreadable(each: ChunkFile) -> ChunkFile:
        def read() -> bytes:
            raise AssertionError(each.name)

        return ChunkFile(each.name, read)

    ledger = small_ledger()
    ledger.sign(close=True)
    files = ledger.files()
    by_name = {each.name: each for each in files}
    found = list(
        relayed(
            [unreadable(each) for each in files],
            lambda each, relay: own_extract(by_name[each.name], relay),
        )
    )
    assert found == list(audit(files))


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_of_any_flipped_bit_the_same_is_said(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(LONG_FILES) - 1))
    damaged = bytearray(LONG_FILES[at].read())
    position = data.draw(st.integers(0, len(damaged) - 1))
    damaged[position] ^= 1 << data.draw(st.integers(0, 7))
    files = list(LONG_FILES)
    files[at] = file(files[at].name, bytes(damaged))
    assert_the_same_said(files)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_of_any_cut_the_same_is_said(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(LONG_FILES) - 1))
    whole = LONG_FILES[at].read()
    cut = data.draw(st.integers(0, len(whole) - 1))
    files = list(LONG_FILES)
    files[at] = file(files[at].name, whole[:cut])
    assert_the_same_said(files)


ACTIONS = st.sampled_from(["say", "claim", "sign", "close", "cut", "view", "flush"])


@settings(max_examples=40, deadline=None)
@given(st.lists(ACTIONS, max_size=25), st.data())
def test_of_any_ledger_the_same_is_said_with_any_extracts(
    actions: list[str], data: st.DataObject
) -> None:
    ledger = MadeLedger()
    ledger.put(FIRST.create())
    for action in actions:
        act(ledger, action)
    files = ledger.files()
    kept = data.draw(st.sets(st.sampled_from([each.name for each in files])))
    findings = assert_the_same_said(files)

    def some(each: ChunkFile, relay: Relay) -> Extract | None:
        return own_extract(each, relay) if each.name in kept else None

    assert list(relayed(files, some)) == findings
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
def test_of_strange_ledgers_the_same_is_said(strange: str) -> None:
    files, is_damaged = STRANGE[strange]
    *_, summary = assert_the_same_said(files())
    assert isinstance(summary, Summary)
    assert summary.is_damaged is is_damaged


def test_what_a_stored_tree_says_of_chunks_before_is_checked() -> None:
    other = MadeLedger()
    for _ in range(10):
        other.say("another past")
    stored = [other.tree.serialise(first) for first in (0, 7, 10)]
    for first in (9, 10):
        edge = small_ledger().tree.serialise(first)
        stored.append(edge[:-1] + bytes([edge[-1] ^ 1]))
    for each in stored:
        *_, summary = assert_the_same_said(signed({TREE: each}))
        assert isinstance(summary, Summary)
        assert summary.is_damaged


def test_the_service_is_known_after_the_chunk_that_names_it() -> None:
    relay, known = Relay(), list[str | None]()
    for each, extracted in zip(SMALL_FILES, (own_extract, no_extract), strict=False):
        known.append(relay.service)
        list(relay.read(each, extracted(each, relay)))
    assert [*known, relay.service] == [None, *[FIRST.certificate.pem] * 2]


@pytest.mark.parametrize("ends", [True, False])
def test_a_file_that_changes_while_it_is_audited_is_damage(*, ends: bool) -> None:
    """A chunk not ended by a signature is read again when a later one is blamed."""
    ledger = small_ledger()
    ledger.put({}, flags=EntryFlags.CLOSE_CHUNK_AFTER)
    ledger.say("after")
    *_, changing, last = ledger.files()
    read = [changing.read(), changing.read()[:-1]]
    relay = Relay()
    for each in SMALL_FILES[:2]:
        list(relay.read(each, own_extract(each, relay)))
    later = ChunkFile(changing.name, lambda: read[-1])
    assert list(relay.read(later, extract(changing.name, read[0])))
    found = list(relay.finish() if ends else relay.read(last, None))
    assert isinstance(found[0], Damage)
    assert found[0].file == changing.name
    assert relay.is_damaged
