"""Whole nodes keep indexes: primaries, backups, late joiners, recovered services."""

from collections.abc import Iterator

import pytest

from ccfpy.app import (
    U64,
    Answer,
    App,
    Blobs,
    Context,
    Index,
    Json,
    Lazy,
    Map,
    Mode,
    Response,
    SeqnosByKey,
    SeqnosByKeyBucketed,
    empty_reply,
    json_codec,
    not_yet,
    sha256,
)
from ccfpy.base import json
from ccfpy.base.ids import Seqno, TxId
from ccfpy.boundary.effects import StoreBlob
from ccfpy.testing.network import Network
from ccfpy.testing.node import InProcessNode, Person
from ccfpy.testing.recovery import ask_for_shares, recover_alone, submit_share
from tests.unit.node.conftest import CONSTITUTION
from tests.unit.node.history.test_state_cache_nodes import join
from tests.unit.node.snapshots.test_snapshotter_nodes import fetching, snapshots, trust

app = App("notes")
NOTES = Map("public:notes", json_codec(int), json_codec(str))
SECRETS = Map("secrets", json_codec(int), json_codec(str))
TX_ID = "x-ms-ccf-transaction-id"
ON_DEMAND: Index[SeqnosByKey[int]] = Index()


@app.index
def notes_index(blobs: Blobs) -> SeqnosByKeyBucketed[int]:
    """Index public notes, as they are committed."""
    return SeqnosByKeyBucketed(NOTES, blobs, seqnos_per_bucket=10)


@app.index
def secrets_index(_: Blobs) -> Lazy[SeqnosByKey[int]]:
    """Index private ones, when somebody asks."""
    return Lazy(SeqnosByKey(SECRETS))


@app.put("/notes/{note}")
def keep(ctx: Context, note: U64) -> None:
    """Keep a note, public and private."""
    NOTES.of(ctx.tx).put(note, "kept")
    SECRETS.of(ctx.tx).put(note, "kept")


@app.get("/notes/{note}/seqnos")
def written(ctx: Context, note: U64, last: U64) -> Json | Answer:
    """List where a note was written."""
    index = notes_index.of(ctx.node)
    seqnos = index.write_txs_in_range(note, max(last - 90, 1), last)
    if seqnos is None:
        return not_yet(
            ctx,
            "Indexing.",
            lambda: index.write_txs_in_range(note, last - 9, last) is not None,
        )
    return [*seqnos]


@app.get("/secrets/{note}/seqnos")
def written_in_private(ctx: Context, note: U64, last: U64) -> Json | Answer:
    """List where a private note was written."""
    index = secrets_index.of(ctx.node)
    index.extend_to(last)
    seqnos = index.strategy.write_txs_in_range(note, 1, last)
    if seqnos is None:
        return not_yet(
            ctx, "Indexing.", lambda: index.strategy.indexed_up_to.seqno >= last
        )
    return [*seqnos]


@app.post("/on-demand", mode=Mode.COMMAND)
def install(ctx: Context) -> Response:
    """Begin another index."""
    ON_DEMAND.install(ctx.node, SeqnosByKey(NOTES))
    return empty_reply(200)


@app.delete("/on-demand", mode=Mode.COMMAND)
def uninstall(ctx: Context) -> Response:
    """End it."""
    ON_DEMAND.uninstall(ctx.node)
    return empty_reply(200)


@app.get("/on-demand", mode=Mode.COMMAND)
def on_demand(ctx: Context) -> Response:
    """Return whether it is there."""
    return empty_reply(200 if ON_DEMAND.is_installed(ctx.node) else 404)


def keep_note(node: InProcessNode, user: Person) -> Seqno:
    response = node.request("PUT", "/app/notes/1", person=user)
    assert response.status == 204, response.body
    return TxId.parse(response.headers[TX_ID]).seqno


def listed(node: InProcessNode, last: Seqno, *, table: str = "notes") -> list[Seqno]:
    """Ask where the note was written, until the answer is there."""
    path = f"/app/{table}/1/seqnos?last={last}"
    response = node.request("GET", path)
    for _ in range(10):
        if response.status != 202:
            break
        node.advance(1000)
        response = node.request("GET", path)
    assert response.status == 200, response.body
    seqnos = json.loads(response.body)
    assert isinstance(seqnos, list)
    return [seqno for seqno in seqnos if isinstance(seqno, int)]


def strategies(node: InProcessNode) -> dict[str, str]:
    """Ask how far each strategy is, by its name."""
    answer = json.loads(node.request("GET", "/node/index/strategies").body)
    assert isinstance(answer, list)
    found: dict[str, str] = {}
    for each in answer:
        assert isinstance(each, dict)
        found[str(each["name"])] = str(each["indexed_watermark"])
    return found


@pytest.fixture
def alone(members: tuple[Person, ...], alice: Person) -> InProcessNode:
    node = InProcessNode(app, constitution=CONSTITUTION, members=members)
    node.open_service(alice)
    return node


def test_an_index_follows_what_is_committed(
    alone: InProcessNode, alice: Person
) -> None:
    seqnos = []
    for _ in range(12):
        seqnos.append(keep_note(alone, alice))
        alone.advance(1000)
    for table in ("notes", "secrets"):
        assert listed(alone, seqnos[-1], table=table) == seqnos
    assert alone.host.blobs.blobs


def test_what_the_host_keeps_of_an_index_says_nothing(
    alone: InProcessNode, alice: Person
) -> None:
    for _ in range(12):
        keep_note(alone, alice)
        alone.advance(1000)
    kept = [each for each in alone.host.effects if isinstance(each, StoreBlob)]
    assert kept
    digest = sha256(NOTES.key_codec.encode(1))
    for effect in kept:
        assert digest not in effect.data
        assert len(bytes.fromhex(effect.name)) == 32


def test_an_index_that_the_host_lost_is_built_anew(
    alone: InProcessNode, alice: Person
) -> None:
    seqnos = []
    for _ in range(12):
        seqnos.append(keep_note(alone, alice))
        alone.advance(1000)
    alone.host.blobs.blobs.clear()
    assert listed(alone, seqnos[-1]) == seqnos
    assert any("lost a part of an index" in log.message for log in alone.host.logs)


def test_a_caller_that_waits_is_answered_as_soon_as_the_index_knows(
    alone: InProcessNode, alice: Person
) -> None:
    last = keep_note(alone, alice)
    alone.advance(1000)
    path = f"/app/secrets/1/seqnos?last={last}"
    assert alone.request("GET", f"{path}&wait=10000").body == b"[%d]" % last


def test_indexes_come_and_go_while_the_node_runs(
    alone: InProcessNode, alice: Person
) -> None:
    last = keep_note(alone, alice)
    alone.advance(1000)
    assert alone.request("GET", "/app/on-demand").status == 404
    assert alone.request("POST", "/app/on-demand").status == 200
    alone.advance(10)
    assert alone.request("GET", "/app/on-demand").status == 200
    running = alone.trusted.running
    assert running is not None
    assert last in ON_DEMAND.of(running).all_write_txs(1)
    assert alone.request("DELETE", "/app/on-demand").status == 200
    assert alone.request("GET", "/app/on-demand").status == 404


@pytest.mark.slow
def test_a_joiner_indexes_what_was_before_its_snapshot(
    members: tuple[Person, ...], alice: Person
) -> None:
    network = Network(
        app, constitution=CONSTITUTION, members=members, configure=fetching
    )
    network.start().open_service(alice)
    network.wait_until(lambda: bool(snapshots(network.nodes[0])))
    seqnos = []
    for _ in range(30):
        seqnos.append(keep_note(network.nodes[0], alice))
        network.advance(100)
    network.advance(1000)
    joiner = join(network)
    for node in (joiner, network.nodes[0]):
        assert listed(node, seqnos[-1]) == seqnos
        assert listed(node, seqnos[-1], table="secrets") == seqnos


def test_a_joiner_without_the_ledger_says_that_it_does_not_know_yet(
    members: tuple[Person, ...], alice: Person
) -> None:
    network = Network(
        app, constitution=CONSTITUTION, members=members, configure=fetching
    )
    network.start().open_service(alice)
    network.wait_until(lambda: bool(snapshots(network.nodes[0])))
    joiner = network.join()
    trust(network, joiner)
    last = keep_note(network.nodes[0], alice)
    network.advance(5000)
    response = joiner.request("GET", f"/app/notes/1/seqnos?last={last}")
    assert response.status == 202
    waits = [log for log in joiner.host.logs if "Indexes wait" in log.message]
    assert 0 < len(waits) < 5


def recoveries(
    members: tuple[Person, ...], alice: Person, alone: InProcessNode
) -> Iterator[tuple[InProcessNode, Seqno]]:
    """Write, lose the service and recover it."""
    yield alone, keep_note(alone, alice)
    alone.advance(1000)
    node = recover_alone(alone.remains(), app, members=members, seed=100)
    assert strategies(node)["SeqnosByKey public:notes"] == "0.0"
    ask_for_shares(node)
    submit_share(node, members[0])
    for _ in range(3):
        node.advance(1000)
    yield node, keep_note(node, alice)
    node.advance(1000)


@pytest.mark.slow
def test_a_recovered_service_builds_its_indexes_from_the_first_transaction(
    members: tuple[Person, ...], alice: Person, alone: InProcessNode
) -> None:
    told = list(recoveries(members, alice, alone))
    node, _ = told[-1]
    seqnos = [seqno for _, seqno in told]
    for table in ("notes", "secrets"):
        assert listed(node, seqnos[-1], table=table) == seqnos
