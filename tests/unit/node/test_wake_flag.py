"""A step looks for work besides its clients' when somebody rang, and only then."""

import pytest

from ccfpy.app import Answer, App, Context, Index, Map, empty_reply, json_codec
from ccfpy.base import limits
from ccfpy.base.ids import Seqno, TxId
from ccfpy.base.json import JsonObject
from ccfpy.kv.changes import WriteSet
from ccfpy.node.ports import WakeFlag
from ccfpy.node.replication.replication import SignatureTimer
from ccfpy.node.running import RunningNode
from ccfpy.service.tables.jwt import ISSUERS, JwtIssuer
from ccfpy.testing.node import InProcessNode, Person
from tests.unit.node.conftest import CONSTITUTION

app = App("notes")
NOTES = Map("public:notes", json_codec(int), json_codec(str))
TX_ID = "x-ms-ccf-transaction-id"


class Asked:
    """An index of nothing, which counts how often it is asked what it wants.

    Attributes:
        times: how often.
        wanted: the transaction that it wants next.
        told: those that it was told of.
    """

    def __init__(self) -> None:
        self.name = "asked"
        self.times = 0
        self.wanted: Seqno | None = None
        self.told: list[Seqno] = []

    @property
    def next_requested(self) -> Seqno | None:
        self.times += 1
        return self.wanted

    def take(self, tx_id: TxId, writes: WriteSet) -> None:
        del writes
        self.told.append(tx_id.seqno)
        assert self.wanted is not None
        self.wanted += 1

    def describe(self) -> JsonObject:
        return {}

    def uninstalled(self) -> None:
        return


ASKED: Index[Asked] = Index()


@app.put("/notes/{note}")
def keep(ctx: Context, note: int) -> None:
    """Keep a note."""
    NOTES.of(ctx.tx).put(note, "kept")


@app.post("/begun")
def begin(ctx: Context) -> Answer:
    """Begin the index, which wants everything from the first transaction on."""
    asked = Asked()
    asked.wanted = 1
    ASKED.install(ctx.node, asked)
    return empty_reply(200)


@app.post("/wanted")
def want_all(ctx: Context) -> Answer:
    """Make the index want everything from the first transaction on."""
    ASKED.of(ctx.node).wanted = 1
    return empty_reply(200)


@pytest.fixture
def node(members: tuple[Person, ...], alice: Person) -> InProcessNode:
    node = InProcessNode(app, constitution=CONSTITUTION, members=members)
    node.open_service(alice)
    node.advance(1000)
    return node


def test_a_bell_is_answered_once() -> None:
    wake_flag = WakeFlag()
    assert not wake_flag.take()
    wake_flag.set()
    wake_flag.set()
    assert wake_flag.take()
    assert not wake_flag.take()


def replica_of(node: InProcessNode) -> RunningNode:
    running = node.trusted.running
    assert running is not None
    return running


def installed(node: InProcessNode) -> Asked:
    asked = Asked()
    ASKED.install(replica_of(node), asked)
    node.advance(1)
    return asked


def test_a_step_that_serves_clients_asks_no_index_what_it_wants(
    node: InProcessNode, alice: Person
) -> None:
    client = node.connect(alice)
    asked = installed(node)
    before = asked.times
    for _ in range(3):
        assert client.request("PUT", "/app/notes/1").status == 204
    assert asked.times == before
    node.advance(1)
    assert asked.times > before


def test_an_index_that_a_request_looked_up_is_asked_at_the_end_of_that_step(
    node: InProcessNode, alice: Person
) -> None:
    client = node.connect(alice)
    asked = installed(node)
    assert client.request("POST", "/app/wanted").status == 200
    assert asked.told[:3] == [1, 2, 3]


def test_an_index_that_a_request_begins_is_told_at_the_end_of_that_step(
    node: InProcessNode, alice: Person
) -> None:
    client = node.connect(alice)
    assert client.request("POST", "/app/begun").status == 200
    asked = ASKED.of(replica_of(node))
    assert asked.told[:3] == [1, 2, 3]


def test_an_index_that_is_far_behind_goes_on_while_only_clients_are_served(
    node: InProcessNode, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "INDEX_ENTRIES_PER_STEP", 2)
    client = node.connect(alice)
    assert client.request("POST", "/app/begun").status == 200
    asked = ASKED.of(replica_of(node))
    for so_far in (2, 4, 6):
        assert len(asked.told) == so_far
        assert client.request("PUT", "/app/notes/1").status == 204


def test_issuers_of_tokens_ring_when_they_are_set(node: InProcessNode) -> None:
    running = replica_of(node)
    tx = running.begin(read_only=False)
    ISSUERS.of(tx).put("https://issuer.example", JwtIssuer(auto_refresh=True))
    assert not running.wake_flag.take()
    running.commit(tx, None)
    assert running.wake_flag.take()


def test_what_is_committed_while_only_clients_are_served_is_told(
    node: InProcessNode, alice: Person
) -> None:
    running = replica_of(node)
    running.timer = SignatureTimer(tx_count=1, delay_ms=10**6, now_ms=node.now_ms)
    client = node.connect(alice)
    asked = installed(node)
    asked.wanted = 1
    kept = TxId.parse(client.request("PUT", "/app/notes/1").headers[TX_ID])
    assert client.request("PUT", "/app/notes/2").status == 204
    assert kept.seqno in asked.told
