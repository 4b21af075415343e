"""Endpoints that answer from the past, and what they say while they cannot."""

import pytest

from ccfpy.base import json, limits
from ccfpy.base.ids import TxId
from ccfpy.base.vocabulary import ServiceStatus
from ccfpy.consensus.status import TxStatus
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.declaration import Endpoint, Mode, Operation
from ccfpy.endpoints.history import HistoricalState
from ccfpy.endpoints.history_endpoints import describe_historical, historical
from ccfpy.endpoints.pending import Awaited
from ccfpy.endpoints.replies import text_reply
from ccfpy.http.messages import Request, Response
from ccfpy.kv.maps import STRING, Map
from ccfpy.service.tables import service
from tests.unit.endpoints.world import Front, StoreNode, session
from tests.unit.ledger.made import FIRST

TX = TxId(2, 7)
NOTES = Map("notes", STRING, STRING)
HEADER = {"x-ms-ccf-transaction-id": "2.7"}


def _state(kept: str) -> HistoricalState:
    writes = {NOTES.name: {b"kept": kept.encode()}}
    return HistoricalState(TX, writes, pytest.fail)


def _read(context: Context) -> Response:
    assert context.historical_state is not None
    return text_reply(NOTES.of(context.historical_state.tx).get("kept") or "nothing")


def _front(node: StoreNode | None = None) -> Front:
    node = node or StoreNode()
    node.statuses[TX] = TxStatus.COMMITTED
    node.statuses[TxId(2, 9)] = TxStatus.PENDING
    node.statuses[TxId(1, 7)] = TxStatus.INVALID
    endpoint = Endpoint(
        method="GET", path="/old", handler=historical(_read), mode=Mode.HISTORICAL
    )
    return Front([endpoint], node)


def test_a_state_that_is_there_is_answered_from_at_once() -> None:
    front = _front()
    front.node.history.states[7] = _state("yes")

    response = front.call("GET", "/old", headers=HEADER)

    assert (response.status, response.body) == (200, b"yes")


def test_a_state_that_is_not_there_yet_is_asked_for_and_the_caller_told_to_retry() -> (
    None
):
    front = _front()

    response = front.call("GET", "/old", headers=HEADER)

    assert response.status == 202
    assert response.headers["retry-after"] == "3"
    assert response.headers["content-type"] == "text/plain"
    assert response.body == b"Historical transaction 2.7 is not currently available."
    assert list(front.node.history.asked.values()) == [(7,)]


@pytest.mark.parametrize(
    ("headers", "status", "code", "message"),
    [
        (
            {},
            400,
            "MissingRequiredHeader",
            "Historical query is missing 'x-ms-ccf-transaction-id' header.",
        ),
        (
            {"x-ms-ccf-transaction-id": "7"},
            400,
            "InvalidHeaderValue",
            (
                "The value '7' in header 'x-ms-ccf-transaction-id' could not be "
                "converted to a valid Tx ID."
            ),
        ),
        (
            {"x-ms-ccf-transaction-id": "2.9"},
            404,
            "TransactionPendingOrUnknown",
            "Only committed transactions can be queried. Transaction 2.9 is Pending",
        ),
        (
            {"x-ms-ccf-transaction-id": "2.10"},
            404,
            "TransactionPendingOrUnknown",
            "Only committed transactions can be queried. Transaction 2.10 is Unknown",
        ),
        (
            {"x-ms-ccf-transaction-id": "1.7"},
            404,
            "TransactionInvalid",
            "Only committed transactions can be queried. Transaction 1.7 is Invalid",
        ),
    ],
)
def test_what_cannot_be_asked_for_is_refused_in_ccfs_words(
    headers: dict[str, str], status: int, code: str, message: str
) -> None:
    front = _front()

    response = front.call("GET", "/old", headers=headers)

    error = json.loads_object(response.body)["error"]
    assert response.status == status
    assert error == {"code": code, "message": message}
    assert not front.node.history.asked
    if code == "TransactionPendingOrUnknown":
        assert response.headers["cache-control"] == "no-cache"


def test_a_state_that_is_lost_is_an_error_of_the_service() -> None:
    front = _front()
    front.node.history.failing.add(7)

    response = front.call("GET", "/old", headers=HEADER)

    assert response.status == 500
    assert json.loads_object(response.body)["error"] == {
        "code": "TransactionPendingOrUnknown",
        "message": "Historical transaction 2.7 failed with error: it is lost",
    }


@pytest.mark.parametrize(
    ("status", "created", "expected"),
    [
        (ServiceStatus.RECOVERING, TxId(4, 8), 404),
        (ServiceStatus.WAITING_FOR_RECOVERY_SHARES, TxId(4, 8), 404),
        (ServiceStatus.RECOVERING, TxId(2, 1), 200),
        (ServiceStatus.OPEN, TxId(4, 8), 200),
    ],
)
def test_a_service_that_recovers_tells_nothing_of_the_one_before(
    status: ServiceStatus, created: TxId, expected: int
) -> None:
    node = StoreNode()
    tx = node.begin(read_only=False)
    info = service.ServiceInfo(
        cert=FIRST.certificate.pem,
        status=status,
        current_service_create_txid=created,
    )
    service.INFO.of(tx).put(info)
    node.commit(tx, None)
    front = _front(node)
    node.history.states[7] = _state("yes")

    response = front.call("GET", "/old", headers=HEADER)

    assert response.status == expected
    if expected == 404:
        assert json.loads_object(response.body)["error"] == {
            "code": "TransactionInvalid",
            "message": "Historical transaction 2.7 is not signed by the current "
            "service identity key and cannot be retrieved until recovery is complete.",
        }


def _ask(front: Front, query: str) -> Response | Awaited:
    request = Request(
        method="GET", path="/app/old", query=query, headers=HEADER, body=b""
    )
    return front.frontend.answer(request, session(), "/old")


def test_a_caller_may_wait_for_the_state() -> None:
    front = _front()

    assert isinstance(_ask(front, "wait=500"), Awaited)
    ((_, until, within_ms),) = front.node.history.waiting
    assert within_ms == 500
    assert not until()
    front.node.history.states[7] = _state("yes")
    assert until()


def test_a_caller_for_whom_there_is_no_room_to_wait_is_answered_at_once() -> None:
    front = _front()
    front.node.history.has_room = False

    response = _ask(front, "wait=500")

    assert isinstance(response, Response)
    assert response.status == 202


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("0", 202),
        (str(limits.HISTORY_WAIT_MS_MAX), None),
        (str(limits.HISTORY_WAIT_MS_MAX + 1), 400),
        ("-1", 400),
        ("soon", 400),
        ("", 400),
    ],
)
def test_the_time_to_wait_is_bounded(text: str, status: int | None) -> None:
    response = _ask(_front(), f"wait={text}")

    assert (response.status if isinstance(response, Response) else None) == status


def test_a_document_says_which_transaction_is_asked_for_and_what_may_be_answered() -> (
    None
):
    described = describe_historical(Operation(summary="Read."))
    (header,) = described.parameters
    assert (header["in"], header["name"]) == ("header", "x-ms-ccf-transaction-id")
    assert header["required"]
    assert described.also == {202: "text/plain"}
    assert set(described.components) == {"TransactionId"}
    assert described.summary == "Read."
