"""The private state comes back: secrets by records, entries into a store apart."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from ccfpy.base import json, limits
from ccfpy.base.errors import CcfpyError, Malformed, VerificationFailed
from ccfpy.boundary.effects import Effect, OpenLedger, ReadLedger
from ccfpy.boundary.events import LedgerRead
from ccfpy.kv.store import Store
from ccfpy.ledger.encrypted_shares import SecretRecord
from ccfpy.ledger.entry import Transaction
from ccfpy.ledger.secrets import LedgerSecret, LedgerSecrets
from ccfpy.ledger.signature import is_signature
from ccfpy.node.lifecycle import NodeState
from ccfpy.node.node import CANNOT_GO_ON
from ccfpy.node.outbox import Outbox
from ccfpy.node.replication.ledger_tail import EntryLimits, LedgerTail
from ccfpy.node.startup.private_recovery import PrivateLedger, SecretRecords
from ccfpy.service.tables.recovery import PAST_SECRETS
from ccfpy.testing.node import InProcessNode, Person
from ccfpy.testing.recovery import ask_for_shares, recover_alone, share_of, submit_share
from ccfpy.testing.surroundings import Alone, Remains, Timed
from tests.damage import with_a_bit_changed
from tests.unit.ledger.sealed import seal
from tests.unit.ledger.test_encrypted_shares import chain
from tests.unit.node.conftest import NOTES, PUBLIC_NOTES, NotesApp
from tests.unit.node.fault_rows import Part, row
from tests.unit.node.recovered import message, read, state, status, wait, write
from tests.unit.node.replication.test_replication import replica_of

Make = Callable[[], InProcessNode]
MISSING = 404
FORBIDDEN = 403
SECRETS = 5


@pytest.fixture
def remains(make_node: Make, members: tuple[Person, ...], alice: Person) -> Remains:
    """What is left of a service with secrets under two ledger secrets."""
    del members
    node = make_node()
    node.open_service(alice)
    for i in range(SECRETS):
        write(node, alice, **{f"a{i}": f"secret {i}"})
    node.propose({"name": "trigger_ledger_rekey"})
    write(node, alice, b="after the rekey", a0="changed")
    node.advance(1000)
    return node.remains()


@pytest.fixture
def waiting(remains: Remains, members: tuple[Person, ...]) -> InProcessNode:
    """A node of a service whose members may hand in their shares."""
    node = recover_alone(remains, NotesApp(), members=members)
    asked = json.loads_object(ask_for_shares(node).body)
    assert asked["proposalState"] == "Accepted"
    return node


class SlowHost(Alone):
    """Keeps reads of the ledger until somebody answers them, once it is told to."""

    def __init__(self) -> None:
        self.is_slow = False
        self.asked: list[ReadLedger] = []

    def take(self, node: Timed, effect: Effect) -> bool:
        if self.is_slow and isinstance(effect, ReadLedger):
            self.asked.append(effect)
            return True
        return super().take(node, effect)


@pytest.fixture
def slow_host() -> SlowHost:
    return SlowHost()


@pytest.fixture
def reading(
    remains: Remains, members: tuple[Person, ...], slow_host: SlowHost
) -> InProcessNode:
    """A node whose host has not answered its first read of private entries."""
    node = recover_alone(remains, NotesApp(), members=members, outside=slow_host)
    ask_for_shares(node)
    slow_host.is_slow = True
    assert submit_share(node, members[0]).status == 200
    wait(node)
    assert len(slow_host.asked) == 1
    return node


def test_everything_is_back_under_every_ledger_secret(
    waiting: InProcessNode, members: tuple[Person, ...]
) -> None:
    assert submit_share(waiting, members[1]).status == 200
    wait(waiting)
    assert state(waiting)["state"] == NodeState.PART_OF_NETWORK
    assert status(waiting) == "Open"
    assert [read(waiting, f"a{i}") for i in range(SECRETS)] == [
        "changed",
        *(f"secret {i}" for i in range(1, SECRETS)),
    ]
    assert read(waiting, "b") == "after the rekey"


@pytest.mark.slow
@row(
    Part.COURSE,
    "the recovered service is lost too",
    "The state of both services is recovered.",
)
def test_a_recovered_service_goes_on_and_is_recovered_again(
    waiting: InProcessNode, members: tuple[Person, ...], alice: Person
) -> None:
    submit_share(waiting, members[1])
    wait(waiting)
    write(waiting, alice, c="of the second service")
    wait(waiting)
    third = recover_alone(waiting.remains(), NotesApp(), members=members, seed=3)
    ask_for_shares(third)
    submit_share(third, members[2])
    wait(third)
    assert status(third) == "Open"
    assert [read(third, name) for name in ("a1", "b", "c")] == [
        "secret 1",
        "after the rekey",
        "of the second service",
    ]


@pytest.mark.newest
def test_users_wait_until_the_private_state_is_there(
    waiting: InProcessNode, members: tuple[Person, ...]
) -> None:
    assert waiting.request("GET", "/app/notes?name=a1").status == MISSING
    submit_share(waiting, members[0])
    wait(waiting)
    assert read(waiting, "a1") == "secret 1"


def test_the_host_learns_that_the_recovery_is_complete_once_it_is(
    waiting: InProcessNode, members: tuple[Person, ...]
) -> None:
    assert OpenLedger() not in waiting.host.effects
    assert waiting.host.recovered_to is not None
    submit_share(waiting, members[0])
    wait(waiting)
    assert waiting.host.effects.count(OpenLedger()) == 1
    assert waiting.host.recovered_to is None


def test_no_snapshot_is_taken_before_and_one_after(
    remains: Remains, members: tuple[Person, ...]
) -> None:
    node = recover_alone(
        remains,
        NotesApp(),
        members=members,
        configure=lambda same: replace(same, snapshot_tx_count=2),
    )
    ask_for_shares(node)
    wait(node)
    assert node.host.snapshots.files == remains.snapshots
    submit_share(node, members[0])
    wait(node)
    assert node.host.snapshots.committed().keys() > remains.snapshots.keys()


@row(
    Part.SHARES,
    "a member submits bytes that are no share",
    "The request is answered with an error. Members start over.",
)
@pytest.mark.parametrize("share", [b"", bytes(44), b"x" * 45])
def test_a_share_that_is_none_opens_nothing_and_members_start_over(
    waiting: InProcessNode, members: tuple[Person, ...], share: bytes
) -> None:
    assert submit_share(waiting, members[0], share).status >= 400
    wait(waiting)
    assert state(waiting)["state"] == NodeState.PART_OF_PUBLIC_NETWORK
    assert status(waiting) == "WaitingForRecoveryShares"
    assert submit_share(waiting, members[0]).status == 200
    wait(waiting)
    assert status(waiting) == "Open"


@row(
    Part.SHARES,
    "a member submits a share before members have voted",
    "The request is refused.",
)
def test_shares_are_not_taken_before_members_asked_for_them(
    remains: Remains, members: tuple[Person, ...]
) -> None:
    node = recover_alone(remains, NotesApp(), members=members)
    refused = submit_share(node, members[0], share_of(node, members[0]))
    assert refused.status == FORBIDDEN
    assert "ServiceNotWaitingForRecoveryShares" in message(refused)


@row(
    Part.SHARES,
    "a member submits a share when the service is open",
    "The request is refused.",
)
def test_a_share_after_the_opening_is_not_taken(
    waiting: InProcessNode, members: tuple[Person, ...]
) -> None:
    share = share_of(waiting, members[1])
    submit_share(waiting, members[0])
    wait(waiting)
    assert submit_share(waiting, members[1], share).status == FORBIDDEN


def test_the_ledger_is_read_a_few_entries_at_a_time(
    waiting: InProcessNode,
    members: tuple[Person, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "RECOVERY_ENTRIES_PER_READ", 3)
    submit_share(waiting, members[0])
    wait(waiting)
    reads = [
        effect for effect in waiting.host.effects if isinstance(effect, ReadLedger)
    ]
    assert sum(effect.last - effect.first < 3 for effect in reads) > SECRETS
    assert read(waiting, "b") == "after the rekey"


def without(told: LedgerRead) -> LedgerRead:
    return replace(told, entries=None)


def changed(told: LedgerRead) -> LedgerRead:
    bent = [with_a_bit_changed(data) for data in told.entries or ()]
    return replace(told, entries=tuple(bent))


def shifted(told: LedgerRead) -> LedgerRead:
    entries = told.entries or ()
    return replace(told, entries=(*entries[1:], entries[0]))


@row(
    Part.PRIVATE,
    "the host provides other entries than before, or none",
    "The node stops, and names the entry.",
)
@pytest.mark.parametrize(
    ("lie", "reason"),
    [
        (without, "Private recovery did not reach public ledger seqno: the host has"),
        (changed, "Failed to deserialise private ledger entry"),
        (shifted, "found entry 2.2"),
    ],
)
def test_a_host_that_lies_stops_the_node(
    reading: InProcessNode,
    slow_host: SlowHost,
    lie: Callable[[LedgerRead], LedgerRead],
    reason: str,
) -> None:
    reading.step(lie(reading.host.read_ledger(slow_host.asked[0])))
    stop = reading.host.stop
    assert stop is not None
    assert stop.exit_code == CANNOT_GO_ON
    assert reason in stop.reason
    assert OpenLedger() not in reading.host.effects


@row(
    Part.PRIVATE,
    "the host provides, as the last entry, another that no signature covers",
    "The node stops: the roots differ.",
)
def test_an_end_that_no_signature_covers_is_held_against_the_public_ledger(
    reading: InProcessNode, slow_host: SlowHost
) -> None:
    """The other entry opens, as one does that a primary lost with an election."""
    entries = reading.host.entries
    reading.propose({"name": "trigger_ledger_chunk"})
    last = Transaction.parse(entries[-1])
    assert not is_signature(last.domain.write_set)
    secret = replica_of(reading).tail.secrets.at(last.txid.seqno)
    slow_host.is_slow = False
    entries[-1] = seal(secret, last.txid, {"notes": {b"a": b"lost"}}).data
    reading.step(reading.host.read_ledger(slow_host.asked[0]))
    stop = reading.host.stop
    assert stop is not None
    assert stop.exit_code == CANNOT_GO_ON
    assert "Root of public store does not match root of private store" in stop.reason
    assert OpenLedger() not in reading.host.effects


def test_progress_is_told_while_the_ledger_is_read(
    reading: InProcessNode, members: tuple[Person, ...], slow_host: SlowHost
) -> None:
    told = state(reading)
    assert told["state"] == NodeState.READING_PRIVATE_LEDGER
    assert told["last_recovered_seqno"] == 0
    assert isinstance(told["recovery_target_seqno"], int)
    assert submit_share(reading, members[1]).status == FORBIDDEN
    slow_host.is_slow = False
    reading.step(reading.host.read_ledger(slow_host.asked[0]))
    wait(reading)
    assert state(reading)["state"] == NodeState.PART_OF_NETWORK
    assert read(reading, "a1") == "secret 1"


def test_a_node_that_has_its_private_state_recovers_nothing(
    waiting: InProcessNode, members: tuple[Person, ...]
) -> None:
    submit_share(waiting, members[0])
    wait(waiting)
    running = replica_of(waiting)
    assert running.recovery is not None
    with pytest.raises(VerificationFailed, match="is PartOfNetwork recovers nothing"):
        running.recovery.restore_secrets(running.begin(read_only=False))


def write_text(node: InProcessNode, person: Person, text: str) -> None:
    """Write a private and a public note, and have them signed."""
    for path in ("notes", "public"):
        response = node.request("PUT", f"/app/{path}", body={"a": text}, person=person)
        assert response.status == 200, response.body
    node.advance(1000)


def take_all(ledger: PrivateLedger, entries: Sequence[bytes]) -> None:
    for data in entries:
        ledger.take(data)


@pytest.fixture
def written(node: InProcessNode, alice: Person) -> InProcessNode:
    write_text(node, alice, "one")
    return node


@pytest.fixture
def tail(written: InProcessNode) -> LedgerTail:
    return replica_of(written).tail


def test_private_maps_alone_are_read(written: InProcessNode, tail: LedgerTail) -> None:
    assert not PrivateLedger(tail, None).is_read
    ledger = PrivateLedger(tail, None)
    take_all(ledger, written.host.entries)
    assert ledger.is_read
    assert ledger.last_seqno == ledger.target == tail.last_seqno
    ledger.check_root()
    ledger.compact(tail.store.committed)
    tx = ledger.store.begin(read_only=True)
    assert NOTES.of(tx).get("a") == "one"
    assert PUBLIC_NOTES.of(tx).get("a") is None


def test_what_is_taken_back_can_be_read_again(
    written: InProcessNode, tail: LedgerTail
) -> None:
    ledger, entries = PrivateLedger(tail, None), written.host.entries
    take_all(ledger, entries)
    ledger.truncate(3)
    assert ledger.last_seqno == 3
    ledger.truncate(4)
    assert ledger.last_seqno == 3
    take_all(ledger, entries[3:])
    ledger.check_root()


HOSTILE: dict[str, Callable[[list[bytes]], bytes]] = {
    "the entry after the next": lambda entries: entries[3],
    "the entry before": lambda entries: entries[1],
    "no entry": lambda _: b"none",
    "an entry that is cut": lambda entries: entries[2][:-1],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_another_entry_is_refused(
    written: InProcessNode, tail: LedgerTail, name: str
) -> None:
    ledger, entries = PrivateLedger(tail, None), written.host.entries
    ledger.take(entries[0])
    ledger.take(entries[1])
    with pytest.raises(CcfpyError):
        ledger.take(HOSTILE[name](entries))
    assert ledger.last_seqno == 2


def test_a_signature_over_another_ledger_is_refused(
    tail: LedgerTail, make_node: Callable[[], InProcessNode], alice: Person
) -> None:
    """Its secrets are the same, since both nodes began with the same entropy."""
    other = make_node()
    other.open_service(alice)
    write_text(other, alice, "two")
    ledger = PrivateLedger(tail, None)
    with pytest.raises(VerificationFailed, match="Root of public store does not match"):
        take_all(ledger, other.host.entries)
    with pytest.raises(VerificationFailed, match="Root of public store does not match"):
        ledger.check_root()


def end_of_ledger(secrets: LedgerSecrets) -> LedgerTail:
    return LedgerTail(
        store=Store(),
        secrets=secrets,
        bounds=EntryLimits(chunk_bytes=1, entry_bytes_max=1),
        outbox=Outbox(),
    )


def record(tail: LedgerTail, written: SecretRecord) -> int:
    tx = tail.store.begin()
    PAST_SECRETS.of(tx).put(written)
    committed = tail.store.commit(tx)
    assert committed is not None
    return committed.version


def test_the_latest_secret_opens_those_that_were_recorded() -> None:
    secrets, written = chain(3)
    tail = end_of_ledger(LedgerSecrets())
    records = SecretRecords(tail)
    records.watch()
    for _, each in written:
        record(tail, each)
    restored = records.restore(secrets[-1])
    assert {secret.raw for _, secret in restored} == {each.raw for each in secrets}


def test_records_that_are_taken_back_are_forgotten() -> None:
    secrets, written = chain(3)
    tail = end_of_ledger(LedgerSecrets())
    records = SecretRecords(tail)
    records.watch()
    first, second, _ = (record(tail, each) for _, each in written)
    records.truncate(second)
    restored = records.restore(secrets[1])
    assert {secret.raw for _, secret in restored} == {each.raw for each in secrets[:2]}
    records.truncate(first - 1)
    with pytest.raises(Malformed, match="no record"):
        records.restore(secrets[0])


def test_a_node_learns_where_the_secret_before_its_own_is_recorded() -> None:
    secrets, written = chain(2)
    current = LedgerSecret(raw=secrets[1].raw)
    tail = end_of_ledger(LedgerSecrets([(9, current)]))
    SecretRecords(tail).watch()
    record(tail, written[0][1])
    assert tail.secrets.latest == (9, current)
    previous = written[1][1].previous
    seqno = record(tail, SecretRecord(previous=previous, next_version=9))
    assert tail.secrets.latest[1].previous_stored == seqno
    record(tail, SecretRecord(previous=previous, next_version=10))
    assert tail.secrets.latest[1].previous_stored == seqno
