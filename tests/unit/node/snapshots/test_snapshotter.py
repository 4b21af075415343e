"""The primary takes snapshots when they are due, and other nodes come to trust them."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ccfpy.base import json, limits
from ccfpy.base.ids import Seqno
from ccfpy.boundary.configuration import NodeConfiguration
from ccfpy.boundary.effects import CommitSnapshot, WriteLog, WriteSnapshot
from ccfpy.crypto.certs import Certificate
from ccfpy.kv.snapshot import MapSnapshot
from ccfpy.kv.store import Store
from ccfpy.ledger.snapshot import Snapshot
from ccfpy.ledger.tables import SINGLE_KEY, SNAPSHOT_EVIDENCE
from ccfpy.node.snapshots.starting_point import StartingPoint
from ccfpy.testing.network import Network
from ccfpy.testing.node import InProcessNode, Person
from tests.attacks import attack
from tests.unit.kv.plain_snapshot import snapshot_of
from tests.unit.ledger.made import FIRST
from tests.unit.node.conftest import CONSTITUTION, NotesApp
from tests.unit.node.ledger_of_one import LedgerOfOne


@dataclass
class Files:
    """What a host has of snapshots."""

    pending: dict[tuple[Seqno, Seqno], bytes] = field(default_factory=dict)
    final: dict[tuple[Seqno, Seqno], bytes] = field(default_factory=dict)
    logs: list[str] = field(default_factory=list)

    def take(self, ledger: LedgerOfOne) -> None:
        for effect in ledger.outbox.take():
            match effect:
                case WriteSnapshot():
                    name = effect.seqno, effect.evidence_seqno
                    assert effect.is_first is (name not in self.pending)
                    written = self.pending.get(name, b"")
                    self.pending[name] = written + effect.data
                case CommitSnapshot():
                    name = effect.seqno, effect.evidence_seqno
                    self.final[name] = self.pending.pop(name) + effect.receipt
                case WriteLog():
                    self.logs.append(effect.message)
                case _:
                    raise AssertionError(effect)


def settle(ledger: LedgerOfOne, files: Files) -> None:
    """Work until there is nothing more to do without a commit."""
    for _ in range(20):
        ledger.snapshotter.work()
    files.take(ledger)


def ten_more(ledger: LedgerOfOne) -> Seqno:
    for at in range(9):
        ledger.put(**{f"key{at}": "value"})
    return ledger.sign_and_commit()


@pytest.fixture
def files() -> Files:
    return Files()


def test_a_snapshot_is_taken_every_so_many_transactions_and_becomes_final(
    files: Files,
) -> None:
    ledger = LedgerOfOne()
    ledger.create()
    ledger.put(secret="value")
    assert ledger.sign_and_commit() == 3
    settle(ledger, files)
    assert ledger.ended_chunks == []
    ledger.snapshotter.tick(1000)
    seqno = ten_more(ledger)
    assert ledger.ended_chunks == [seqno]
    ledger.snapshotter.tick(1000 + limits.SNAPSHOT_STEP_MS)
    settle(ledger, files)
    took = ledger.snapshotter.serialised_ms
    assert (sum(took.counts), took.total) == (1, limits.SNAPSHOT_STEP_MS)
    ((taken, evidence),) = files.pending
    assert (taken, evidence) == (seqno, seqno + 1)
    written = json.loads_object(
        ledger.store.begin().raw(SNAPSHOT_EVIDENCE).get(SINGLE_KEY) or b""
    )
    assert written == {
        "hash": Snapshot.parse(files.pending[taken, evidence]).digest.hex(),
        "version": seqno,
    }
    ledger.sign_and_commit()
    settle(ledger, files)
    snapshot = Snapshot.parse(files.final[taken, evidence])
    snapshot.verify(FIRST.certificate)
    assert b"value" not in files.final[taken, evidence]
    assert [each.name for each in snapshot.private_maps(ledger.secrets)] == ["notes"]
    assert snapshot.tree().root() == ledger.tree.root(seqno + 1)
    assert ledger.snapshotter.pending == 0
    assert files.logs == []


def test_the_state_is_that_of_the_signature_whatever_happens_while_it_is_written(
    files: Files,
) -> None:
    ledger = LedgerOfOne()
    ledger.put(key="before")
    ledger.snapshotter.trigger()
    seqno = ledger.sign()
    ledger.put(key="after", other="later")
    ledger.commit_to(ledger.sign())
    ledger.put(key="much later")
    ledger.sign_and_commit()
    settle(ledger, files)
    ledger.sign_and_commit()
    files.take(ledger)
    ((name, data),) = files.final.items()
    assert name[0] == seqno
    (notes,) = Snapshot.parse(data).private_maps(ledger.secrets)
    assert notes.entries == [(b"key", 1, b"before")]


def test_one_that_is_asked_for_does_not_put_off_the_regular_one() -> None:
    ledger = LedgerOfOne()
    for _ in range(5):
        ledger.put(key="value")
    ledger.snapshotter.trigger()
    ledger.sign_and_commit()
    assert ledger.ended_chunks == [6]
    for _ in range(3):
        ledger.put(key="value")
    ledger.sign_and_commit()
    assert ledger.ended_chunks == [6, 10]


def test_of_several_that_become_final_at_once_the_last_is_taken(files: Files) -> None:
    ledger = LedgerOfOne()
    for _ in range(9):
        ledger.put(key="value")
    ledger.sign()
    ledger.snapshotter.trigger()
    ledger.commit_to(ledger.sign())
    assert ledger.ended_chunks == [10, 11]
    settle(ledger, files)
    assert list(files.pending) == [(11, 12)]


def test_one_under_way_is_not_taken_twice(files: Files) -> None:
    ledger = LedgerOfOne()
    for _ in range(9):
        ledger.put(key="value")
    seqno = ledger.sign()
    ledger.put(key="before it is final")
    ledger.sign()
    ledger.commit_to(seqno)
    ledger.put(key="before it is recorded")
    ledger.sign()
    settle(ledger, files)
    ledger.put(key="before its evidence is final")
    ledger.sign_and_commit()
    assert ledger.ended_chunks == [10]


def test_a_backup_takes_none(files: Files) -> None:
    ledger = LedgerOfOne()
    ledger.snapshotter.trigger()
    ledger.put(key="value")
    seqno = ledger.sign()
    ledger.is_primary = False
    ledger.commit_to(seqno)
    settle(ledger, files)
    assert ledger.snapshotter.pending == 0


def test_what_is_not_recorded_when_the_lead_is_lost_is_due_again(files: Files) -> None:
    ledger = LedgerOfOne()
    ten_more(ledger)
    assert ledger.snapshotter.pending == 1
    ledger.is_primary = False
    settle(ledger, files)
    assert ledger.snapshotter.pending == 0
    ledger.is_primary = True
    ledger.put(key="value")
    ledger.sign_and_commit()
    assert ledger.ended_chunks == [10, 12]


def test_evidence_that_another_primary_commits_still_completes_the_file(
    files: Files,
) -> None:
    ledger = LedgerOfOne()
    ten_more(ledger)
    settle(ledger, files)
    seqno = ledger.sign()
    ledger.is_primary = False
    ledger.commit_to(seqno)
    settle(ledger, files)
    assert list(files.final) == [(10, 11)]


def test_evidence_that_is_rolled_back_ends_its_snapshot(files: Files) -> None:
    ledger = LedgerOfOne()
    seqno = ten_more(ledger)
    settle(ledger, files)
    ledger.sign()
    ledger.rollback(seqno)
    assert ledger.snapshotter.pending == 0
    ledger.put(key="value")
    ledger.sign_and_commit()
    settle(ledger, files)
    assert files.final == {}
    assert ledger.ended_chunks == [10, 12], "it is due again"


def test_a_signature_that_is_rolled_back_makes_nothing_due() -> None:
    ledger = LedgerOfOne()
    ledger.put(key="value")
    ledger.sign_and_commit()
    ledger.snapshotter.trigger()
    ledger.sign()
    ledger.rollback(2)
    ledger.sign_and_commit()
    assert ledger.ended_chunks == [3]
    assert ledger.snapshotter.pending == 0


def test_backups_learn_from_evidence_when_the_next_is_due(files: Files) -> None:
    primary, backup = LedgerOfOne(), LedgerOfOne()
    ten_more(primary)
    settle(primary, files)
    backup.store.apply(1, {"notes": {b"key": b"value"}})
    evidence = primary.store.begin().raw(SNAPSHOT_EVIDENCE).get(SINGLE_KEY)
    backup.store.apply(2, {SNAPSHOT_EVIDENCE: {SINGLE_KEY: evidence}})
    assert not backup.snapshotter.note_signature(19)
    assert backup.snapshotter.note_signature(20)
    backup.store.rollback(1)
    backup.snapshotter.on_rollback(1)
    assert backup.snapshotter.note_signature(10)


def test_evidence_of_one_that_was_asked_for_puts_nothing_off() -> None:
    backup = LedgerOfOne()
    value = json.dumps({"hash": "00" * 32, "version": 9})
    backup.store.apply(1, {SNAPSHOT_EVIDENCE: {SINGLE_KEY: value}})
    assert backup.snapshotter.note_signature(10)


def test_evidence_that_is_final_is_not_taken_back() -> None:
    backup = LedgerOfOne()
    value = json.dumps({"hash": "00" * 32, "version": 10})
    backup.store.apply(1, {SNAPSHOT_EVIDENCE: {SINGLE_KEY: value}})
    backup.is_primary = False
    backup.snapshotter.on_commit(1)
    backup.snapshotter.on_rollback(0)
    assert not backup.snapshotter.note_signature(19)


def test_a_node_from_a_snapshot_counts_from_there() -> None:
    ledger = LedgerOfOne()
    ledger.snapshotter.start_from(100)
    assert not ledger.snapshotter.note_signature(109)
    assert ledger.snapshotter.note_signature(110)


def test_none_is_taken_while_a_service_is_recovered() -> None:
    ledger = LedgerOfOne()
    ledger.is_sealed = True
    ten_more(ledger)
    assert ledger.ended_chunks == []
    ledger.is_sealed = False
    ledger.sign_and_commit()
    assert ledger.ended_chunks == [11]


def test_no_more_than_a_few_await_their_evidence(files: Files) -> None:
    ledger = LedgerOfOne(tx_count=2)
    for _ in range(limits.SNAPSHOTS_PENDING_MAX):
        ledger.put(key="value")
        ledger.sign_and_commit()
    assert ledger.snapshotter.pending == limits.SNAPSHOTS_PENDING_MAX
    files.take(ledger)
    assert files.logs == []
    ledger.put(key="value")
    last = ledger.sign_and_commit()
    files.take(ledger)
    assert files.logs == [
        "Skipping new snapshot generation as 5 snapshots are already pending"
    ]
    ledger.sign_and_commit()
    assert ledger.ended_chunks[-1] == last
    for _ in range(limits.SNAPSHOTS_PENDING_MAX):
        settle(ledger, files)
    ledger.sign_and_commit()
    settle(ledger, files)
    assert len(files.final) == limits.SNAPSHOTS_PENDING_MAX


def test_however_often_the_time_is_told_work_leaves_time_to_requests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "SNAPSHOT_WRITE_BYTES_MAX", 100)
    ledger = LedgerOfOne()
    ten_more(ledger)
    written = []
    for now_ms in range(1000, 1101):
        ledger.snapshotter.tick(now_ms)
        written += [now_ms] * len(ledger.outbox.take())
    assert written[:3] == [1010, 1020, 1030]
    assert len(written) == len(set(written))
    assert all(now_ms % limits.SNAPSHOT_STEP_MS == 0 for now_ms in written)


def test_without_its_receipt_a_snapshot_is_given_up(files: Files) -> None:
    ledger = LedgerOfOne()
    ten_more(ledger)
    settle(ledger, files)
    ledger.entries.clear()
    ledger.sign_and_commit()
    settle(ledger, files)
    assert ledger.snapshotter.pending == 0
    assert files.logs == [
        "No receipt is left for the snapshot at 10, whose evidence is at 11"
    ]


def test_a_large_snapshot_is_written_over_many_steps_and_in_pieces(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "SNAPSHOT_WRITE_BYTES_MAX", 1000)
    monkeypatch.setattr(limits, "SNAPSHOT_KEYS_PER_STEP", 100)
    ledger = LedgerOfOne()
    ledger.store.apply(
        1, {"many": {str(at).encode(): b"value" * 10 for at in range(3000)}}
    )
    ledger.tree.append(bytes(32))
    ledger.snapshotter.trigger()
    ledger.sign_and_commit()
    steps = writes = 0
    while ledger.snapshotter.pending and steps < 1000:
        ledger.snapshotter.work()
        effects = ledger.outbox.take()
        writes += len(effects)
        assert len(effects) <= 1
        assert all(
            isinstance(effect, WriteSnapshot) and len(effect.data) <= 1000
            for effect in effects
        )
        steps += 1
        if not effects and writes:
            break
    assert steps - writes > 3000 / 256
    assert writes > 100
    ledger.sign_and_commit()
    (final,) = ledger.outbox.take()
    assert isinstance(final, CommitSnapshot)


TX_COUNT = 4


def state_of(store: Store, seqno: Seqno) -> list[tuple[str, Seqno, object]]:
    def sorted_(each: MapSnapshot) -> tuple[str, Seqno, object]:
        return each.name, each.version, sorted(each.entries)

    return [
        sorted_(each)
        for public in (True, False)
        for each in snapshot_of(store, seqno, public=public)
    ]


class Life(RuleBasedStateMachine):
    """A node that leads and follows, commits and rolls back."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = LedgerOfOne(tx_count=TX_COUNT)
        self.ledger.create()
        self.files = Files()
        self.states: dict[Seqno, object] = {}
        self.checked = 0

    @rule(value=st.integers())
    def write(self, value: int) -> None:
        if self.ledger.is_primary:
            self.ledger.put(key=str(value))

    @rule()
    def sign(self) -> None:
        if self.ledger.is_primary:
            seqno = self.ledger.sign()
            self.states[seqno] = state_of(self.ledger.store, seqno)

    @rule(data=st.data())
    def commit(self, data: st.DataObject) -> None:
        later = [s for s in self.ledger.signatures if s > self.ledger.committed]
        if later:
            self.ledger.commit_to(data.draw(st.sampled_from(later)))

    @rule()
    def work(self) -> None:
        self.ledger.snapshotter.work()

    @rule()
    def trigger(self) -> None:
        self.ledger.snapshotter.trigger()

    @precondition(lambda self: self.ledger.is_primary)
    @rule(data=st.data())
    def follow(self, data: st.DataObject) -> None:
        ledger = self.ledger
        ledger.is_primary = False
        to = data.draw(st.integers(max(ledger.committed, 1), ledger.store.version))
        if to < ledger.store.version:
            ledger.rollback(to)

    @precondition(lambda self: not self.ledger.is_primary)
    @rule()
    def lead(self) -> None:
        self.ledger.is_primary = True

    @invariant()
    def few_are_pending(self) -> None:
        assert self.ledger.snapshotter.pending <= limits.SNAPSHOTS_PENDING_MAX

    @invariant()
    def what_is_final_is_true(self) -> None:
        self.files.take(self.ledger)
        for (seqno, evidence), data in list(self.files.final.items())[self.checked :]:
            self.checked += 1
            assert evidence < self.ledger.committed
            assert seqno in self.ledger.ended_chunks
            start = StartingPoint.read(data, [FIRST.certificate])
            assert start.seqno == seqno
            store = Store()
            start.install(store, self.ledger.secrets)
            assert state_of(store, seqno) == self.states[seqno]

    def teardown(self) -> None:
        """In the end, left in peace, the node has a snapshot that is recent enough."""
        ledger = self.ledger
        ledger.is_primary = True
        for _ in range(3 * TX_COUNT):
            ledger.put(key="end")
            ledger.sign()
            self.states[ledger.store.version] = state_of(
                ledger.store, ledger.store.version
            )
            ledger.commit_to(ledger.store.version)
            settle(ledger, self.files)
        self.what_is_final_is_true()
        newest = max(seqno for seqno, _ in self.files.final)
        assert ledger.committed - newest <= 2 * TX_COUNT
        assert self.files.logs == [] or "Skipping" in self.files.logs[0]


TestLife = pytest.mark.slow(Life.TestCase)
TestLife.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


NODES_TX_COUNT = 10
Configure = Callable[[NodeConfiguration], NodeConfiguration]


def fetching(configuration: NodeConfiguration) -> NodeConfiguration:
    """Take snapshots often, and start from a peer's."""
    join = configuration.join
    if join is not None:
        join = replace(join, fetch_recent_snapshot=True)
    return replace(configuration, snapshot_tx_count=NODES_TX_COUNT, join=join)


def snapshots(node: InProcessNode) -> dict[str, bytes]:
    return node.host.snapshots.committed()


def service(
    members: tuple[Person, ...], user: Person, configure: Configure = fetching
) -> Network:
    network = Network(
        NotesApp(), constitution=CONSTITUTION, members=members, configure=configure
    )
    first = network.start()
    first.open_service(user)
    first.request("PUT", "/app/notes", body={"kept": "to ourselves"}, person=user)
    network.wait_until(lambda: bool(snapshots(first)))
    write(network, user, 2 * NODES_TX_COUNT)
    return network


def living(network: Network) -> InProcessNode:
    return next(node for node in network.nodes if network.is_alive(node))


def write(network: Network, user: Person, count: int) -> None:
    """Write through the first living node, and let a snapshot be taken."""
    client = living(network).connect(user)
    for at in range(count):
        answer = client.request("PUT", "/app/notes", body={"at": str(at)})
        assert answer.status == 200, answer.body
    network.advance(1000)


def trust(network: Network, joiner: InProcessNode) -> None:
    primary = living(network)
    path = f"/node/network/nodes/{joiner.node_id}"
    network.wait_until(lambda: primary.request("GET", path).status == 200)
    # Requests are numbered by node in these tests, and remembered by service.
    primary._created_at = max(node._created_at for node in network.nodes) + 1
    decided = primary.propose(
        {
            "name": "transition_node_to_trusted",
            "args": {"node_id": joiner.node_id, "valid_from": "250615000000Z"},
        }
    )
    assert decided.status == 200, decided.body
    network.wait_until(lambda: is_level(joiner, living(network)))


def is_level(node: InProcessNode, first: InProcessNode) -> bool:
    return bool(node.host.commit) and node.host.commit == first.host.commit


@pytest.fixture
def network(members: tuple[Person, ...], alice: Person) -> Network:
    return service(members, alice)


def test_a_service_has_a_snapshot_from_when_it_opened_and_regular_ones(
    network: Network,
) -> None:
    (first,) = network.nodes
    identity = [Certificate.from_pem(first.service_certificate)]
    starts = [StartingPoint.read(d, identity) for d in snapshots(first).values()]
    seqnos = [start.seqno for start in starts]
    assert seqnos == sorted(set(seqnos))
    assert len(seqnos) >= 2
    assert first.host.snapshots.files == snapshots(first), "none is left unfinished"
    assert all(b"to ourselves" not in data for data in snapshots(first).values())


def test_an_idle_service_takes_none(network: Network) -> None:
    (first,) = network.nodes
    before = len(first.host.entries)
    network.advance(10_000)
    assert len(first.host.entries) == before


def test_a_joiner_starts_from_the_peers_latest_and_goes_on_alike(
    network: Network, alice: Person
) -> None:
    first = network.nodes[0]
    name = list(snapshots(first))[-1]
    joiner = network.join()
    network.wait_until(lambda: bool(snapshots(joiner)))
    assert snapshots(joiner) == {name: snapshots(first)[name]}
    trust(network, joiner)
    start = int(name.split("_")[1])
    assert joiner.host.after == start
    write(network, alice, 5)
    network.wait_until(lambda: is_level(joiner, first))
    assert joiner.host.entries == first.host.entries[start:]
    for asked, told in (("kept", b'"to ourselves"'), ("at", b'"4"')):
        answer = joiner.request("GET", f"/app/notes?name={asked}", person=alice)
        assert answer.body == told
    replicas = [node.trusted.running for node in network.nodes]
    roots = {running.tail.root_at(first.host.commit) for running in replicas if running}
    assert len(roots) == 1


@pytest.mark.slow
def test_the_next_primary_takes_the_next(network: Network, alice: Person) -> None:
    first = network.nodes[0]
    for _ in range(2):
        joiner = network.join()
        network.wait_until(lambda node=joiner: bool(snapshots(node)))  # type: ignore[misc]  # bound at once
        trust(network, joiner)
    others = network.nodes[1:]
    had = {name for node in network.nodes for name in snapshots(node)}
    network.kill(first)
    network.wait_until(
        lambda: any(n.trusted.running and n.trusted.running.is_primary for n in others)
    )
    network.advance(1000)
    write(network, alice, 2 * NODES_TX_COUNT)
    new = {name for node in others for name in snapshots(node)} - had
    assert new
    late = network.join(others[0])
    network.wait_until(lambda: bool(snapshots(late)))
    assert snapshots(late).keys() <= new
    trust(network, late)
    assert late.host.entries == others[0].host.entries[-len(late.host.entries) :]


def test_a_backup_sends_a_joiner_to_the_primary(
    network: Network, alice: Person
) -> None:
    first = network.nodes[0]
    backup = network.join()
    network.wait_until(lambda: bool(snapshots(backup)))
    trust(network, backup)
    write(network, alice, 2 * NODES_TX_COUNT)
    late = network.join(backup)
    network.wait_until(lambda: bool(snapshots(late)))
    assert list(snapshots(late)) == list(snapshots(first))[-1:]
    assert list(snapshots(late)) != list(snapshots(backup))


def unreachable(configuration: NodeConfiguration) -> NodeConfiguration:
    """Make a joiner reach nobody, so that its own snapshots are what there is."""
    configuration = fetching(configuration)
    join = configuration.join
    if join is not None:
        join = replace(join, target_rpc_address="127.0.0.1:9")
    return replace(configuration, join=join)


@attack("ledger: a snapshot without a receipt", "without evidence")
@attack("ledger: a snapshot of another service", "of another service")
@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("nulled", "the snapshot is damaged"),
        ("without evidence", "carries no receipt"),
        ("of another service", "is of another service"),
    ],
)
def test_a_joiner_whose_own_snapshot_must_not_be_used_stops_and_says_why(
    members: tuple[Person, ...], alice: Person, kind: str, reason: str
) -> None:
    network = service(members, alice, unreachable)
    name, data = list(snapshots(network.nodes[0]).items())[-1]
    certificate: str | None = None
    match kind:
        case "nulled":
            data = bytes(len(data))
        case "without evidence":
            data = Snapshot.parse(data).entry.data
        case _:
            certificate = FIRST.certificate.pem
    joiner = network.join(service_certificate=certificate)
    joiner.host.snapshots.files[name] = data
    network.wait_until(lambda: joiner.host.stop is not None)
    assert joiner.host.stop is not None
    assert joiner.host.stop.exit_code == 1
    assert f"the local snapshot {name}: " in joiner.host.stop.reason
    assert reason in joiner.host.stop.reason
