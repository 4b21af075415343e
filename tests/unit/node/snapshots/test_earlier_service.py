"""A snapshot of another service serves a joiner only if its own succeeded that one."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from ccfpy.base import limits
from ccfpy.base.errors import LimitExceeded, Malformed
from ccfpy.base.ids import CallId
from ccfpy.http.messages import Request, Response
from ccfpy.http.tls_calls import ClientContext
from ccfpy.node.host_reads import SnapshotReads
from ccfpy.node.outbound import CallFailed, CallFailure, Outcome
from ccfpy.node.outbox import Outbox
from ccfpy.node.snapshots.fetch import Checked, SnapshotCheck, SnapshotSources
from ccfpy.node.snapshots.starting_point import SnapshotRefused, StartingPoint
from tests.unit.ledger.made import FIRST, SECOND
from tests.unit.node.snapshots.test_starting_point import DATA

TARGET = "10.0.0.1:8000"
"""``DATA`` is of the service ``FIRST``."""


class Way:
    """Takes calls, which the test answers."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.is_full = False
        self._then: Callable[[Outcome], None] | None = None

    def request(
        self,
        address: str,
        request: Request,
        *,
        trust: ClientContext,
        then: Callable[[Outcome], None],
        response_bytes_max: int = limits.HTTP_BODY_BYTES_MAX,
    ) -> CallId:
        if self.is_full:
            raise LimitExceeded("too many calls")
        assert isinstance(trust, ClientContext)
        assert response_bytes_max == limits.HTTP_BODY_BYTES_MAX
        self.asked.append((address, request.url))
        self._then = then
        return CallId(len(self.asked))

    def answer(self, outcome: Outcome) -> None:
        then, self._then = self._then, None
        assert then is not None
        then(outcome)


class Joiner:
    """A node that joins one service."""

    def __init__(self, pinned: str = SECOND.certificate.pem) -> None:
        self.way = Way()
        self.told: list[Checked] = []
        outbox = Outbox()
        self._check = SnapshotCheck(
            (FIRST if pinned == FIRST.certificate.pem else SECOND).certificate,
            TARGET,
            SnapshotSources(
                calls=self.way,
                trust=lambda address: ClientContext(
                    trusted_pem=pinned,
                    host=address.rpartition(":")[0],
                    now=datetime(2025, 6, 1, tzinfo=UTC),
                    checks_name=False,
                ),
                reads=SnapshotReads(outbox),
                outbox=outbox,
            ),
        )

    def check(self, data: bytes = DATA) -> None:
        self._check.check(data, self.told.append)

    @property
    def refusal(self) -> SnapshotRefused:
        refused = self.told[-1]
        assert isinstance(refused, SnapshotRefused)
        return refused


def succeeding(pem: str) -> Response:
    body = json.dumps({"previous_service_identity": pem}).encode()
    return Response(status=200, headers={}, body=body)


def test_a_snapshot_of_the_pinned_service_is_taken_at_once() -> None:
    joiner = Joiner(FIRST.certificate.pem)
    joiner.check()
    assert joiner.told == [StartingPoint.read(DATA, [FIRST.certificate])]
    assert joiner.way.asked == []


def test_one_of_the_service_that_it_succeeded_is_taken_once_that_is_known() -> None:
    joiner = Joiner()
    joiner.check()
    assert joiner.told == []
    assert joiner.way.asked == [(TARGET, "/node/service/previous_identity")]
    joiner.way.answer(succeeding(FIRST.certificate.pem))
    expected = StartingPoint.read(DATA, [FIRST.certificate])
    assert joiner.told == [expected]
    joiner.check()
    assert joiner.told == [expected, expected]
    assert len(joiner.way.asked) == 1, "it knows by now"


@pytest.mark.parametrize(
    "answer",
    [
        Response(status=404, headers={}, body=b'{"error":{}}'),
        CallFailed(failure=CallFailure.UNREACHABLE, detail="refused"),
        Response(status=200, headers={}, body=b"no JSON"),
        Response(status=200, headers={}, body=b"{}"),
        succeeding("no PEM"),
        succeeding(SECOND.certificate.pem),
    ],
)
def test_one_of_any_other_is_refused(answer: Outcome) -> None:
    joiner = Joiner()
    joiner.check()
    joiner.way.answer(answer)
    assert joiner.refusal.is_of_another_service


def test_a_node_that_does_not_answer_is_asked_again_the_next_time() -> None:
    joiner = Joiner()
    joiner.check()
    joiner.way.answer(CallFailed(failure=CallFailure.TIMED_OUT, detail="late"))
    joiner.check()
    joiner.way.answer(succeeding(FIRST.certificate.pem))
    assert isinstance(joiner.told[-1], StartingPoint)


def test_a_damaged_one_is_refused_without_asking() -> None:
    joiner = Joiner()
    joiner.check(DATA[:-1])
    assert isinstance(joiner.told[-1], SnapshotRefused | Malformed)
    assert joiner.way.asked == []


def test_where_nobody_can_be_asked_it_is_refused() -> None:
    joiner = Joiner()
    joiner.way.is_full = True
    joiner.check()
    assert joiner.refusal.is_of_another_service
