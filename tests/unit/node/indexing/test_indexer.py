"""Every strategy receives every committed transaction, in order, on nodes as well."""

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
    Mode,
    Response,
    SeqnosByKeyBucketed,
    empty_reply,
    json_codec,
    not_yet,
    sha256,
)
from ccfpy.base import json, limits
from ccfpy.base.errors import LimitExceeded
from ccfpy.base.ids import Seqno, SessionId, TxId
from ccfpy.boundary.effects import StoreBlob
from ccfpy.endpoints.session import InterfaceRules, Session
from ccfpy.http.messages import Request
from ccfpy.kv.changes import WriteSet
from ccfpy.kv.maps import RAW, STRING, Map
from ccfpy.ledger.entry import Transaction
from ccfpy.ledger.secrets import LedgerSecrets
from ccfpy.node.indexing import Lazy, SeqnosByKey
from ccfpy.node.streams import CommitFeed
from ccfpy.testing.network import Network
from ccfpy.testing.node import InProcessNode, Person
from ccfpy.testing.recovery import ask_for_shares, recover_alone, submit_share
from tests.unit.node.conftest import CONSTITUTION
from tests.unit.node.history.test_history_nodes import join
from tests.unit.node.history.world import Story, recovered
from tests.unit.node.indexing.reading import Diary, Reading, long_story
from tests.unit.node.snapshots.test_snapshotter import fetching, snapshots, trust

FIRST_SIGNATURE = 4
ANY = Map("public:any", STRING, RAW)


def test_all_is_told_in_order_private_maps_too() -> None:
    world = Reading(long_story(20))
    diary = Diary()
    world.install(diary)
    world.work()
    assert diary.seqnos == list(range(1, world.story.last + 1))
    opened = LedgerSecrets(world.story.secrets.items())
    for seqno, (tx_id, writes) in enumerate(diary.told, 1):
        assert tx_id == world.log.tx_id(seqno)
        made = world.story.ledger.entries[seqno - 1]
        assert writes == Transaction.parse(made.data).writes(opened)


def test_a_ledger_of_several_services_and_secrets_is_told_to_its_end() -> None:
    story = recovered()
    story.rekey()
    story.say("after")
    story.sign()
    world = Reading(story)
    diary = Diary()
    world.install(diary)
    world.work()
    assert diary.seqnos == list(range(1, story.last + 1))


def test_what_was_just_committed_is_told_without_the_host() -> None:
    world = Reading(long_story(5))
    diary = Diary(since=world.story.last + 1)
    world.install(diary)
    world.work()
    assert diary.told == []
    seqno = world.say("new")
    world.work()
    assert diary.seqnos == [seqno, seqno + 1]
    assert world.read == []


def test_what_is_not_committed_is_not_told() -> None:
    world = Reading(long_story(5))
    diary = Diary()
    world.install(diary)
    world.log.commit_seqno = FIRST_SIGNATURE
    world.work()
    assert diary.seqnos[-1] == FIRST_SIGNATURE


def test_only_so_much_is_told_from_memory_within_a_step() -> None:
    world = Reading(long_story(1))
    first = world.story.last + 1
    diary = Diary(since=first)
    world.install(diary)
    for _ in range(limits.INDEX_ENTRIES_PER_STEP):
        world.say("new")
    world.turn()
    assert len(diary.told) == limits.INDEX_ENTRIES_PER_STEP
    world.turn()
    assert len(diary.told) == 2 * limits.INDEX_ENTRIES_PER_STEP


def test_who_is_behind_holds_up_nobody() -> None:
    world = Reading(long_story(30))
    quick, slow = Diary("quick", since=world.story.last + 1), Diary("slow")
    for diary in (slow, quick):
        world.install(diary)
    seqno = world.say("new")
    world.lies[1] = None
    world.work()
    assert quick.seqnos == [seqno, seqno + 1]
    assert slow.told == []
    world.lies.clear()
    world.advance(limits.INDEX_RETRY_MS_MIN)
    assert slow.seqnos == list(range(1, seqno + 2))


def test_a_follower_of_what_the_host_does_not_have_holds_up_no_other() -> None:
    world = Reading(long_story(30))
    feed = CommitFeed(
        world.indexer,
        committed=lambda: world.log.commit_seqno,
        wake=world.indexer.history.wake_flag.set,
    )
    for seqno in range(1, 10):
        world.lies[seqno] = None
    told: list[str] = []
    lost = feed.follow(frozenset({ANY.name}), 0, lambda: told.append("lost"))
    late = feed.follow(frozenset({ANY.name}), 20, lambda: told.append("late"))
    world.work()
    assert (lost.is_lost, told[0]) == (True, "lost")
    assert not late.is_lost
    assert late.next > 20, "it waits for no retry"
    assert not any("Indexes wait" in log.message for log in world.logs)


def test_strategies_are_installed_and_uninstalled_while_others_go_on() -> None:
    world = Reading(long_story(30))
    one, other = Diary("one"), Diary("other", since=10)
    index = world.install(one)
    world.turn()
    second = world.install(other)
    world.indexer.uninstall(index)
    world.work()
    assert one.told == []
    assert other.seqnos == list(range(10, world.story.last + 1))
    assert world.indexer.strategy(second) is other
    assert world.indexer.strategy(index) is None


def test_what_nobody_wants_any_more_is_not_read() -> None:
    world = Reading(long_story(2 * limits.HISTORY_ENTRIES_PER_READ))
    diary = Diary()
    index = world.install(diary)
    world.indexer.work()
    world.indexer.uninstall(index)
    world.work()
    assert world.read == [(1, limits.HISTORY_ENTRIES_PER_READ)]
    assert diary.told == []


def test_a_lazy_strategy_is_told_what_was_asked_for() -> None:
    world = Reading(long_story(30))
    lazy = Lazy(SeqnosByKey(ANY))
    world.install(lazy)
    world.work()
    assert world.read == []
    lazy.extend_to(12)
    world.work()
    assert lazy.strategy.indexed_up_to.seqno == 12


def test_an_index_has_one_strategy() -> None:
    world = Reading(long_story(1))
    index = world.install(Diary())
    with pytest.raises(ValueError, match="Diary is installed already"):
        world.indexer.install(index, Diary())
    world.indexer.uninstall(index)
    with pytest.raises(ValueError, match="no strategy is installed"):
        world.indexer.uninstall(index)


def test_there_are_only_so_many() -> None:
    world = Reading(long_story(1))
    last, *_ = [world.install(Diary()) for _ in range(limits.STRATEGIES_MAX)]
    with pytest.raises(LimitExceeded, match="64 strategies"):
        world.install(Diary())
    world.indexer.uninstall(last)
    world.install(Diary())


# A host that does not have the ledger, or lies


def test_what_the_host_does_not_have_is_asked_for_less_and_less_often() -> None:
    world = Reading(long_story(5))
    world.lies[1] = None
    diary = Diary()
    world.install(diary)
    world.work()
    waited_ms = limits.INDEX_RETRY_MS_MIN
    while waited_ms < limits.INDEX_RETRY_MS_MAX:
        world.read.clear()
        world.advance(waited_ms - 1)
        assert not world.read
        world.advance(1)
        assert world.read
        waited_ms = min(2 * waited_ms, limits.INDEX_RETRY_MS_MAX)
    world.read.clear()
    world.advance(limits.INDEX_RETRY_MS_MAX)
    assert world.read
    assert any("Indexes wait for 60000 ms" in log.message for log in world.logs)
    world.lies.clear()
    world.advance(limits.INDEX_RETRY_MS_MAX)
    assert diary.seqnos == list(range(1, world.story.last + 1))


def test_no_lie_of_the_host_is_told() -> None:
    story = long_story(10)
    for seqno in range(1, story.last + 1):
        for at in (0, 20, -1):
            world = Reading(story)
            diary = Diary()
            world.install(diary)
            data = bytearray(world.entries[seqno])
            data[at] ^= 1
            world.lies[seqno] = bytes(data)
            world.work()
            assert seqno not in diary.seqnos
            world.lies.clear()
            world.advance(limits.INDEX_RETRY_MS_MIN)
            assert diary.seqnos == list(range(1, story.last + 1))


def test_reordered_entries_are_not_told() -> None:
    world = Reading(long_story(10))
    world.lies[5], world.lies[6] = world.entries[6], world.entries[5]
    diary = Diary()
    world.install(diary)
    world.work()
    assert diary.told == []


# A node that is not ready


def test_nothing_is_read_before_the_secrets_are_there() -> None:
    world = Reading(long_story(5))
    world.install(Diary())
    secrets, world.tail.secrets = world.tail.secrets, LedgerSecrets()
    world.work()
    world.tail.secrets = secrets
    world.tail.is_sealed = True
    world.work()
    assert world.read == []
    world.tail.is_sealed = False
    world.work()
    assert world.read


# An application's mistakes


class Broken(Diary):
    """Raises at one transaction, or when asked what it wants."""

    def __init__(self, at: Seqno, *, wants_none: bool = False) -> None:
        super().__init__("Broken")
        self._at = at
        self._wants_none = wants_none

    @property
    def next_requested(self) -> Seqno | None:
        if self._wants_none:
            raise ZeroDivisionError("what it says may be private")
        return self.wants

    def take(self, tx_id: TxId, writes: WriteSet) -> None:
        if tx_id.seqno == self._at:
            raise KeyError("what it says may be private")
        super().take(tx_id, writes)


@pytest.mark.parametrize("broken", [Broken(3), Broken(9, wants_none=True)])
def test_a_strategy_that_raises_is_told_of_nothing_more(broken: Broken) -> None:
    world = Reading(long_story(10))
    diary = Diary()
    index = world.install(broken)
    world.install(diary)
    world.work()
    assert len(broken.told) < 3
    assert diary.seqnos == list(range(1, world.story.last + 1))
    unhandled, said = (log.message for log in world.logs)
    assert " in strategy Broken (id " in unhandled
    assert said.startswith("Strategy Broken is told of nothing more, as it raised ")
    assert "private" not in unhandled + said
    world.indexer.uninstall(index)
    world.work()


def test_a_strategy_tells_what_it_is_and_what_it_wants() -> None:
    world = Reading(Story())
    diary = Diary()
    world.install(diary)
    assert world.indexer.describe() == [{"name": "Diary", "next_requested_seqno": 1}]
    diary.wants = None
    assert world.indexer.describe() == [{"name": "Diary"}]


def test_who_waits_is_told_that_there_is_news() -> None:
    world = Reading(long_story(5))
    diary = Diary()
    world.install(diary)
    polled: list[int] = []

    def until() -> bool:
        polled.append(len(diary.told))
        return len(diary.told) == world.story.last

    request, session = _asked()
    awaited = world.cache.wait(request, session, until, 1000)
    assert awaited is not None
    world.work()
    assert polled[-1] == world.story.last
    assert world.served == [request]


def _asked() -> tuple[Request, Session]:
    request = Request(method="GET", path="/app/x", query="", headers={}, body=b"")
    return request, Session(
        id=SessionId(1), interface=InterfaceRules(name="main"), caller=None
    )


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
