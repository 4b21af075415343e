"""Callers wait for their transaction's commit, or for the next one."""

from collections.abc import Callable

import pytest

from ccfpy.base import json, limits
from ccfpy.base.ids import TxId
from ccfpy.boundary.events import SessionClosed
from ccfpy.consensus.status import TxStatus
from ccfpy.endpoints.commit_wait import COMMIT_WATCH_MS, STATUS_HEADER
from ccfpy.endpoints.frontend import TX_ID_HEADER
from ccfpy.endpoints.pending import Awaited
from ccfpy.http.errors import ApiError
from ccfpy.http.messages import Response
from ccfpy.node.replication import commits
from ccfpy.node.replication.commits import CommitWaits, CommitWatches
from ccfpy.testing.node import Client, InProcessNode, Person
from tests.unit.node.replication.test_replication import replica_of


class Ledger:
    """What a node knows of transactions, which the test decides."""

    def __init__(self) -> None:
        self.statuses: dict[TxId, TxStatus] = {}
        self.waits = CommitWaits(status=self._status, now_ms=1000)

    def _status(self, tx_id: TxId) -> TxStatus:
        return self.statuses.get(tx_id, TxStatus.PENDING)

    def wait(self, tx_id: TxId, within_ms: int = 100) -> Awaited:
        answer = self.waits.wait(tx_id, _response(tx_id), within_ms)
        assert isinstance(answer, Awaited)
        return answer

    def commit(self, tx_id: TxId) -> None:
        self.statuses[tx_id] = TxStatus.COMMITTED
        self.waits.committed(tx_id)


def _response(tx_id: TxId) -> Response:
    return Response(status=200, headers={TX_ID_HEADER: str(tx_id)}, body=b"made")


def _outcome(awaited: Awaited) -> tuple[int, str, str]:
    response = awaited.response
    assert response is not None
    headers = response.headers
    return response.status, headers[TX_ID_HEADER], headers[STATUS_HEADER]


def _code(response: Response | None) -> object:
    assert response is not None
    error = json.loads_object(response.body)["error"]
    assert isinstance(error, dict)
    return error["code"]


def test_what_is_committed_already_waits_for_nothing() -> None:
    ledger = Ledger()
    ledger.statuses[TxId(2, 5)] = TxStatus.COMMITTED
    response = _response(TxId(2, 5))
    assert ledger.waits.wait(TxId(2, 5), response, 100) is response
    assert response.headers[STATUS_HEADER] == "Committed"
    assert len(ledger.waits) == 0


def test_a_response_comes_with_the_commit_of_its_transaction() -> None:
    ledger = Ledger()
    third, second, first = (ledger.wait(TxId(2, seqno)) for seqno in (7, 6, 5))
    ledger.commit(TxId(2, 5))
    assert _outcome(first) == (200, "2.5", "Committed")
    assert not second.is_settled
    ledger.statuses[TxId(2, 6)] = TxStatus.COMMITTED
    ledger.commit(TxId(2, 7))
    assert [_outcome(a)[1] for a in (second, third)] == ["2.6", "2.7"]
    assert len(ledger.waits) == 0


def test_a_transaction_that_another_took_the_place_of_is_invalid() -> None:
    ledger = Ledger()
    lost, kept = ledger.wait(TxId(2, 6)), ledger.wait(TxId(2, 5))
    ledger.statuses |= {
        TxId(2, 6): TxStatus.INVALID,
        TxId(2, 5): TxStatus.COMMITTED,
    }
    ledger.waits.committed(TxId(4, 6))
    assert _outcome(lost) == (503, "2.6", "Invalid")
    assert _code(lost.response) == "TransactionInvalid"
    assert _outcome(kept) == (200, "2.5", "Committed")


def test_a_transaction_beyond_a_later_views_commit_is_invalid_too() -> None:
    ledger = Ledger()
    ledger.commit(TxId(2, 3))
    lost = ledger.wait(TxId(2, 9))
    other = ledger.wait(TxId(4, 9))
    ledger.statuses[TxId(2, 9)] = TxStatus.INVALID
    ledger.waits.committed(TxId(4, 5))
    assert _outcome(lost) == (503, "2.9", "Invalid")
    assert not other.is_settled


def test_what_is_invalid_already_is_told_at_once() -> None:
    ledger = Ledger()
    ledger.statuses[TxId(2, 5)] = TxStatus.INVALID
    answer = ledger.waits.wait(TxId(2, 5), _response(TxId(2, 5)), 100)
    assert isinstance(answer, Response)
    assert _code(answer) == "TransactionInvalid"


@pytest.mark.parametrize("status", [TxStatus.PENDING, TxStatus.UNKNOWN])
def test_who_waited_long_enough_is_told_how_things_stand(status: TxStatus) -> None:
    ledger = Ledger()
    ledger.statuses[TxId(2, 5)] = status
    short, long = ledger.wait(TxId(2, 5), 50), ledger.wait(TxId(2, 5), 90)
    ledger.waits.tick(1049)
    assert not short.is_settled
    ledger.waits.tick(1050)
    assert _outcome(short) == (504, "2.5", status)
    assert _code(short.response) == "TransactionPendingOrUnknown"
    assert b"within 50ms" in (short.response.body if short.response else b"")
    ledger.waits.tick(1089)
    assert not long.is_settled
    ledger.waits.tick(1090)
    assert _outcome(long)[0] == 504
    ledger.waits.tick(9999)
    assert len(ledger.waits) == 0


def test_only_so_many_wait_and_the_gone_give_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "COMMIT_WAITS_MAX", 2)
    ledger = Ledger()
    ledger.waits.admit()
    first = ledger.wait(TxId(2, 5))
    ledger.waits.admit()
    ledger.wait(TxId(2, 6))
    with pytest.raises(ApiError) as refused:
        ledger.waits.admit()
    assert _code(refused.value.response()) == "TooManyPendingTransactions"
    assert refused.value.headers == {"retry-after": "3"}
    first.abandon()
    ledger.waits.admit()
    assert len(ledger.waits) == 1


def test_waits_are_timed_until_they_end() -> None:
    ledger = Ledger()
    first, second = TxId(2, 5), TxId(2, 6)
    ledger.wait(first)
    ledger.wait(second, within_ms=50)
    ledger.waits.tick(1020)
    ledger.commit(first)
    ledger.waits.tick(1050)
    assert ledger.waits.waited_ms.total == 20 + 50
    assert sum(ledger.waits.waited_ms.counts) == 2


def test_who_makes_the_answer_is_called_once_it_is_decided() -> None:
    ledger = Ledger()
    called: list[Awaited] = []
    late = ledger.waits.decide(TxId(2, 9), called.append, 100)
    early = ledger.waits.decide(TxId(2, 5), called.append, 200)
    ledger.commit(TxId(2, 5))
    assert called == [early]
    ledger.waits.tick(1100)
    assert called == [early, late]
    assert not any(each.is_settled for each in called), "others make the answer"
    at_once = ledger.waits.decide(TxId(2, 5), called.append, 100)
    assert called == [early, late, at_once]
    assert len(ledger.waits) == 0


LAST = TxId(2, 5)
WAIT = "x-ccfpy-wait-for-commit"


class WatchedLedger:
    """What is committed, which the test decides."""

    def __init__(self, committed: TxId | None = LAST) -> None:
        self.last = committed
        self.watches = CommitWatches(committed=lambda: self.last, now_ms=1000)
        self.answers = 0

    def _answer(self) -> Response:
        self.answers += 1
        return Response(status=200, body=str(self.last).encode())

    def watch(self, known: TxId, within_ms: int = 100) -> Response | Awaited:
        return self.watches.watch(known, self._answer, within_ms)

    def wait(self, known: TxId, within_ms: int = 100) -> Awaited:
        answer = self.watch(known, within_ms)
        assert isinstance(answer, Awaited)
        return answer

    def commit(self, tx_id: TxId) -> None:
        self.last = tx_id
        self.watches.committed(tx_id)


def said(answer: Response | Awaited) -> str | None:
    response = answer.response if isinstance(answer, Awaited) else answer
    return None if response is None else response.body.decode()


@pytest.mark.parametrize(
    ("known", "is_news"),
    [
        (TxId(2, 4), True),
        (TxId(2, 5), False),
        (TxId(2, 6), False),
        (TxId(1, 9), True),
        (TxId(3, 1), False),
        (TxId(0, 4), True),
        (TxId(0, 5), False),
    ],
)
def test_only_who_knows_less_is_answered_at_once(known: TxId, is_news: bool) -> None:
    ledger = WatchedLedger()
    assert isinstance(ledger.watch(known), Response) is is_news
    assert len(ledger.watches) == (0 if is_news else 1)


def test_the_next_commit_answers_all_that_it_is_news_to() -> None:
    ledger = WatchedLedger()
    waits = [ledger.wait(TxId(*known)) for known in ((2, 5), (2, 7), (0, 6), (0, 7))]
    ledger.commit(TxId(2, 7))
    assert [said(wait) for wait in waits] == ["2.7", None, "2.7", None]
    ledger.commit(TxId(4, 8))
    assert [said(wait) for wait in waits] == ["2.7", "4.8", "2.7", "4.8"]
    assert len(ledger.watches) == 0


def test_a_node_that_has_committed_nothing_lets_callers_wait() -> None:
    ledger = WatchedLedger(committed=None)
    wait = ledger.wait(TxId(0, 0))
    ledger.commit(TxId(2, 1))
    assert said(wait) == "2.1"


def test_whose_time_is_over_learns_what_is_committed() -> None:
    ledger = WatchedLedger()
    short, long = ledger.wait(TxId(2, 5), 50), ledger.wait(TxId(2, 5), 100)
    ledger.watches.tick(1049)
    assert not short.is_settled
    ledger.watches.tick(1050)
    assert (said(short), said(long)) == ("2.5", None)
    ledger.watches.tick(1100)
    assert said(long) == "2.5"
    assert len(ledger.watches) == 0


def test_only_so_many_watch_and_the_gone_give_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(commits, "COMMIT_WATCHES_MAX", 2)
    ledger = WatchedLedger()
    first = ledger.wait(TxId(2, 5))
    ledger.wait(TxId(2, 5))
    with pytest.raises(ApiError) as refused:
        ledger.watch(TxId(2, 5))
    error = json.loads_object(refused.value.response().body)["error"]
    assert isinstance(error, dict)
    assert error["code"] == "TooManyPendingTransactions"
    assert refused.value.headers == {"retry-after": "3"}
    assert said(ledger.watch(TxId(2, 4))) == "2.5", "who need not wait needs no place"
    first.abandon()
    ledger.wait(TxId(2, 5))
    assert len(ledger.watches) == 2


@pytest.mark.parametrize(
    "end",
    [lambda it: it.commit(TxId(2, 6)), lambda it: it.watches.tick(1100)],
    ids=["commit", "time"],
)
def test_for_a_caller_that_has_gone_no_answer_is_made(
    end: Callable[[WatchedLedger], None],
) -> None:
    ledger = WatchedLedger()
    ledger.wait(TxId(2, 5)).abandon()
    end(ledger)
    assert (ledger.answers, len(ledger.watches)) == (0, 0)


def last_commit(node: InProcessNode) -> TxId:
    node.advance(5000)  # so that all there is has been signed
    body = json.loads_object(node.request("GET", "/node/commit").body)
    return TxId.parse(str(body["transaction_id"]))


def ask(client: Client, after: object, wait_ms: int | None = None) -> list[bytes]:
    """Ask for news, and return the bodies that have come."""
    header = "" if wait_ms is None else f"{WAIT}: {wait_ms}\r\n"
    text = f"GET /node/commit?after={after} HTTP/1.1\r\n{header}\r\n"
    return [answer.body for answer in client.send(text.encode())]


def write_and_commit(node: InProcessNode, alice: Person) -> None:
    assert (
        node.request("PUT", "/app/notes", body={"a": "b"}, person=alice).status == 200
    )
    node.advance(2000)


@pytest.mark.parametrize("behind", [0, 1, 5])
def test_who_knows_less_is_answered_at_once(node: InProcessNode, behind: int) -> None:
    last = last_commit(node)
    plain = node.request("GET", "/node/commit").body
    known = ["0.0", 0, last.seqno - 1, last._replace(seqno=last.seqno - 1), "1.9999"]
    after = known[behind] if behind < len(known) else 0
    assert ask(node.connect(), after) == [plain]


def test_the_next_commit_answers(node: InProcessNode, alice: Person) -> None:
    last = last_commit(node)
    by_id, by_seqno = node.connect(), node.connect()
    assert ask(by_id, last, 30_000) == ask(by_seqno, last.seqno, 30_000) == []
    write_and_commit(node, alice)
    for client in (by_id, by_seqno):
        (answer,) = client.receive()
        told = json.loads_object(answer.body)
        assert answer.status == 200
        assert TxId.parse(str(told["transaction_id"])).seqno > last.seqno


@pytest.mark.parametrize("wait_ms", [None, 500, limits.COMMIT_WAIT_MS_MAX])
def test_without_news_the_answer_comes_when_the_time_is_over(
    node: InProcessNode, wait_ms: int | None
) -> None:
    last = last_commit(node)
    client = node.connect()
    assert ask(client, last, wait_ms) == []
    node.advance((wait_ms or COMMIT_WATCH_MS) - 1)
    assert client.receive() == []
    node.advance(1)
    (answer,) = client.receive()
    assert json.loads_object(answer.body) == {"transaction_id": str(last)}


@pytest.mark.parametrize(
    "after", ["", "x", "-1", "2.", ".2", "2.x", "0.1", str(1 << 64)]
)
def test_what_is_no_transaction_is_refused(node: InProcessNode, after: str) -> None:
    answer = node.request("GET", f"/node/commit?after={after}")
    assert answer.status == 400
    assert b"InvalidQueryParameterValue" in answer.body


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("&view_history=maybe", {}),
        ("", {WAIT: "0"}),
        ("", {WAIT: str(limits.COMMIT_WAIT_MS_MAX + 1)}),
    ],
)
def test_a_wrong_request_is_refused_before_it_waits(
    node: InProcessNode, query: str, headers: dict[str, str]
) -> None:
    path = f"/node/commit?after={last_commit(node)}{query}"
    assert node.request("GET", path, headers=headers).status == 400


def test_a_session_that_ends_leaves_its_place(
    node: InProcessNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commits, "COMMIT_WATCHES_MAX", 1)
    last = last_commit(node)
    first = node.connect()
    assert ask(first, last) == []
    (refused,) = ask(node.connect(), last)
    assert b"TooManyPendingTransactions" in refused
    assert len(ask(node.connect(), 0)) == 1, "who need not wait needs no place"
    node.step(SessionClosed(session=first.session))
    assert ask(node.connect(), last) == []
    assert len(replica_of(node).commit_watches) == 1


def test_other_frontends_answer_as_ccf_does(node: InProcessNode) -> None:
    last = last_commit(node)
    plain = node.request("GET", "/app/commit")
    answer = node.request("GET", f"/app/commit?after={last}")
    assert (answer.status, answer.body) == (200, plain.body)
