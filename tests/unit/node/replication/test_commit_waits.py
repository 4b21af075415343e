"""Responses that wait for commit: what settles them, and how many there may be."""

import pytest

from ccfpy.base import json, limits
from ccfpy.base.ids import TxId
from ccfpy.consensus.status import TxStatus
from ccfpy.endpoints.commit_wait import STATUS_HEADER
from ccfpy.endpoints.frontend import TX_ID_HEADER
from ccfpy.endpoints.pending import Awaited
from ccfpy.http.errors import ApiError
from ccfpy.http.messages import Response
from ccfpy.node.replication.commits import CommitWaits


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
