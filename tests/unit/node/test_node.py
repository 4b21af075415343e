"""A node's life as a transcript: what it is told, and what it asks of its host."""

from collections.abc import Callable
from dataclasses import replace

from ccfpy.base import json
from ccfpy.base.ids import SessionId
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
from ccfpy.ledger.entry import Transaction
from ccfpy.ledger.receipt import Receipt
from ccfpy.testing.node import InProcessNode, Person

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
