"""A node recovers the public state of a lost service from its ledger."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pytest

from ccfpy.base import json, limits
from ccfpy.base.errors import CcfpyError, Malformed, VerificationFailed
from ccfpy.base.ids import TxId
from ccfpy.base.json import Json
from ccfpy.boundary.configuration import NodeConfiguration, RecoverConfiguration
from ccfpy.boundary.effects import Effect, ReadSnapshot, RecoverLedger
from ccfpy.boundary.events import SnapshotRead
from ccfpy.kv.store import Store
from ccfpy.ledger.entry import Transaction
from ccfpy.ledger.frame import EntryFlags, read_frame
from ccfpy.ledger.tables import SERVICE_INFO, SINGLE_KEY
from ccfpy.node.lifecycle import NodeState
from ccfpy.node.node import RECOVERY_REFUSED, START_REFUSED
from ccfpy.node.startup.recover import PublicLedger
from ccfpy.testing.node import InProcessNode, Person
from ccfpy.testing.recovery import ask_for_shares, recover_alone, submit_share
from ccfpy.testing.surroundings import Alone, Remains, Timed
from tests.attacks import attack
from tests.unit.ledger.made import (
    FIRST,
    SECOND,
    MadeLedger,
    recovered_ledger,
    small_ledger,
)
from tests.unit.node.conftest import CONSTITUTION, NotesApp
from tests.unit.node.fault_rows import Part, row
from tests.unit.node.recovered import read, state, wait, write

Make = Callable[[], InProcessNode]


@pytest.fixture
def lost(make_node: Make, alice: Person) -> InProcessNode:
    node = make_node()
    node.open_service(alice)
    write(node, alice, a="a secret")
    wait(node)
    return node


@pytest.fixture
def remains(lost: InProcessNode) -> Remains:
    """What is left: the whole ledger, and the snapshot of the service's opening."""
    remains = lost.remains()
    assert remains.snapshots
    return remains


def object_at(node: InProcessNode, path: str) -> Mapping[str, Json]:
    return json.loads_object(node.request("GET", path).body)


def test_a_service_in_its_place_knows_the_public_state_alone(
    lost: InProcessNode, remains: Remains, members: tuple[Person, ...]
) -> None:
    node = recover_alone(remains, NotesApp(), members=members)
    assert state(node)["state"] == NodeState.PART_OF_PUBLIC_NETWORK
    network = object_at(node, "/node/network")
    assert network["service_status"] == "Recovering"
    assert network["recovery_count"] == 1
    assert network["current_view"] == 4
    assert network["service_certificate"] == node.service_certificate
    previous = object_at(node, "/node/service/previous_identity")
    assert previous["previous_service_identity"] == lost.service_certificate


def test_its_first_transaction_ends_the_nodes_of_the_lost_service(
    lost: InProcessNode, remains: Remains, members: tuple[Person, ...]
) -> None:
    node = recover_alone(remains, NotesApp(), members=members)
    nodes = object_at(node, "/node/network/nodes")["nodes"]
    assert isinstance(nodes, list)
    status = {entry["node_id"]: entry["status"] for entry in nodes}  # type: ignore[index,call-overload]
    assert status == {lost.node_id: "Retired", node.node_id: "Trusted"}


def test_its_first_transaction_bears_the_claims_of_the_application(
    remains: Remains, members: tuple[Person, ...]
) -> None:
    node = recover_alone(remains, NotesApp(), members=members)
    last = len(remains.entries)
    created = Transaction.parse(node.host.entries[last])
    assert created.components.claims_digest == b"\x07" * 32
    assert created.txid.seqno == last + 1


def test_it_begins_a_chunk_after_the_last_signature(
    remains: Remains, members: tuple[Person, ...]
) -> None:
    node = recover_alone(remains, NotesApp(), members=members)
    (effect,) = [each for each in node.host.effects if isinstance(each, RecoverLedger)]
    data = node.host.entries[effect.after]
    assert Transaction.parse(data).txid == TxId(4, effect.after + 1)
    assert read_frame(data).flags & EntryFlags.CLOSE_CHUNK_BEFORE


@attack("ledger: an old snapshot with a newer ledger")
@pytest.mark.parametrize("kept", [True, False])
def test_it_recovers_with_a_snapshot_or_without(
    remains: Remains, members: tuple[Person, ...], *, kept: bool
) -> None:
    if not kept:
        remains = replace(remains, snapshots={})
    node = recover_alone(remains, NotesApp(), members=members)
    assert (state(node)["startup_seqno"] != 0) is kept
    ask_for_shares(node)
    submit_share(node, members[0])
    wait(node)
    assert read(node, "a") == "a secret"


@row(
    Part.SNAPSHOT,
    "there is a snapshot and no ledger",
    "All state in the snapshot is recovered.",
)
def test_a_snapshot_alone_is_enough_for_what_it_has(
    make_node: Make, members: tuple[Person, ...], alice: Person
) -> None:
    node = make_node()
    node.open_service(alice)
    write(node, alice, a="a secret")
    node.propose({"name": "trigger_snapshot"})
    wait(node)
    write(node, alice, a="of later")
    wait(node)
    remains = replace(node.remains(), entries=())
    again = recover_alone(remains, NotesApp(), members=members)
    ask_for_shares(again)
    submit_share(again, members[0])
    wait(again)
    assert read(again, "a") == "a secret"


def test_what_was_never_signed_is_lost(
    lost: InProcessNode, members: tuple[Person, ...], alice: Person
) -> None:
    before = len(lost.host.entries)
    write(lost, alice, a="never signed")
    remains = lost.remains()
    assert len(remains.entries) == before + 1
    node = recover_alone(remains, NotesApp(), members=members)
    ask_for_shares(node)
    submit_share(node, members[0])
    wait(node)
    assert read(node, "a") == "a secret"


def test_a_ledger_is_recovered_up_to_what_does_not_hold(
    lost: InProcessNode, members: tuple[Person, ...], alice: Person
) -> None:
    signed = len(lost.host.entries)
    write(lost, alice, a="of later")
    wait(lost)
    remains = lost.remains()
    entries = list(remains.entries)
    entries[signed] = bytes(len(entries[signed]))
    node = recover_alone(
        replace(remains, entries=tuple(entries)), NotesApp(), members=members
    )
    said = [log.message for log in node.host.logs]
    assert any(
        text.startswith(f"Failed to deserialise public ledger entry {signed + 1}")
        for text in said
    )
    ask_for_shares(node)
    submit_share(node, members[0])
    wait(node)
    assert read(node, "a") == "a secret"


@row(
    Part.LEDGER,
    "the ledger has no signature",
    "The node stops, because nobody signed any entry.",
)
def test_a_ledger_without_a_signature_is_no_service(
    remains: Remains, members: tuple[Person, ...]
) -> None:
    bare = replace(remains, entries=remains.entries[:1], snapshots={})
    node = recover_alone(bare, NotesApp(), members=members)
    assert node.host.stop is not None
    assert node.host.stop.exit_code == RECOVERY_REFUSED
    assert node.host.stop.reason == "No signature found after recovery"


@pytest.mark.slow
@attack("ledger: a snapshot of another service")
@row(
    Part.SNAPSHOT,
    "the snapshot is of another service",
    "The node stops: the previous identity does not endorse the signer of the "
    "snapshot.",
)
def test_a_snapshot_of_another_service_stops_it(
    remains: Remains, members: tuple[Person, ...], alice: Person
) -> None:
    other = InProcessNode(
        NotesApp(), constitution=CONSTITUTION, members=members, seed=77
    )
    other.open_service(alice)
    mixed = replace(remains, identity=other.service_certificate)
    node = recover_alone(mixed, NotesApp(), members=members)
    assert node.host.stop is not None
    assert node.host.stop.reason.startswith(
        "Previous service identity does not endorse the node identity that signed the "
        "snapshot"
    )


@attack("ledger: a damaged snapshot")
@row(
    Part.SNAPSHOT,
    "the snapshot is damaged",
    "The node stops, and logs the reason.",
)
def test_a_damaged_snapshot_stops_it(
    remains: Remains, members: tuple[Person, ...]
) -> None:
    torn = {name: data[:-100] for name, data in remains.snapshots.items()}
    node = recover_alone(replace(remains, snapshots=torn), NotesApp(), members=members)
    assert node.host.stop is not None
    assert node.host.stop.exit_code == RECOVERY_REFUSED


@row(
    Part.SNAPSHOT,
    "the host lies about the snapshot's size, or does not provide the snapshot",
    "The node stops, and logs the reason.",
)
@pytest.mark.parametrize(
    ("size", "reason"),
    [
        (limits.SNAPSHOT_BYTES_MAX + 1, f"has {limits.SNAPSHOT_BYTES_MAX + 1} bytes"),
        (0, "has 0 bytes"),
        (10, "the host does not give the snapshot that it has"),
    ],
)
def test_a_host_that_lies_about_its_snapshot_is_not_believed(
    remains: Remains, members: tuple[Person, ...], size: int, reason: str
) -> None:
    class Liar(Alone):
        def take(self, node: Timed, effect: Effect) -> bool:
            if not isinstance(effect, ReadSnapshot):
                return super().take(node, effect)
            asked.append(effect)
            return True

    asked: list[ReadSnapshot] = []
    node = recover_alone(remains, NotesApp(), members=members, outside=Liar())
    while node.host.stop is None:
        question = asked.pop()
        answer = SnapshotRead(
            request=question.request,
            name="snapshot_5_7.committed",
            start=question.start,
            size=size,
            data=b"",
        )
        node.step(answer)
    assert reason in node.host.stop.reason


@row(
    Part.IDENTITY,
    "the node's configuration has no previous identity, or none that the node can read",
    "The node does not start.",
)
@pytest.mark.parametrize(
    ("section", "reason"),
    [
        (None, "command.recover is missing"),
        (
            RecoverConfiguration(previous_service_identity=None),
            "Recovery requires the certificate of the previous service identity",
        ),
        (
            RecoverConfiguration(previous_service_identity=b"no PEM"),
            "the certificate of the previous service identity: ",
        ),
    ],
)
def test_a_node_must_be_told_what_to_recover(
    remains: Remains,
    members: tuple[Person, ...],
    section: RecoverConfiguration | None,
    reason: str,
) -> None:
    def told(configuration: NodeConfiguration) -> NodeConfiguration:
        return replace(configuration, recover=section)

    node = recover_alone(remains, NotesApp(), members=members, configure=told)
    assert node.host.stop is not None
    assert node.host.stop.exit_code == START_REFUSED
    assert node.host.stop.reason.startswith(reason)


def read_public(
    made: MadeLedger, count: int | None = None
) -> tuple[PublicLedger, Store]:
    """Take a ledger's entries: all, or the first few."""
    store = Store()
    ledger = PublicLedger(store)
    for entry in made.entries[:count]:
        ledger.take(entry.data)
    return ledger, store


def take_all(ledger: PublicLedger, entries: Sequence[bytes]) -> None:
    for data in entries:
        ledger.take(data)


def status(store: Store) -> bytes:
    value = store.begin(read_only=True).raw(SERVICE_INFO).get(SINGLE_KEY)
    assert value is not None
    return value


@pytest.mark.parametrize("make", [small_ledger, recovered_ledger])
def test_a_whole_ledger_is_taken_up_to_its_last_signature(
    make: type[MadeLedger],
) -> None:
    made = make()
    ledger, store = read_public(made)
    last = made.signatures[-1].txid
    assert ledger.truncate() == last
    assert ledger.last_seqno == store.version == last.seqno
    assert ledger.tree.root() == made.tree.root()


def test_only_the_public_part_is_taken() -> None:
    _, store = read_public(small_ledger())
    tx = store.begin(read_only=True)
    assert tx.raw("public:log").get(b"1") == b"x"
    assert tx.raw("messages").get(b"1") is None


def test_the_views_of_a_recovered_ledger_are_known() -> None:
    ledger, _ = read_public(recovered_ledger())
    assert ledger.starts == (1, 1, 11, 11)


def test_what_follows_the_last_signature_is_taken_back() -> None:
    made = small_ledger()
    signed, root = made.signatures[-1].txid, made.tree.root()
    made.view = 5
    made.put(FIRST.service_info("Recovering"))
    made.say("nobody's word")
    ledger, store = read_public(made)
    assert b"Recovering" in status(store)
    assert ledger.truncate() == signed
    assert b"Recovering" not in status(store)
    assert (ledger.last_seqno, ledger.tree.root()) == (signed.seqno, root)
    assert ledger.starts == (1, 1)


def test_a_ledger_without_a_signature_holds_nothing_to_go_on_from() -> None:
    ledger, _ = read_public(small_ledger(), 1)
    assert ledger.truncate() is None


def test_an_entry_that_is_not_the_next_is_refused() -> None:
    made = small_ledger()
    ledger, _ = read_public(made, 3)
    with pytest.raises(Malformed, match=r"expected entry 4, found 2\.5"):
        ledger.take(made.entries[4].data)
    ledger.take(made.entries[3].data)


def test_an_entry_of_an_earlier_view_is_refused() -> None:
    made = small_ledger()
    made.view = 1
    made.say("late")
    ledger, _ = read_public(made, 10)
    with pytest.raises(VerificationFailed, match=r"1\.11 is of an earlier view"):
        ledger.take(made.entries[10].data)


def test_a_stranger_cannot_sign() -> None:
    made = small_ledger()
    made.identity = SECOND
    made.say("more")
    made.sign()
    ledger, _ = read_public(made, -1)
    with pytest.raises(VerificationFailed):
        ledger.take(made.entries[-1].data)
    assert ledger.truncate() == TxId(2, 10)


@pytest.mark.parametrize("seqno", [1, 3, 4, 6])
def test_a_changed_entry_is_noticed_at_the_next_signature_at_the_latest(
    seqno: int,
) -> None:
    made = small_ledger()
    data = bytearray(made.entries[seqno - 1].data)
    data[-1] ^= 1
    entries = [entry.data for entry in made.entries]
    entries[seqno - 1] = bytes(data)
    ledger = PublicLedger(Store())
    with pytest.raises(CcfpyError):
        take_all(ledger, entries)
    signed = ledger.truncate()
    assert signed is None or signed.seqno < seqno


def test_an_entry_that_is_left_out_is_noticed() -> None:
    """The host renumbers what follows, which no signature covers."""
    made, forged = small_ledger(), MadeLedger()
    forged.put(FIRST.create())
    forged.sign()
    ledger, _ = read_public(forged)
    forged.say("two")
    ledger.take(forged.entries[2].data)
    with pytest.raises(CcfpyError):
        ledger.take(made.entries[4].data)


def test_nothing_has_changed_when_an_entry_is_refused() -> None:
    made = small_ledger()
    ledger, store = read_public(made, 4)
    before = store.version, len(ledger.tree), ledger.tree.root(), ledger.starts
    for bad in (b"", b"\x00" * 30, made.entries[5].data):
        with pytest.raises(CcfpyError):
            ledger.take(bad)
    assert before == (
        store.version,
        len(ledger.tree),
        ledger.tree.root(),
        ledger.starts,
    )
