"""Nodes serve past states and receipts, whatever their host returns."""

from collections.abc import Callable

import pytest

from ccfpy.app import App, Context, HistoricalState, Json, Map, Mode, json_codec
from ccfpy.base import json
from ccfpy.base.ids import Seqno, TxId
from ccfpy.crypto.certs import Certificate
from ccfpy.http.messages import Request, serialise_request
from ccfpy.ledger.receipt import Receipt
from ccfpy.ledger.secrets import LedgerSecret
from ccfpy.testing.network import Network
from ccfpy.testing.node import InProcessNode, Person
from ccfpy.testing.recovery import ask_for_shares, recover_alone, submit_share
from tests.unit.ledger.made import SECOND, MadeLedger
from tests.unit.node.conftest import CONSTITUTION
from tests.unit.node.history.world import Story, World, recovered
from tests.unit.node.recovered import wait
from tests.unit.node.snapshots.test_snapshotter import fetching, snapshots, trust

app = App("notes")
NOTES = Map("notes", json_codec(int), json_codec(str))
TX_ID = "x-ms-ccf-transaction-id"


@app.put("/notes/{note}")
def keep(ctx: Context, note: int, text: str) -> None:
    """Keep a note."""
    NOTES.of(ctx.tx).put(note, text)


@app.get("/notes/{note}/then", mode=Mode.HISTORICAL)
def read_then(_: Context, state: HistoricalState, note: int) -> Json:
    """Read a note as one transaction wrote it, with the receipt."""
    text = NOTES.of(state.tx).get(note)
    return {"text": text, "receipt": state.receipt.describe_v1()}


def keep_note(node: InProcessNode, user: Person, text: str) -> TxId:
    response = node.request("PUT", f"/app/notes/1?text={text}", person=user)
    assert response.status == 204, response.body
    return TxId.parse(response.headers[TX_ID])


def told(node: InProcessNode, tx_id: TxId) -> str:
    """Ask what a note was, and verify the proof with today's service certificate."""
    response = node.request(
        "GET", "/app/notes/1/then?wait=10000", headers={TX_ID: str(tx_id)}
    )
    assert response.status == 200, response.body
    answer = json.loads_object(response.body)
    receipt = Receipt.parse(json.dumps(answer["receipt"]))
    receipt.verify(Certificate.from_pem(node.service_certificate))
    return str(answer["text"])


@pytest.fixture
def network(members: tuple[Person, ...], alice: Person) -> Network:
    """A service of one node that takes snapshots often."""
    network = Network(
        app, constitution=CONSTITUTION, members=members, configure=fetching
    )
    network.start().open_service(alice)
    network.wait_until(lambda: bool(snapshots(network.nodes[0])))
    return network


def rekey(network: Network) -> None:
    action: Json = {"name": "trigger_ledger_rekey", "args": None}
    assert network.nodes[0].propose(action).status == 200
    network.advance(1000)


def join(network: Network) -> InProcessNode:
    """Make a node join from the latest snapshot; its host has the whole ledger."""
    joiner = network.join()
    trust(network, joiner)
    first, host = network.nodes[0].host, joiner.host
    assert host.after > 0
    host.entries[:0] = first.entries[: host.after]
    host.after = 0
    return joiner


def test_a_backup_tells_what_a_primary_wrote(network: Network, alice: Person) -> None:
    joiner = join(network)
    tx_id = keep_note(network.nodes[0], alice, "to-be-told")
    network.wait_until_settled()

    assert told(joiner, tx_id) == "to-be-told"


@pytest.mark.slow
def test_a_joiner_tells_what_was_before_its_snapshot(
    network: Network, alice: Person
) -> None:
    """Under ledger secrets that nobody gave it."""
    told_of = []
    for text in ("first", "second", "third"):
        told_of.append((keep_note(network.nodes[0], alice, text), text))
        network.advance(1000)
        rekey(network)
    for at in range(30):
        keep_note(network.nodes[0], alice, str(at))
    network.advance(1000)
    joiner = join(network)

    for tx_id, text in reversed(told_of):
        assert told(joiner, tx_id) == text
    assert told(network.nodes[0], told_of[0][0]) == "first"


@pytest.mark.slow
def test_what_waits_behind_another_request_for_the_past_is_told_after_it(
    network: Network, alice: Person
) -> None:
    wanted = [keep_note(network.nodes[0], alice, text) for text in ("one", "two")]
    for at in range(600):
        keep_note(network.nodes[0], alice, str(at))
    network.advance(1000)
    client = join(network).connect(alice)
    answers = client.send(
        b"".join(
            serialise_request(
                Request(
                    method="GET",
                    path="/app/notes/1/then",
                    query="wait=10000",
                    headers={TX_ID: str(tx_id)},
                )
            )
            for tx_id in wanted
        )
    )
    texts = [json.loads_object(answer.body)["text"] for answer in answers]
    assert texts == ["one", "two"]


def serve(members: tuple[Person, ...], alice: Person) -> InProcessNode:
    node = InProcessNode(app, constitution=CONSTITUTION, members=members)
    node.open_service(alice)
    return node


@pytest.mark.slow
def test_a_recovered_service_tells_what_those_before_it_wrote(
    members: tuple[Person, ...], alice: Person
) -> None:
    node = serve(members, alice)
    written = []
    for seed in (101, 102, 103):
        text = f"before-{seed}"
        written.append((keep_note(node, alice, text), text))
        wait(node)
        node = recover_alone(node.remains(), app, members=members, seed=seed)
        ask_for_shares(node)
        submit_share(node, members[0])
        wait(node)

    for tx_id, text in written:
        assert told(node, tx_id) == text


def test_while_it_recovers_it_tells_of_nothing_before(
    members: tuple[Person, ...], alice: Person
) -> None:
    lost = serve(members, alice)
    tx_id = keep_note(lost, alice, "lost")
    wait(lost)
    node = recover_alone(lost.remains(), app, members=members, seed=7)

    response = node.request("GET", f"/node/receipt?transaction_id={tx_id}")

    assert response.status == 404
    assert b"cannot be retrieved until recovery is complete" in response.body


LAST = recovered().last
Lie = Callable[[World], None]


def _another(world: World) -> None:
    world.lies[5] = world.entries[6]


def _swapped(world: World) -> None:
    world.lies[5], world.lies[6] = world.entries[6], world.entries[5]


def _shifted(world: World) -> None:
    for seqno in range(5, LAST):
        world.lies[seqno] = world.entries[seqno + 1]


def _cut(world: World) -> None:
    world.lies[5] = world.entries[5][:-1]


def _empty(world: World) -> None:
    world.lies[5] = b""


def _changed(world: World) -> None:
    data = bytearray(world.entries[5])
    data[-1] ^= 1
    world.lies[5] = bytes(data)


def _missing(world: World) -> None:
    world.lies[5] = None


def _ends_early(world: World) -> None:
    for seqno in range(5, LAST + 1):
        world.lies[seqno] = None


def _of_another_service(world: World) -> None:
    foreign = Story(ledger=MadeLedger(identity=SECOND))
    foreign.ledger.secret = LedgerSecret(raw=b"?" * 32)
    foreign.say(*["text"] * 10)
    world.lies[5] = foreign.ledger.entries[4].data


def _of_a_fork(world: World) -> None:
    """What a former primary of this very service wrote, and lost."""
    lost = Story()
    lost.ledger.view = 3
    lost.say(*["text"] * 10)
    world.lies[5] = lost.ledger.entries[4].data


def _wrong_signature(world: World) -> None:
    world.lies[7] = world.entries[4]


def _changed_signature(world: World) -> None:
    data = bytearray(world.entries[7])
    data[200] ^= 1
    world.lies[7] = bytes(data)


def _signature_missing(world: World) -> None:
    world.lies[7] = None


LIES = [
    _another,
    _swapped,
    _shifted,
    _cut,
    _empty,
    _changed,
    _missing,
    _ends_early,
    _of_another_service,
    _of_a_fork,
    _wrong_signature,
    _changed_signature,
    _signature_missing,
]


@pytest.mark.parametrize("lie", LIES)
def test_nothing_is_made_of_a_lie_and_the_truth_is_taken_afterwards(lie: Lie) -> None:
    world = World(recovered())
    lie(world)
    for _ in range(3):
        assert world.cache.state_at("a", 5) is None
        world.work()
        assert world.cache.is_settled("a")

    world.lies.clear()
    world.cache.state_at("a", 5)
    world.work()
    state = world.cache.state_at("a", 5)

    assert state is not None
    assert state.writes["messages"] == {b"1": b"old one"}
    state.receipt.json_receipt.verify(SECOND.certificate)


@pytest.mark.parametrize("lie", LIES)
def test_a_range_with_a_lie_in_it_does_not_come(lie: Lie) -> None:
    world = World(recovered())
    lie(world)
    world.cache.states_range("a", 1, LAST)
    world.work()

    assert world.cache.states_range("a", 1, LAST) is None


@pytest.mark.parametrize(
    ("lie", "says"),
    [
        (_another, "it claims to be 5 but is actually 2.6"),
        (_cut, "bytes"),
        (_changed, "tag"),
        (_of_a_fork, "it comes from a fork: it contains 3.5"),
        (_changed_signature, "seqno 7"),
    ],
)
def test_what_was_wrong_is_logged_without_its_contents(lie: Lie, says: str) -> None:
    world = World(recovered())
    lie(world)
    world.cache.state_at("a", 5)

    complaint, *_ = world.complaints()

    assert complaint.startswith("Corrupt ledger entry received for seqno ")
    assert says in complaint
    assert "old one" not in complaint


def test_a_signature_that_was_hidden_is_found_when_the_host_is_honest() -> None:
    """It was taken for something else while one looked for it."""
    world = World(recovered())
    world.lies[7] = world.entries[6]
    world.cache.state_at("a", 5)
    assert world.complaints() == [
        (
            "Corrupt ledger entry received for seqno 5: the signature at 4.9 does not "
            "cover entry 5"
        )
    ]

    world.lies.clear()
    world.cache.state_at("a", 5)
    world.work()
    assert world.cache.state_at("a", 5) is not None


@pytest.mark.parametrize(("seqno", "lied"), [(6, 5), (12, 5), (1, 12)])
def test_others_get_what_they_want_meanwhile(seqno: Seqno, lied: Seqno) -> None:
    world = World(recovered())
    world.lies[lied] = b"?"
    world.cache.state_at("honest", seqno)
    world.cache.state_at("lied to", lied)
    world.work()

    assert world.cache.state_at("honest", seqno) is not None
    assert world.cache.state_at("lied to", lied) is None
