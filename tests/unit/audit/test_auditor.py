"""The findings of an audit on ledgers that are whole, unfinished, odd or damaged."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccfpy.audit.auditor import (
    Auditor,
    ChunkChecked,
    ChunkFile,
    Damage,
    Finding,
    OpenTail,
    ServiceSeen,
    Summary,
    audit,
)
from ccfpy.base.errors import VerificationFailed
from ccfpy.base.ids import TxId
from ccfpy.base.vocabulary import ServiceStatus
from ccfpy.ledger.chunk import Chunk, ChunkName
from ccfpy.ledger.frame import EntryFlags
from ccfpy.ledger.tables import (
    COSE_SIGNATURES,
    NODES_INFO,
    SERVICE_INFO,
    SIGNATURES,
    SINGLE_KEY,
    TREE,
)
from tests.attacks import attack
from tests.damage import with_a_bit_changed
from tests.unit.ledger.made import (
    FIRST,
    ISSUED_AT,
    SECOND,
    MadeLedger,
    file,
    recovered_ledger,
    small_ledger,
)

SMALL = small_ledger()
SMALL_FILES = SMALL.files()


def damage_in(files: Sequence[ChunkFile]) -> Damage:
    """Audit and give the damage, which must end the findings."""
    *_, damage, summary = audit(files)
    assert isinstance(summary, Summary)
    assert summary.is_damaged
    assert isinstance(damage, Damage), damage
    return damage


def clean(files: Sequence[ChunkFile]) -> list[Finding]:
    """Audit a ledger that must be sound; return all findings except the summary."""
    *findings, summary = audit(files)
    assert isinstance(summary, Summary)
    assert not summary.is_damaged, findings
    return findings


def test_a_whole_ledger_is_read_chunk_by_chunk() -> None:
    *findings, summary = audit(SMALL_FILES)
    chunks = [each for each in findings if isinstance(each, ChunkChecked)]
    assert [(each.first, each.last, each.signatures) for each in chunks] == [
        (1, 5, 2),
        (6, 8, 1),
        (9, 10, 1),
    ]
    assert summary == Summary(
        transactions=10,
        signatures=4,
        last_signed=TxId(2, 10),
        service=FIRST.certificate,
        is_damaged=False,
    )
    assert not [each for each in findings if isinstance(each, Damage | OpenTail)]


def test_each_file_is_read_only_when_its_turn_comes() -> None:
    opened: list[str] = []

    def watched(each: ChunkFile) -> ChunkFile:
        def read() -> bytes:
            opened.append(each.name)
            return each.read()

        return ChunkFile(each.name, read)

    for finding in audit(watched(each) for each in SMALL_FILES):
        if isinstance(finding, ChunkChecked):
            assert opened[-1] == finding.file
    assert opened == [each.name for each in SMALL_FILES]


def test_the_service_and_its_status_are_reported() -> None:
    seen = [each for each in clean(SMALL_FILES) if isinstance(each, ServiceSeen)]
    assert [(each.txid, each.status, each.is_new_identity) for each in seen] == [
        (TxId(2, 1), ServiceStatus.OPENING, True),
        (TxId(2, 3), ServiceStatus.OPEN, False),
    ]


def test_what_follows_the_last_signature_is_a_tail() -> None:
    ledger = small_ledger()
    end = len(ledger.files()[-1].read())
    ledger.say("five")
    ledger.say("six")
    *_, tail = clean(ledger.files())
    assert tail == OpenTail(
        file="ledger_9", position=end, first=11, last=12, torn_bytes=0
    )


def test_a_tail_may_be_a_whole_open_chunk() -> None:
    ledger = small_ledger()
    ledger.sign(close=True)
    ledger.say("five")
    *_, tail = clean(ledger.files())
    assert isinstance(tail, OpenTail)
    assert (tail.file, tail.position) == ("ledger_12", 8)
    assert (tail.first, tail.last) == (12, 12)


def test_a_new_file_without_a_header_yet_is_a_tail() -> None:
    *_, tail = clean([*SMALL_FILES[:2], file("ledger_9", b"")])
    assert isinstance(tail, ChunkChecked)
    *_, tail = clean([*SMALL_FILES[:2], file("ledger_9", b"\0\0\0")])
    assert isinstance(tail, OpenTail)
    assert (tail.first, tail.last, tail.torn_bytes) == (9, 8, 3)


@pytest.mark.slow
@given(st.data())
def test_an_open_chunk_cut_anywhere_is_no_damage(data: st.DataObject) -> None:
    last = SMALL_FILES[-1].read()
    cut = data.draw(st.integers(0, len(last)))
    files = [*SMALL_FILES[:2], file("ledger_9", last[:cut])]
    *findings, summary = audit(files)
    assert isinstance(summary, Summary)
    assert not summary.is_damaged
    assert summary.last_signed in (TxId(2, 8), TxId(2, 10))
    assert cut in (0, 8, len(last)) or isinstance(findings[-1], OpenTail)


@pytest.mark.slow
@attack("ledger: a changed byte")
@settings(max_examples=300)
@given(st.data())
def test_every_flipped_bit_before_the_last_signature_is_found(
    data: st.DataObject,
) -> None:
    at = data.draw(st.integers(0, 1))
    damaged = bytearray(SMALL_FILES[at].read())
    position = data.draw(st.integers(0, len(damaged) - 1))
    damaged[position] ^= 1 << data.draw(st.integers(0, 7))
    files = list(SMALL_FILES)
    files[at] = file(files[at].name, bytes(damaged))
    damage = damage_in(files)
    # The last entry of a chunk is a signature, which only the next one covers.
    assert damage.file in {SMALL_FILES[at].name, SMALL_FILES[at + 1].name}
    assert damage.reason


def test_a_changed_ciphertext_is_blamed_on_its_entry() -> None:
    data = bytearray(SMALL_FILES[1].read())
    chunk = Chunk.parse(ChunkName.parse(SMALL_FILES[1].name), bytes(data))
    where = chunk.positions[1]
    data[chunk.positions[2] - 1] ^= 1
    files = [SMALL_FILES[0], file(SMALL_FILES[1].name, bytes(data)), SMALL_FILES[2]]
    damage = damage_in(files)
    assert (damage.file, damage.position, damage.seqno) == (
        SMALL_FILES[1].name,
        where,
        7,
    )
    assert "not the one that the next signature covers" in damage.reason


def test_a_changed_signature_is_blamed_by_the_next_also_in_the_chunk_before() -> None:
    # Nothing in a signature's entry vouches for its tag; the next signature does.
    data = bytearray(SMALL_FILES[1].read())
    chunk = Chunk.parse(ChunkName.parse(SMALL_FILES[1].name), bytes(data))
    where = chunk.positions[2]
    data[where + 8] ^= 1
    files = [SMALL_FILES[0], file(SMALL_FILES[1].name, bytes(data)), SMALL_FILES[2]]
    damage = damage_in(files)
    assert (damage.file, damage.position, damage.seqno) == (files[1].name, where, 8)


@pytest.mark.parametrize("tree", ["none", "noise", "of another size"])
def test_without_a_tree_to_compare_the_signature_is_blamed(tree: str) -> None:
    ledger = small_ledger()
    stored = {
        "none": {},
        "noise": {TREE: {SINGLE_KEY: b"noise"}},
        "of another size": {TREE: {SINGLE_KEY: ledger.tree.serialise()}},
    }[tree]
    honest = ledger.say("five")
    txid = TxId(2, len(ledger.tree))
    tables = ledger.identity.signer.sign(txid, ledger.tree, issued_at=ISSUED_AT)
    del tables[TREE]
    ledger.put({**tables, **stored})
    entry = ledger.entries[honest.seqno - 1]
    changed = with_a_bit_changed(entry.data)
    ledger.entries[honest.seqno - 1] = entry._replace(data=changed)
    damage = damage_in(ledger.files())
    assert damage.seqno == txid.seqno
    assert "the node signed the root" in damage.reason


def test_a_tail_may_begin_in_a_chunk_that_was_closed() -> None:
    ledger = small_ledger()
    end = len(ledger.files()[-1].read())
    ledger.put({}, flags=EntryFlags.CLOSE_CHUNK_AFTER)
    ledger.say("five")
    *_, tail = clean(ledger.files())
    assert tail == OpenTail(
        file="ledger_9-11.committed", position=end, first=11, last=12, torn_bytes=0
    )


@settings(max_examples=50)
@given(st.lists(st.binary(max_size=60), max_size=3))
def test_noise_is_never_more_than_a_finding(contents: list[bytes]) -> None:
    files = [file(f"ledger_{at}", each) for at, each in enumerate(contents, 1)]
    *_, summary = audit(files)
    assert isinstance(summary, Summary)


ODD_FILES: dict[str, tuple[Callable[[], list[ChunkFile]], str]] = {
    "not a chunk": (lambda: [file("readme", b"")], "not the name of a ledger chunk"),
    "a gap": (
        lambda: [SMALL_FILES[0], SMALL_FILES[2]],
        "expected a chunk from seqno 6, found 9",
    ),
    "no beginning": (lambda: SMALL_FILES[1:], "expected a chunk from seqno 1, found 6"),
    "twice": (
        lambda: [SMALL_FILES[0], SMALL_FILES[0]],
        "expected a chunk from seqno 6, found 1",
    ),
    "after an open one": (
        lambda: [*SMALL_FILES, file("ledger_11", b"")],
        "a chunk follows the open chunk ledger_9",
    ),
    "of another seqno": (
        lambda: [file("ledger_1-3", SMALL_FILES[1].read())],
        "expected seqno 1, found 6",
    ),
    "named longer": (
        lambda: [file("ledger_1-6", SMALL_FILES[0].read())],
        "expected 6 entries as named, found 5",
    ),
}


@attack("ledger: files in another order")
@pytest.mark.parametrize("odd", ODD_FILES)
def test_files_that_do_not_make_a_ledger_are_damage(odd: str) -> None:
    files, reason = ODD_FILES[odd]
    assert reason in damage_in(files()).reason


def test_a_recovery_is_a_new_identity_that_endorses_the_old() -> None:
    seen = [
        each
        for each in clean(recovered_ledger().files())
        if isinstance(each, ServiceSeen)
    ]
    assert [(each.status, each.is_new_identity) for each in seen[2:]] == [
        (ServiceStatus.RECOVERING, True),
        (ServiceStatus.WAITING_FOR_RECOVERY_SHARES, False),
        (ServiceStatus.OPEN, False),
    ]
    assert seen[-1].service == SECOND.certificate


def continued(*write_sets: object) -> list[ChunkFile]:
    """Append transactions to the small ledger and sign them."""
    ledger = small_ledger()
    for write_set in write_sets:
        ledger.put(write_set)  # type: ignore[arg-type] # tables of every test below
    ledger.sign()
    return ledger.files()


def forged(changes: dict[str, bytes | None]) -> list[ChunkFile]:
    """Sign the small ledger once more, with some of the tables replaced."""
    ledger = small_ledger()
    txid = TxId(2, len(ledger.tree))
    tables = ledger.identity.signer.sign(txid, ledger.tree, issued_at=ISSUED_AT)
    for name, value in changes.items():
        if value is None:
            del tables[name]
        else:
            tables[name] = {SINGLE_KEY: value}
    ledger.put(tables)
    return ledger.files()


def other_tables(txid: TxId, ledger: MadeLedger | None = None) -> dict[str, bytes]:
    """Return the signature tables that another service would write."""
    tree = (ledger or small_ledger()).tree
    tables = SECOND.signer.sign(txid, tree, issued_at=ISSUED_AT)
    return {name: writes[SINGLE_KEY] or b"" for name, writes in tables.items()}


def test_a_signature_by_another_service_is_damage() -> None:
    tables = other_tables(TxId(2, 11))
    changes = {COSE_SIGNATURES: tables[COSE_SIGNATURES]}
    assert "signed by the service key" in damage_in(forged({**changes})).reason


def test_a_signature_by_a_node_outside_the_service_is_damage() -> None:
    tables = other_tables(TxId(2, 11))
    changes = {SIGNATURES: tables[SIGNATURES]}
    assert "which is unknown" in damage_in(forged({**changes})).reason


def test_a_signature_without_the_cose_one_is_fine() -> None:
    clean(forged({COSE_SIGNATURES: None}))


def test_a_signature_by_the_service_alone_is_fine() -> None:
    clean(forged({SIGNATURES: None}))


def test_a_signature_that_stores_no_tree_is_fine() -> None:
    clean(forged({TREE: None}))


def test_a_stored_tree_of_another_ledger_is_damage() -> None:
    other = small_ledger()
    stored = bytearray(other.tree.serialise(5))
    stored[-1] ^= 1
    reason = damage_in(forged({TREE: bytes(stored)})).reason
    assert reason == "the stored Merkle tree is not the ledger's"


@pytest.mark.parametrize("first", [3, 100], ids=["of before", "of later"])
def test_a_stored_tree_that_is_none_is_damage(first: int) -> None:
    auditor = Auditor()
    for each in SMALL_FILES:
        list(auditor.read(each))
    auditor._tree.flush(9)
    stored = (1).to_bytes(8, "big") + first.to_bytes(8, "big")
    with pytest.raises(VerificationFailed, match="not the ledger's"):
        auditor._check_tree(stored, auditor._tree.root())


def test_a_stored_tree_that_holds_more_than_was_kept_is_checked_by_its_root() -> None:
    ledger = small_ledger()
    ledger.sign()
    whole = ledger.tree.serialise(0)
    auditor = Auditor()
    for each in ledger.files():
        assert not [f for f in auditor.read(each) if isinstance(f, Damage)]
    auditor._tree.flush(9)
    auditor._check_tree(whole[: 16 + 32 * 12], auditor._tree.root())
    with pytest.raises(Exception, match="not the ledger's"):
        auditor._check_tree(with_a_bit_changed(ledger.tree.serialise(0)), bytes(32))


def test_a_pending_node_may_not_sign() -> None:
    files = continued({NODES_INFO: FIRST.node_info("Pending")[NODES_INFO]})
    assert f"{FIRST.node}, which is Pending" in damage_in(files).reason


def test_a_retired_node_may_still_sign() -> None:
    clean(continued({NODES_INFO: FIRST.node_info("Retired")[NODES_INFO]}))


def test_a_removed_node_may_not_sign() -> None:
    files = continued({NODES_INFO: {FIRST.node.encode(): None}})
    assert "which is unknown" in damage_in(files).reason


def test_a_node_certificate_by_another_service_is_damage() -> None:
    damage = damage_in(continued(SECOND.node_info()))
    assert damage.seqno == 11


@pytest.mark.parametrize(
    ("status", "identity"),
    [("WaitingForRecoveryShares", FIRST), ("Open", SECOND)],
    ids=["a status that cannot follow", "a key that changes without a recovery"],
)
def test_a_service_that_changes_against_the_rules_is_damage(
    status: str, identity: object
) -> None:
    info = identity.service_info(status)  # type: ignore[attr-defined] # an Identity
    assert damage_in(continued(info)).seqno == 11


def test_a_service_record_that_goes_away_is_damage() -> None:
    files = continued({SERVICE_INFO: {SINGLE_KEY: None}})
    assert "removed" in damage_in(files).reason


def test_a_view_that_goes_back_is_damage() -> None:
    ledger = small_ledger()
    ledger.view = 3
    ledger.say("later")
    ledger.view = 2
    ledger.say("earlier")
    ledger.sign()
    assert damage_in(ledger.files()).reason == "view 2 comes after view 3"


def test_a_signature_that_also_writes_an_application_table_is_damage() -> None:
    ledger = small_ledger()
    txid = TxId(2, len(ledger.tree))
    tables = ledger.identity.signer.sign(txid, ledger.tree, issued_at=ISSUED_AT)
    ledger.put({**tables, "public:log": {b"1": b"x"}})
    assert "also writes" in damage_in(ledger.files()).reason


def test_a_signature_moved_to_another_place_is_damage() -> None:
    ledger = small_ledger()
    txid = TxId(2, len(ledger.tree))
    tables = ledger.identity.signer.sign(txid, ledger.tree, issued_at=ISSUED_AT)
    ledger.view = 3
    ledger.put(tables)
    assert damage_in(ledger.files()).reason == ("the signature at 3.11 says it is 2.11")


def test_nothing_is_an_empty_ledger() -> None:
    assert list(audit([])) == [
        Summary(
            transactions=0,
            signatures=0,
            last_signed=None,
            service=None,
            is_damaged=False,
        )
    ]


def test_an_audit_goes_on_from_a_signature_as_if_never_interrupted() -> None:
    ledger = recovered_ledger()
    ledger.sign(close=True)
    ledger.say("five")
    files = ledger.files()
    auditor, findings = Auditor(), list[Finding]()
    for each in files:
        state = auditor.state
        if state is not None:
            auditor = Auditor.resume(state)
            assert auditor.state == state
        findings += auditor.read(each)
    assert auditor.state is None
    assert [*findings, *auditor.finish()] == list(audit(files))


def test_between_signatures_there_is_no_state_to_go_on_from() -> None:
    ledger = small_ledger()
    ledger.put({}, flags=EntryFlags.CLOSE_CHUNK_AFTER)
    auditor = Auditor()
    assert auditor.state is None
    for each in ledger.files():
        list(auditor.read(each))
    assert auditor.state is None
