"""The state that a node takes from a snapshot, and snapshots that it refuses."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import CcfpyError, Malformed, VerificationFailed
from ccfpy.base.ids import NodeId, TxId
from ccfpy.base.vocabulary import NodeStatus
from ccfpy.consensus.configurations import Configuration
from ccfpy.crypto.hashing import sha256
from ccfpy.kv.snapshot import PublicSnapshot
from ccfpy.kv.store import Store
from ccfpy.ledger.secrets import LedgerSecret, LedgerSecrets
from ccfpy.ledger.snapshot import Snapshot, receipt_bytes
from ccfpy.ledger.tables import SIGNATURES, SINGLE_KEY
from ccfpy.node.snapshots.starting_point import SnapshotRefused, StartingPoint
from ccfpy.service.tables import nodes
from tests.attacks import attack
from tests.unit.kv.plain_snapshot import snapshot_of
from tests.unit.ledger.made import FIRST, SECOND
from tests.unit.ledger.plain_snapshot import write_snapshot
from tests.unit.node.ledger_of_one import LedgerOfOne, node_info
from tests.unit.node.snapshots.test_snapshotter import Files, settle

SERVICE = [FIRST.certificate]


def before_snapshot() -> LedgerOfOne:
    """Make a service whose state at seqno 4 is final."""
    ledger = LedgerOfOne()
    ledger.create()
    ledger.put(secret="kept to ourselves", other="1")
    ledger.put(name="public:notes", open="to all")
    ledger.snapshotter.trigger()
    ledger.sign_and_commit()
    return ledger


def service() -> tuple[LedgerOfOne, bytes]:
    """Make a service, and a snapshot of its state at seqno 4."""
    ledger, files = before_snapshot(), Files()
    settle(ledger, files)
    ledger.sign_and_commit()
    files.take(ledger)
    (data,) = files.final.values()
    return ledger, data


LEDGER, DATA = service()


def made(public: PublicSnapshot) -> bytes:
    """Write a snapshot with another public part, vouched for by the service."""
    ledger, _ = service()
    data = write_snapshot(LedgerSecret(raw=bytes(32)), public, ())
    tx = ledger.begin(read_only=False)
    tx.raw("public:any").put(b"", b"")
    evidence = ledger.commit(tx, sha256(data))
    assert evidence is not None
    ledger.sign_and_commit()
    receipt = ledger.receipt(evidence.seqno, committed=ledger.committed)
    assert receipt is not None
    return data + receipt_bytes(receipt)


def altered(name: str, value: bytes | None) -> bytes:
    """Change one single-value map, or leave it out."""
    public = Snapshot.parse(DATA).public
    maps = [each for each in public.maps if each.name != name]
    if value is not None:
        (old,) = (each for each in public.maps if each.name == name)
        maps.append(old._replace(entries=((SINGLE_KEY, old.version, value),)))
    return made(public._replace(maps=tuple(sorted(maps))))


def test_it_says_where_the_node_starts() -> None:
    start = StartingPoint.read(DATA, SERVICE)
    assert (start.seqno, start.last, start.starts) == (4, TxId(2, 4), (1, 1))
    assert start.configurations == (
        Configuration(seqno=1, nodes=frozenset((FIRST.node,))),
    )
    assert start.signature == LEDGER.signatures[4]


def test_only_trusted_nodes_count_in_its_configuration() -> None:
    """A node that waits has no vote, and one that left has none any more."""
    public = Snapshot.parse(DATA).public
    (before,) = (each for each in public.maps if each.name == nodes.INFO.name)
    encode, describe = nodes.INFO.key_codec.encode, nodes.INFO.value_codec.encode
    others = [
        (encode(NodeId(f"{at:064x}")), 3, describe(node_info(status)))
        for at, status in enumerate(NodeStatus)
    ]
    records = before._replace(version=3, entries=(*before.entries, *others))
    maps = [each for each in public.maps if each is not before]
    data = made(public._replace(maps=tuple(sorted([*maps, records]))))
    trusted = NodeId(f"{list(NodeStatus).index(NodeStatus.TRUSTED):064x}")
    assert StartingPoint.read(data, SERVICE).configurations == (
        Configuration(seqno=3, nodes=frozenset((FIRST.node, trusted))),
    )


def test_state_snapshot_state_and_on_with_equal_roots() -> None:
    start = StartingPoint.read(DATA, SERVICE)
    store = Store()
    start.install(store, LEDGER.secrets)
    other = LedgerOfOne(store=store)
    other.tree = start.tree()
    other.signatures[4] = start.signature
    original = before_snapshot()
    for public in (True, False):
        assert [
            (each.name, each.version, sorted(each.entries))
            for each in snapshot_of(store, 4, public=public)
        ] == [
            (each.name, each.version, sorted(each.entries))
            for each in snapshot_of(original.store, 4, public=public)
        ]
    for ledger in (original, other):
        ledger.put(secret="changed")
        ledger.sign_and_commit()
        ledger.put(more="to come")
        ledger.sign_and_commit()
    assert original.tree.root() == other.tree.root()
    assert [original.entries[at][0].leaf for at in range(5, 9)] == [
        other.entries[at][0].leaf for at in range(5, 9)
    ]


def test_without_secrets_only_public_maps_are_there() -> None:
    store = Store()
    StartingPoint.read(DATA, SERVICE).install(store, None)
    assert store.begin().raw("public:notes").get(b"open") == b"to all"
    assert "notes" not in store.maps
    assert (store.version, store.committed) == (4, 4)


def test_other_secrets_open_nothing_and_leave_the_store_empty() -> None:
    store = Store()
    start = StartingPoint.read(DATA, SERVICE)
    for secrets in (
        LedgerSecrets([(1, LedgerSecret(raw=b"x" * 32))]),
        LedgerSecrets([(5, LedgerSecret(raw=bytes(32)))]),
    ):
        with pytest.raises(SnapshotRefused, match="seqno 4 cannot be read"):
            start.install(store, secrets)
    assert store.version == 0
    assert store.maps == {}


@attack("ledger: a snapshot whose tables a node cannot act upon")
@pytest.mark.parametrize("error", [Malformed("no"), VerificationFailed("no")])
def test_one_whose_tables_a_node_cannot_act_upon_is_refused(error: CcfpyError) -> None:
    """A trusted node vouches for it, and is judged all the same."""

    def refuse(*_: object) -> None:
        raise error

    store = Store()
    store.guard("public:notes", refuse)
    start = StartingPoint.read(DATA, SERVICE)
    with pytest.raises(SnapshotRefused, match="seqno 4 cannot be taken up: no"):
        start.install(store, LEDGER.secrets)
    assert (store.version, store.maps) == (0, {})


@attack("ledger: a snapshot of another service")
def test_the_snapshot_of_another_service_is_refused() -> None:
    with pytest.raises(SnapshotRefused, match="seqno 4 is of another service"):
        StartingPoint.read(DATA, [SECOND.certificate])
    StartingPoint.read(DATA, [SECOND.certificate, FIRST.certificate])


@attack("ledger: a snapshot without a receipt")
def test_one_without_evidence_is_refused() -> None:
    bare = Snapshot.parse(DATA).entry.data
    with pytest.raises(SnapshotRefused, match=r"not vouched for: .* no receipt"):
        StartingPoint.read(bare, SERVICE)


@attack("ledger: a receipt of another seqno")
def test_the_evidence_of_another_snapshot_is_refused() -> None:
    other = made(Snapshot.parse(DATA).public)
    receipt = other[len(Snapshot.parse(other).entry.data) :]
    with pytest.raises(SnapshotRefused, match="for other claims"):
        StartingPoint.read(Snapshot.parse(DATA).entry.data + receipt, SERVICE)


@attack("ledger: a snapshot older than what is there")
def test_one_older_than_the_ledger_is_refused() -> None:
    StartingPoint.read(DATA, SERVICE, ledger_first=5)
    with pytest.raises(SnapshotRefused, match=r"older than the ledger, .* seqno 6"):
        StartingPoint.read(DATA, SERVICE, ledger_first=6)


@pytest.mark.parametrize("data", [b"", b"\0" * 64, DATA[:100]])
def test_what_is_no_snapshot_is_refused(data: bytes) -> None:
    with pytest.raises(SnapshotRefused, match="damaged"):
        StartingPoint.read(data, SERVICE)


@pytest.mark.slow
@attack("ledger: a damaged snapshot")
def test_damage_to_any_byte_is_refused() -> None:
    entry_bytes = len(Snapshot.parse(DATA).entry.data)
    places = {*range(0, len(DATA), 7), *range(60), entry_bytes - 1, entry_bytes}
    for place in sorted(places):
        damaged = bytearray(DATA)
        damaged[place] ^= 0x10
        try:
            start = StartingPoint.read(bytes(damaged), SERVICE)
        except SnapshotRefused:
            continue
        assert place >= entry_bytes, f"byte {place} of the state"
        assert start.snapshot.entry == StartingPoint.read(DATA, SERVICE).snapshot.entry


@given(st.integers(0, len(DATA) - 1))
def test_one_that_is_cut_short_is_refused(length: int) -> None:
    with pytest.raises(SnapshotRefused):
        StartingPoint.read(DATA[:length], SERVICE)


def test_parts_that_do_not_fit_together_are_refused() -> None:
    signature = LEDGER.signatures[4]
    wrong_root = replace(signature, root=bytes(32)).serialise()
    elsewhere = replace(signature, txid=TxId(2, 3)).serialise()
    for name, value, reason in (
        (SIGNATURES, None, "it holds no signature"),
        (SIGNATURES, b"{}", "expected"),
        (SIGNATURES, elsewhere, r"its last signature is 2\.3"),
        (SIGNATURES, wrong_root, "signs another tree's root"),
        (nodes.INFO.name, None, "it holds no nodes"),
    ):
        with pytest.raises(SnapshotRefused, match=f"do not fit together: .*{reason}"):
            StartingPoint.read(altered(name, value), SERVICE)


@pytest.mark.parametrize("starts", [(), (1,), (1, 1, 3), (1, 5), (2, 1)])
def test_views_that_the_signature_does_not_fit_are_refused(
    starts: tuple[int, ...],
) -> None:
    public = Snapshot.parse(DATA).public._replace(view_history=starts)
    with pytest.raises(SnapshotRefused, match="no place in the views"):
        StartingPoint.read(made(public), SERVICE)
