"""The in-process node: what people's own tests of an app rest on."""

from pathlib import Path

import pytest

from ccfpy.app import App, Context, Json, Map, json_codec
from ccfpy.base import json
from ccfpy.boundary.effects import (
    AppendLedger,
    BeginLedger,
    CommitLedger,
    ForgetPeer,
    TruncateLedger,
)
from ccfpy.testing.node import (
    START_UNIX_US,
    CountedClock,
    InProcessNode,
    NoMemory,
    Person,
    StoppedClock,
    listener,
)

CONSTITUTION = "\n".join(
    path.read_text()
    for name in ("actions", "validate", "resolve", "apply")
    for path in [
        Path(__file__).parents[3] / f"governance/constitutions/default/{name}.js"
    ]
)
COUNTS = Map("counts", json_codec(str), json_codec(int))
app = App("counter")


@app.post("/count", auth=["user_cert"])
def count(ctx: Context) -> int:
    """Count once more."""
    counts = COUNTS.of(ctx.tx)
    reached = (counts.get("all") or 0) + 1
    counts.put("all", reached)
    return reached


@app.get("/count")
def counted(ctx: Context) -> int | None:
    """Say how often it was counted."""
    return COUNTS.of(ctx.tx).get("all")


@app.post("/echo")
def echo(_: Context, body: list[int]) -> list[int]:
    """Return the body."""
    return body


@pytest.fixture(scope="module")
def members() -> list[Person]:
    return [Person.make(f"member{i}", can_recover=i == 0) for i in range(2)]


@pytest.fixture(scope="module")
def user() -> Person:
    return Person.make("user")


@pytest.fixture
def node(members: list[Person], user: Person) -> InProcessNode:
    made = InProcessNode(app, constitution=CONSTITUTION, members=members)
    made.open_service(user)
    return made


def test_a_name_is_a_person_always_the_same() -> None:
    ann = Person.make("ann")
    assert Person.make("ann").certificate.der == ann.certificate.der
    assert Person.make("bob").id != ann.id
    assert ann.id == ann.certificate.digest_hex
    assert ann.encryption_key is None
    assert Person.make("ann", can_recover=True).encryption_key is not None


def test_a_request_is_answered_by_the_app(node: InProcessNode, user: Person) -> None:
    assert json.loads(node.request("POST", "/app/count", person=user).body) == 1
    assert json.loads(node.request("GET", "/app/count").body) == 1


def test_a_stranger_is_told_so(node: InProcessNode) -> None:
    stranger = Person.make("stranger")
    for person in (None, stranger):
        assert node.request("POST", "/app/count", person=person).status == 401
    assert node.request("GET", "/app/count").status == 204, "nothing was counted"


@pytest.mark.parametrize("body", [[1, 2], b"[1,2]"])
def test_a_body_is_json_or_bytes(node: InProcessNode, body: Json | bytes) -> None:
    headers = {"content-type": "application/json"}
    answer = node.request("POST", "/app/echo", body=body, headers=headers)
    assert json.loads(answer.body) == [1, 2]


def test_time_moves_when_told_to(node: InProcessNode, user: Person) -> None:
    written = node.request("POST", "/app/count", person=user)
    txid = written.headers["x-ms-ccf-transaction-id"]
    status = f"/app/tx?transaction_id={txid}"
    assert json.loads_object(node.request("GET", status).body)["status"] == "Pending"
    committed = node.host.commit
    node.advance(1000)
    assert node.host.commit > committed
    assert json.loads_object(node.request("GET", status).body)["status"] == "Committed"


def test_the_host_keeps_what_the_node_wrote(node: InProcessNode, user: Person) -> None:
    before = len(node.host.entries)
    node.request("POST", "/app/count", person=user)
    node.advance(1000)
    assert len(node.host.entries) == before + 2, "the write and a signature"
    assert CommitLedger(seqno=before + 2) in node.host.effects
    assert node.host.stop is None
    assert "Service is open" in [log.message for log in node.host.logs]


def test_a_connection_is_kept_over_requests(node: InProcessNode, user: Person) -> None:
    client = node.connect(user)
    answers = [client.request("POST", "/app/count") for _ in range(3)]
    assert [json.loads(answer.body) for answer in answers] == [1, 2, 3]
    client.close()


@pytest.mark.slow
def test_members_decide_together(node: InProcessNode) -> None:
    newcomer = Person.make("newcomer")
    action: Json = {"name": "set_user", "args": {"cert": newcomer.certificate.pem}}
    decided = json.loads_object(node.propose(action).body)
    assert decided["proposalState"] == "Accepted"
    assert node.request("POST", "/app/count", person=newcomer).status == 200


def test_a_refused_proposal_is_given_back(node: InProcessNode) -> None:
    refused = node.propose({"name": "set_nothing", "args": {}})
    assert refused.status == 400


def test_the_seed_decides_the_keys(members: list[Person]) -> None:
    def certificate(seed: int) -> str:
        return InProcessNode(
            app, constitution=CONSTITUTION, members=members, seed=seed
        ).service_certificate

    assert certificate(1) == certificate(1)
    assert certificate(1) != certificate(2)


def test_a_twin_does_what_the_first_did(node: InProcessNode) -> None:
    assert (
        node.twin().step([node.boot])
        == node.host.effects[: len(node.twin().step([node.boot]))]
    )


def test_a_node_of_one_speaks_to_nobody(node: InProcessNode) -> None:
    with pytest.raises(AssertionError, match="asks for no"):
        node._perform(ForgetPeer(node=node.node_id))


def test_the_ledger_can_be_cut_and_begin_elsewhere(node: InProcessNode) -> None:
    node._perform(TruncateLedger(seqno=2))
    assert len(node.host.entries) == 2
    node.host.entries.clear()
    node._perform(BeginLedger(after=7))
    node._perform(AppendLedger(first_seqno=8, entries=(b"eighth",)))
    assert node.host.entries == [b"eighth"]


def test_an_interface_may_be_closed_to_some(members: list[Person]) -> None:
    node = InProcessNode(
        app,
        constitution=CONSTITUTION,
        members=members,
        interfaces=[listener("narrow", accepted_endpoints=("/node/version",))],
    )
    client = node.connect(interface="narrow")
    assert client.request("GET", "/node/version").status == 200
    assert client.request("GET", "/node/state").status == 503


def test_a_clock_stands_or_is_counted_and_memory_is_nothing() -> None:
    clock = StoppedClock()
    assert clock.monotonic_ns() == clock.monotonic_ns()
    counted = CountedClock()
    assert counted.monotonic_ns() < counted.monotonic_ns()
    assert tuple(NoMemory().usage()) == (0, 0, 0)
    assert START_UNIX_US % 1_000_000 == 0
