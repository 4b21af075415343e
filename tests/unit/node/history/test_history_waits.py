"""Callers that wait are answered when it is of use, or when their time is over."""

from dataclasses import dataclass, field

from ccfpy.base import limits
from ccfpy.endpoints.pending import Answer, Awaited
from ccfpy.endpoints.session import Session
from ccfpy.http.messages import Request, Response
from ccfpy.node.history.state_cache import HistoryWaits
from tests.unit.endpoints.world import session
from tests.unit.node.calling import app_code

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
