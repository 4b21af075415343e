"""A node from boot to stop: its states, its clock, the work at the end of a step."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product

import pytest

from ccfpy.app import Answer, App, Context, Index, Map, empty_reply, json_codec
from ccfpy.base import json, limits
from ccfpy.base.errors import Malformed
from ccfpy.base.ids import Seqno, SessionId, TxId
from ccfpy.base.json import JsonObject
from ccfpy.boundary.configuration import CommandType
from ccfpy.boundary.effects import (
    AppendLedger,
    CommitLedger,
    IdentityMade,
    LogLevel,
    SendData,
    Stop,
)
from ccfpy.boundary.events import (
    Boot,
    LedgerRead,
    SessionClosed,
    SessionData,
    StopKind,
    StopRequested,
    Tick,
)
from ccfpy.crypto.certs import Certificate
from ccfpy.kv.changes import WriteSet
from ccfpy.ledger.entry import Transaction
from ccfpy.ledger.receipt import Receipt
from ccfpy.node.lifecycle import MOVES, NodeState, advance
from ccfpy.node.ports import HostClock, WakeFlag
from ccfpy.node.replication.replication import SignatureTimer
from ccfpy.node.running import RunningNode
from ccfpy.service.tables.jwt import ISSUERS, JwtIssuer
from ccfpy.testing.node import InProcessNode, Person, listener
from tests.unit.node.conftest import CONSTITUTION

TX_ID = "x-ms-ccf-transaction-id"


def test_a_boot_makes_the_identity_then_the_first_two_entries(
    new_node: InProcessNode,
) -> None:
    asked = [
        effect
        for effect in new_node.host.effects
        if isinstance(effect, IdentityMade | AppendLedger | CommitLedger)
    ]
    assert isinstance(asked[0], IdentityMade)
    assert isinstance(asked[1], AppendLedger)
    assert asked[1].first_seqno == 1
    assert len(asked[1].entries) == 2
    assert asked[2] == CommitLedger(seqno=2)
    create, signature = map(Transaction.parse, new_node.host.entries)
    assert str(create.txid) == "2.1"
    assert create.domain.claims_digest == b"\x07" * 32
    assert "public:ccf.gov.constitution" in create.domain.write_set
    assert set(signature.domain.write_set) == {
        "public:ccf.internal.cose_signatures",
        "public:ccf.internal.signatures",
        "public:ccf.internal.tree",
    }


def test_the_same_seed_and_events_make_the_same_ledger(
    node: InProcessNode, make_node: Callable[[], InProcessNode], alice: Person
) -> None:
    again = make_node()
    again.open_service(alice)
    # Opening issues recovery shares, whose RSA padding the library draws by itself.
    opening = next(
        seqno
        for seqno, entry in enumerate(again.host.entries)
        if b"ccf.internal.recovery_shares" in entry
    )
    assert opening > 5
    assert again.host.entries[:opening] == node.host.entries[:opening]


def test_before_the_service_is_open_only_its_nodes_and_members_are_served(
    new_node: InProcessNode,
) -> None:
    assert new_node.request("GET", "/node/network").status == 200
    assert new_node.request("GET", "/gov/commit").status == 200
    closed = new_node.request("GET", "/app/commit")
    assert closed.status == 404
    assert b"FrontendNotOpen" in closed.body
    assert new_node.request("GET", "/node/ready/app").status == 503
    assert new_node.request("GET", "/node/ready/gov").status == 204


def test_a_write_is_committed_by_the_next_signature_and_proved_offline(
    node: InProcessNode,
) -> None:
    written = node.request("PUT", "/app/notes", body={"a": "private words"})
    assert written.status == 200
    tx_id = written.headers[TX_ID]
    path = f"/app/tx?transaction_id={tx_id}"
    assert json.loads_object(node.request("GET", path).body)["status"] == "Pending"
    node.advance(1000)
    assert json.loads_object(node.request("GET", path).body)["status"] == "Committed"
    proof = node.request("GET", f"/app/receipt?transaction_id={tx_id}")
    receipt = Receipt.parse(proof.body)
    receipt.verify(Certificate.from_pem(node.service_certificate))


def test_a_claim_is_bound_into_the_receipt(node: InProcessNode) -> None:
    claim = "ab" * 32
    written = node.request("PUT", f"/app/public?claim={claim}", body={"a": "b"})
    node.advance(1000)
    tx_id = written.headers[TX_ID]
    proof = node.request("GET", f"/app/receipt?transaction_id={tx_id}")
    components = json.loads_object(proof.body)["leaf_components"]
    assert isinstance(components, dict)
    assert components["claims_digest"] == claim


def test_a_read_reports_the_state_it_saw(node: InProcessNode) -> None:
    written = node.request("PUT", "/app/notes", body={"a": "1"})
    read = node.request("GET", "/app/notes?name=a")
    assert read.body == b'"1"'
    assert read.headers[TX_ID] == written.headers[TX_ID]


def test_an_idle_service_signs_nothing(node: InProcessNode) -> None:
    node.advance(1000)
    before = len(node.host.entries)
    for _ in range(50):
        node.advance(1000)
    assert len(node.host.entries) == before


def test_a_handler_that_breaks_leaves_nothing_and_logs_no_words_of_its_error(
    node: InProcessNode,
) -> None:
    before = len(node.host.entries)
    answer = node.request("PUT", "/app/broken", body={})
    assert answer.status == 500
    assert len(node.host.entries) == before
    failures = [log for log in node.host.logs if log.level is LogLevel.FAIL]
    assert "Unhandled RuntimeError in PUT /app/broken" in failures[-1].message
    assert not any("secret" in log.message for log in node.host.logs)


def test_a_path_without_prefix_is_the_apps(node: InProcessNode) -> None:
    assert node.request("GET", "/notes?name=a").status == 200
    unknown = node.request("GET", "/nonsense")
    assert unknown.status == 404
    assert b"Unknown path: /nonsense." in unknown.body


def test_a_stop_ends_the_node(node: InProcessNode) -> None:
    effects = node.step(StopRequested(kind=StopKind.TERMINATED, is_notice=False))
    assert isinstance(effects[-1], Stop)
    assert effects[-1].exit_code == 0
    assert node.step(Tick(monotonic_ms=9_999_999, unix_us=0)) == []


def test_a_stop_notice_is_only_noted(node: InProcessNode) -> None:
    assert node.step(StopRequested(kind=StopKind.TERMINATED, is_notice=True)) == []
    state = json.loads_object(node.request("GET", "/node/state").body)
    assert state["stop_notice"] is True
    assert node.request("GET", "/node/ready/app").status == 503
    assert node.request("GET", "/node/ready/gov").status == 503


def test_events_of_sessions_that_are_gone_mean_nothing(node: InProcessNode) -> None:
    stale = SessionId(9_999)
    assert node.step(SessionData(session=stale, data=b"x")) == []
    assert node.step(SessionClosed(session=stale)) == []


def test_an_answer_nobody_asked_for_is_noted(node: InProcessNode) -> None:
    node.step(LedgerRead(request=7, first=1, last=1, entries=None))
    assert "7" in node.host.logs[-1].message


def test_a_second_boot_stops_the_node(node: InProcessNode) -> None:
    effects = node.step(node.boot)
    assert isinstance(effects[-1], Stop)
    assert effects[-1].exit_code != 0


def test_a_recovery_of_nothing_is_refused_in_one_sentence(
    node: InProcessNode,
) -> None:
    command = CommandType.RECOVER
    boot: Boot = replace(
        node.boot, configuration=replace(node.boot.configuration, command=command)
    )
    fresh = node.twin()
    effects = fresh.step([boot])
    assert effects == [
        Stop(
            exit_code=1,
            reason="command.recover is missing",
        )
    ]


def test_nothing_is_served_before_the_boot(node: InProcessNode) -> None:
    fresh = node.twin()
    assert fresh.step([SessionData(session=SessionId(1), data=b"x")]) == []
    assert fresh.step([Tick(monotonic_ms=1, unix_us=1)]) == []


def test_replies_follow_the_entries_they_report(node: InProcessNode) -> None:
    client = node.connect()
    start = len(node.host.effects)
    client.request("PUT", "/app/notes", body={"a": "1"})
    kinds = [
        type(effect)
        for effect in node.host.effects[start:]
        if isinstance(effect, AppendLedger | SendData)
    ]
    assert kinds == [AppendLedger, SendData]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"subject_name": "nobody"}, "not a subject name: 'nobody'"),
        ({"subject_alt_names": ("here",)}, "not a subject alternative name: 'here'"),
        ({"initial_validity_days": 10**9}, "no certificate holds 1000000000 days"),
    ],
)
def test_a_certificate_that_cannot_be_made_is_refused_in_one_sentence(
    new_node: InProcessNode, change: dict[str, object], reason: str
) -> None:
    wanted = replace(new_node.boot.configuration.node_certificate, **change)  # type: ignore[arg-type]  # named fields
    configuration = replace(new_node.boot.configuration, node_certificate=wanted)
    effects = new_node.twin().step(
        [replace(new_node.boot, configuration=configuration)]
    )
    assert isinstance(effects[-1], Stop)
    assert effects[-1].reason.startswith(reason)


def test_what_the_host_says_of_itself_must_make_sense(new_node: InProcessNode) -> None:
    for lie in ({"unix_us": 2**62}, {"executable_digest": "zz"}):
        effects = new_node.twin().step([replace(new_node.boot, **lie)])
        assert isinstance(effects[-1], Stop)
        assert effects[-1].exit_code != 0


def test_certificates_name_each_published_host_once(
    make_node: Callable[[], InProcessNode],
) -> None:
    configuration = make_node().boot.configuration
    certificate = Certificate.from_pem(make_node().host.identity.node_certificate)  # type: ignore[union-attr]  # booted
    assert certificate.sans == ("iPAddress:127.0.0.1",)
    assert len(configuration.rpc_interfaces) == 1


def test_certificates_name_an_ipv6_address_without_its_brackets(
    new_node: InProcessNode,
) -> None:
    configuration = replace(
        new_node.boot.configuration,
        rpc_interfaces=(replace(listener(), published_address="[::1]:8000"),),
    )
    effects = new_node.twin().step(
        [replace(new_node.boot, configuration=configuration)]
    )
    made = next(e for e in effects if isinstance(e, IdentityMade))
    certificate = Certificate.from_pem(made.node_certificate)
    assert certificate.sans == ("iPAddress:::1",)


@pytest.mark.parametrize("host", ["example.com", "localhost"])
def test_a_host_that_is_no_address_is_a_name(
    new_node: InProcessNode, host: str
) -> None:
    named = replace(listener(), published_address=f"{host}:443")
    configuration = replace(new_node.boot.configuration, rpc_interfaces=(named,))
    effects = new_node.twin().step(
        [replace(new_node.boot, configuration=configuration)]
    )
    made = next(e for e in effects if hasattr(e, "node_certificate"))
    certificate = Certificate.from_pem(made.node_certificate)
    assert certificate.sans == (f"dNSName:{host}",)


@pytest.mark.parametrize(("state", "to"), list(product(NodeState, NodeState)))
def test_a_move_is_legal_exactly_if_the_table_has_it(
    state: NodeState, to: NodeState
) -> None:
    if to in MOVES[state]:
        assert advance(state, to) is to
    else:
        with pytest.raises(AssertionError, match=f"from {state} to {to}"):
            advance(state, to)


def test_every_state_but_the_first_can_be_reached() -> None:
    reached = {NodeState.UNINITIALIZED}
    while True:
        following = reached.union(*(MOVES[state] for state in reached))
        if following == reached:
            break
        reached = following
    assert reached == set(NodeState)


def test_view_history_lists_where_each_view_began(node: InProcessNode) -> None:
    answer = node.request("GET", "/app/commit?view_history=true")
    assert json.loads_object(answer.body)["view_history"] == ["1.1", "2.1"]
    since = node.request("GET", "/app/commit?view_history_since=2")
    assert json.loads_object(since.body)["view_history"] == ["2.1"]
    assert node.request("GET", "/app/commit?view_history_since=3").status == 404
    assert node.request("GET", "/app/commit?view_history_since=0").status == 400
    assert node.request("GET", "/app/commit?view_history_since=x").status == 400
    assert node.request("GET", "/app/commit?view_history=maybe").status == 400


@pytest.mark.slow
def test_enough_entries_are_signed_without_waiting_for_the_timer(
    node: InProcessNode,
) -> None:
    before = node.host.commit
    client = node.connect()
    for _ in range(5000):
        client.request("PUT", "/app/notes", body={"a": "1"})
    assert node.host.commit > before


def test_status_of_ids_that_cannot_be(node: InProcessNode) -> None:
    for text in ("", "1", "2.", "0.1", "2.0", "-1.2", "a.b", "2.1.3"):
        answer = node.request("GET", f"/app/tx?transaction_id={text}")
        assert answer.status == 400, text
    answer = node.request("GET", "/app/tx")
    assert b"Missing query parameter 'transaction_id'" in answer.body


def test_a_node_speaks_for_itself_under_the_older_name_too(
    node: InProcessNode,
) -> None:
    for frontend in ("app", "gov", "node"):
        both = [
            node.request("GET", f"/{frontend}/{name}?transaction_id=2.2").body
            for name in ("tx", "local_tx")
        ]
        assert both[0] == both[1]
        assert b"Committed" in both[0]


def test_receipts_of_what_is_not_committed_are_refused(node: InProcessNode) -> None:
    for text, code in (
        ("2.99999", b"TransactionPendingOrUnknown"),
        ("1.1", b"TransactionInvalid"),
    ):
        answer = node.request("GET", f"/app/receipt?transaction_id={text}")
        assert answer.status == 404
        assert code in answer.body
    assert node.request("GET", "/app/receipt").status == 400
    assert node.request("GET", "/app/receipt?transaction_id=x").status == 400


def test_a_signature_has_a_receipt_of_its_own(node: InProcessNode) -> None:
    node.advance(1000)
    seqno = node.host.commit
    answer = node.request("GET", f"/app/receipt?transaction_id=2.{seqno}")
    receipt = json.loads_object(answer.body)
    assert receipt["proof"] == []
    assert "leaf_components" not in receipt


def test_a_primary_takes_writes_exactly_while_it_is_not_at_capacity(
    node: InProcessNode,
) -> None:
    """``takes_writes`` says in one look what two questions say."""
    running = node.trusted.running
    assert running is not None
    raft = running.replication.raft.state
    given = raft.settings
    client = node.connect()
    verdicts = set()
    for _ in range(4):
        client.request("PUT", "/app/notes", body={"a": "1"})
        for most in range(6):
            raft.settings = replace(given, uncommitted_tx_max=most)
            verdict = running.is_primary and not running.is_at_capacity()
            assert running.takes_writes is verdict
            verdicts.add(verdict)
        raft.settings = given
    assert verdicts == {True, False}


def test_the_time_is_what_the_host_last_said() -> None:
    time = HostClock(monotonic_ms=0, unix_us=1_500_000)
    assert time.now == datetime(1970, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC)


@pytest.mark.parametrize("unix_us", [10**18, 10**30, -(10**18)])
def test_a_time_that_no_calendar_has_is_refused(unix_us: int) -> None:
    with pytest.raises(Malformed, match="the host's clock is wrong"):
        _ = HostClock(monotonic_ms=0, unix_us=unix_us).now


app = App("notes")
NOTES = Map("public:notes", json_codec(int), json_codec(str))


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
def waking(members: tuple[Person, ...], alice: Person) -> InProcessNode:
    waking = InProcessNode(app, constitution=CONSTITUTION, members=members)
    waking.open_service(alice)
    waking.advance(1000)
    return waking


def test_a_bell_is_answered_once() -> None:
    wake_flag = WakeFlag()
    assert not wake_flag.take()
    wake_flag.set()
    wake_flag.set()
    assert wake_flag.take()
    assert not wake_flag.take()


def replica_of(waking: InProcessNode) -> RunningNode:
    running = waking.trusted.running
    assert running is not None
    return running


def installed(waking: InProcessNode) -> Asked:
    asked = Asked()
    ASKED.install(replica_of(waking), asked)
    waking.advance(1)
    return asked


def test_a_step_that_serves_clients_asks_no_index_what_it_wants(
    waking: InProcessNode, alice: Person
) -> None:
    client = waking.connect(alice)
    asked = installed(waking)
    before = asked.times
    for _ in range(3):
        assert client.request("PUT", "/app/notes/1").status == 204
    assert asked.times == before
    waking.advance(1)
    assert asked.times > before


def test_an_index_that_a_request_looked_up_is_asked_at_the_end_of_that_step(
    waking: InProcessNode, alice: Person
) -> None:
    client = waking.connect(alice)
    asked = installed(waking)
    assert client.request("POST", "/app/wanted").status == 200
    assert asked.told[:3] == [1, 2, 3]


def test_an_index_that_a_request_begins_is_told_at_the_end_of_that_step(
    waking: InProcessNode, alice: Person
) -> None:
    client = waking.connect(alice)
    assert client.request("POST", "/app/begun").status == 200
    asked = ASKED.of(replica_of(waking))
    assert asked.told[:3] == [1, 2, 3]


def test_an_index_that_is_far_behind_goes_on_while_only_clients_are_served(
    waking: InProcessNode, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "INDEX_ENTRIES_PER_STEP", 2)
    client = waking.connect(alice)
    assert client.request("POST", "/app/begun").status == 200
    asked = ASKED.of(replica_of(waking))
    for so_far in (2, 4, 6):
        assert len(asked.told) == so_far
        assert client.request("PUT", "/app/notes/1").status == 204


def test_issuers_of_tokens_ring_when_they_are_set(waking: InProcessNode) -> None:
    running = replica_of(waking)
    tx = running.begin(read_only=False)
    ISSUERS.of(tx).put("https://issuer.example", JwtIssuer(auto_refresh=True))
    assert not running.wake_flag.take()
    running.commit(tx, None)
    assert running.wake_flag.take()


def test_what_is_committed_while_only_clients_are_served_is_told(
    waking: InProcessNode, alice: Person
) -> None:
    running = replica_of(waking)
    running.timer = SignatureTimer(tx_count=1, delay_ms=10**6, now_ms=waking.now_ms)
    client = waking.connect(alice)
    asked = installed(waking)
    asked.wanted = 1
    kept = TxId.parse(client.request("PUT", "/app/notes/1").headers[TX_ID])
    assert client.request("PUT", "/app/notes/2").status == 204
    assert kept.seqno in asked.told
