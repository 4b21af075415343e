"""Callers wait for past states, and for the commit of their transactions."""

from dataclasses import dataclass, field

import pytest

from ccfpy.app import (
    ApiError,
    App,
    Context,
    Map,
    TxId,
    TxStatus,
    empty_reply,
    json_codec,
    text_reply,
)
from ccfpy.base import limits
from ccfpy.consensus.status import TxStatus as Status
from ccfpy.endpoints.history import HistoricalState
from ccfpy.endpoints.pending import Answer, Awaited
from ccfpy.endpoints.session import Session
from ccfpy.http.messages import Request, Response
from ccfpy.node.history.state_cache import CommitAnswers, HistoryWaits
from ccfpy.node.replication.commits import CommitWaits
from ccfpy.testing.apps import Service
from tests.unit.endpoints.world import session
from tests.unit.node.calling import app_code
from tests.unit.node.history.world import World, recovered

REQUEST = Request(method="GET", path="/app/old")


@dataclass
class Desk:
    """Serves requests, of which one that is not ready yet waits again.

    Attributes:
        is_ready: whether a request is answered in full.
    """

    is_ready: bool = False
    runs: int = 0
    waits: HistoryWaits = field(init=False)

    def __post_init__(self) -> None:
        self.waits = HistoryWaits(self.serve, 0, app_code(), lambda call: call.run())

    def serve(self, request: Request, session_: Session) -> Answer:
        self.runs += 1
        if self.is_ready:
            return Response(status=200)
        awaited = self.waits.wait(request, session_, lambda: self.is_ready, 500)
        return awaited or Response(status=202)

    def ask(self) -> Answer:
        return self.serve(REQUEST, session())

    def pass_time(self, now_ms: int) -> None:
        self.waits.tick(now_ms)
        self.waits.work()


def _status(answer: Answer) -> int | None:
    response = answer.response if isinstance(answer, Awaited) else answer
    return None if response is None else response.status


def test_it_is_run_again_when_that_is_of_use() -> None:
    desk = Desk()
    answer = desk.ask()
    desk.waits.work()
    assert (_status(answer), desk.runs) == (None, 1)

    desk.is_ready = True
    desk.waits.work()

    assert (_status(answer), desk.runs, len(desk.waits)) == (200, 2, 0)


def test_when_its_time_is_over_it_is_answered_as_things_are() -> None:
    desk = Desk()
    answer = desk.ask()
    desk.pass_time(499)
    assert _status(answer) is None

    desk.pass_time(500)

    assert _status(answer) == 202


def test_one_that_is_run_in_vain_has_what_is_left_of_its_time() -> None:
    desk = Desk()
    first = desk.waits.wait(REQUEST, session(), lambda: True, 500)
    assert first is not None
    desk.pass_time(300)
    assert (first.response, len(desk.waits)) == (None, 1)

    desk.pass_time(500)

    assert _status(first) == 202


def test_who_has_gone_is_not_served() -> None:
    desk = Desk()
    answer = desk.ask()
    assert isinstance(answer, Awaited)
    answer.abandon()
    desk.is_ready = True

    desk.waits.work()

    assert (desk.runs, len(desk.waits)) == (1, 0)


def test_only_so_many_wait() -> None:
    desk = Desk()
    for _ in range(limits.HISTORY_WAITS_MAX):
        assert isinstance(desk.ask(), Awaited)

    assert _status(desk.ask()) == 202


def test_what_is_to_run_later_runs_once_at_the_end_of_a_step() -> None:
    desk = Desk()
    awaited = Awaited()
    desk.waits.run_later(lambda: Response(status=201), awaited)
    assert desk.waits.is_time_over, "its time has come"
    assert not awaited.is_settled

    desk.waits.work()
    desk.waits.work()

    assert (_status(awaited), desk.runs, len(desk.waits)) == (201, 0, 0)


app = App("answers")
NOTES = Map("public:notes", json_codec(str), json_codec(str))


@app.post("/notes/{name}")
def keep(ctx: Context, name: str, wait: str = "") -> Response:
    """Keep a note; answer with what its transaction wrote, once it is final."""
    NOTES.of(ctx.tx).put(name, "kept")
    ctx.user_data = name
    if wait:
        ctx.answer_at_commit = MAKERS[wait]
    return empty_reply(202)


def _written(ctx: Context, tx_id: TxId, status: TxStatus) -> Response:
    state = ctx.historical_state
    if state is None:
        return text_reply(f"{status}", status=503)
    assert state.txid == tx_id
    assert state.receipt.cose_receipt() is not None
    assert NOTES.of(ctx.tx).get(f"{ctx.user_data}") == "kept", "a transaction to read"
    return text_reply(f"{NOTES.of(state.tx).get(f'{ctx.user_data}')}", status=201)


def _fail(_: Context, __: TxId, ___: TxStatus) -> Response:
    raise RuntimeError("private")


class _Unanswerable(ApiError):
    def response(self) -> Response:
        raise RuntimeError("private")


def _refuse(_: Context, __: TxId, ___: TxStatus) -> Response:
    raise _Unanswerable(418, "Teapot", "private")


def _refuse_well(_: Context, __: TxId, ___: TxStatus) -> Response:
    raise ApiError(418, "Teapot", "short and stout")


MAKERS = {"write": _written, "fail": _fail, "odd": _refuse, "refuse": _refuse_well}


def test_the_answer_is_made_of_the_committed_state_and_its_receipt() -> None:
    caller = Service.open(app).anybody

    answer = caller.post("/app/notes/a?wait=write")

    assert (answer.status, answer.body) == (201, b"kept")
    assert answer.headers["x-ms-ccf-transaction-id"]
    assert caller.post("/app/notes/a").status == 202


@pytest.mark.parametrize("how", ["fail", "odd"])
def test_a_function_that_fails_is_answered_as_any_defect_is(how: str) -> None:
    service = Service.open(app)

    answer = service.anybody.post(f"/app/notes/a?wait={how}")

    assert (answer.status, answer.error) == (500, "InternalError")
    assert b"private" not in answer.body
    assert answer.headers["x-ms-ccf-transaction-id"], "it is in the ledger"
    assert service.anybody.post("/app/notes/b").status == 202, "the node goes on"


def test_an_error_of_the_function_is_the_answer() -> None:
    answer = Service.open(app).anybody.post("/app/notes/a?wait=refuse")

    assert (answer.status, answer.error) == (418, "Teapot")
    assert answer.headers["x-ms-ccf-transaction-id"]


def test_a_backup_hands_on_what_the_primary_made() -> None:
    service = Service.open(app, nodes=2)
    for node in service.nodes:
        answer = service.anybody.at(node).post("/app/notes/a?wait=write")
        assert (answer.status, answer.body) == (201, b"kept")


def test_what_would_wait_is_refused_before_it_is_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    service = Service.open(app)
    monkeypatch.setattr(limits, "COMMIT_WAITS_MAX", 0)

    answer = service.anybody.post("/app/notes/a?wait=write")

    assert (answer.status, answer.error) == (503, "TooManyPendingTransactions")
    assert service.ledger.table("public:notes") == {}
    assert service.anybody.post("/app/notes/b").status == 202


class CommitDesk:
    """Answers at commit in the world of a ledger that is read back."""

    def __init__(self) -> None:
        self.world = World(recovered())
        self.statuses: dict[TxId, Status] = {}
        self.waits = CommitWaits(status=self._status, now_ms=0)
        self.answers = CommitAnswers(self.waits, self.world.cache)
        self.made: list[tuple[Status, HistoricalState | None]] = []

    def _status(self, tx_id: TxId) -> Status:
        return self.statuses.get(tx_id, Status.PENDING)

    def _make(self, status: Status, state: HistoricalState | None) -> Answer:
        self.made.append((status, state))
        return Response(status=200)

    def ask(self, tx_id: TxId) -> Awaited:
        return self.answers.answer(tx_id, self._make)


def test_a_state_that_must_be_read_back_is_waited_for() -> None:
    desk = CommitDesk()
    tx_id = TxId(2, 3)
    awaited = desk.ask(tx_id)
    desk.statuses[tx_id] = Status.COMMITTED
    desk.waits.committed(tx_id)
    assert not desk.made

    desk.world.work()

    ((status, state),) = desk.made
    assert status is Status.COMMITTED
    assert state is not None
    assert state.txid == tx_id
    assert awaited.is_settled


@pytest.mark.parametrize("status", [Status.INVALID, Status.PENDING])
def test_what_is_lost_or_late_is_told_without_a_state(status: Status) -> None:
    desk = CommitDesk()
    tx_id = TxId(2, 3)
    awaited = desk.ask(tx_id)
    desk.statuses[tx_id] = status
    desk.waits.committed(TxId(4, 1))
    desk.waits.tick(limits.COMMIT_WAIT_MS_MAX)

    desk.world.work()

    assert desk.made == [(status, None)]
    assert awaited.is_settled


def test_nothing_is_made_for_a_caller_who_has_gone() -> None:
    desk = CommitDesk()
    tx_id = TxId(2, 3)
    desk.ask(tx_id).abandon()
    desk.statuses[tx_id] = Status.COMMITTED
    desk.waits.committed(tx_id)

    desk.world.work()

    assert not desk.made


def test_a_state_that_does_not_come_is_not_waited_for_twice() -> None:
    desk = CommitDesk()
    tx_id = TxId(2, 3)
    desk.statuses[tx_id] = Status.COMMITTED
    awaited = desk.ask(tx_id)
    desk.world.cache.work()

    desk.world.cache.tick(limits.HISTORY_WAIT_MS_MAX)
    desk.world.cache.work()

    assert desk.made == [(Status.PENDING, None)]
    assert awaited.is_settled
