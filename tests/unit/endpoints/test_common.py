import pytest

from ccfpy.base import json
from ccfpy.base.ids import NodeId, TxId
from ccfpy.base.json import Json
from ccfpy.consensus.status import TxStatus
from ccfpy.endpoints.common import add_common_endpoints
from ccfpy.endpoints.openapi import document
from ccfpy.http.messages import Response
from ccfpy.ledger.receipt import Receipt
from tests.unit.endpoints.world import Front, StoreNode


def _front(node: StoreNode | None = None) -> Front:
    front = Front([], node or StoreNode())
    add_common_endpoints(front.frontend.registry)
    return front


def _error(response: Response) -> tuple[int, Json, Json]:
    error = json.loads_object(response.body)["error"]
    assert isinstance(error, dict)
    return response.status, error["code"], error["message"]


def test_commit_names_what_is_committed() -> None:
    front = _front()
    assert json.loads(front.call("GET", "/commit").body) == {"transaction_id": "0.0"}
    front.node.committed = TxId(2, 7)
    assert json.loads(front.call("GET", "/commit").body) == {"transaction_id": "2.7"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("view_history=true", ["2.1", "4.9"]),
        ("view_history=false", None),
        ("view_history_since=3", ["4.9"]),
        ("view_history_since=1", ["2.1", "4.9"]),
        ("view_history_since=3&view_history=true", ["2.1", "4.9"]),
        ("view_history_since=3&view_history=false", None),
    ],
)
def test_commit_lists_views_if_asked(query: str, expected: Json) -> None:
    front = _front(StoreNode(view=4, views=[TxId(2, 1), TxId(4, 9)]))
    body = json.loads_object(front.call("GET", "/commit", query=query).body)
    assert body.get("view_history") == expected


@pytest.mark.parametrize(
    ("query", "status", "message"),
    [
        (
            "view_history=maybe",
            400,
            "Invalid value for view_history, must be one of [true, false] when present",
        ),
        (
            "view_history_since=x",
            400,
            "Unable to parse value 'x' in parameter 'view_history_since'",
        ),
        (
            "view_history_since=0",
            400,
            "Invalid value for view_history_since, must be in range [1, current_term]",
        ),
        (
            "view_history_since=5",
            404,
            "Invalid value for view_history_since, must be in range [1, current_term]",
        ),
    ],
)
def test_commit_refuses_views_that_never_were(
    query: str, status: int, message: str
) -> None:
    response = _front(StoreNode(view=4)).call("GET", "/commit", query=query)
    assert _error(response) == (status, "InvalidQueryParameterValue", message)


@pytest.mark.parametrize("status", list(TxStatus))
def test_tx_tells_what_became_of_a_transaction(status: TxStatus) -> None:
    front = _front(StoreNode(statuses={TxId(2, 5): status}))
    response = front.call("GET", "/tx", query="transaction_id=2.5")
    assert json.loads(response.body) == {"transaction_id": "2.5", "status": status}


@pytest.mark.parametrize(
    ("path", "query", "message"),
    [
        ("/tx", "", "Missing query parameter 'transaction_id'"),
        (
            "/tx",
            "transaction_id=2",
            (
                "The value '2' passed as query parameter 'transaction_id' could not be "
                "converted to a valid Transaction ID."
            ),
        ),
        (
            "/receipt",
            "",
            "Query string must contain a 'transaction_id' parameter",
        ),
        (
            "/receipt",
            "transaction_id=2",
            (
                "The value '2' passed as 'transaction_id' could not be converted to a "
                "valid Tx ID."
            ),
        ),
    ],
)
def test_what_is_no_id_is_refused(path: str, query: str, message: str) -> None:
    response = _front().call("GET", path, query=query)
    assert _error(response) == (400, "InvalidQueryParameterValue", message)


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (TxStatus.UNKNOWN, "TransactionPendingOrUnknown", "is not available."),
        (TxStatus.PENDING, "TransactionPendingOrUnknown", "is not available."),
        (TxStatus.INVALID, "TransactionInvalid", "is invalid."),
        (TxStatus.COMMITTED, "TransactionPendingOrUnknown", "is committed, but this"),
    ],
)
def test_a_receipt_needs_a_committed_transaction_at_hand(
    status: TxStatus, code: str, message: str
) -> None:
    front = _front(StoreNode(statuses={TxId(2, 5): status}))
    response = front.call("GET", "/receipt", query="transaction_id=2.5")
    found = _error(response)
    assert found[:2] == (404, code)
    assert f"Transaction 2.5 {message}" in str(found[2])


def test_a_receipt_is_given_as_json() -> None:
    tx_id = TxId(2, 5)
    receipt = Receipt(
        leaf=b"\1" * 32,
        proof=(),
        signature=b"s",
        node=NodeId("n"),
        certificate="c",
    )
    node = StoreNode(statuses={tx_id: TxStatus.COMMITTED}, receipts={tx_id: receipt})
    response = _front(node).call("GET", "/receipt", query="transaction_id=2.5")
    assert json.loads(response.body) == receipt.to_json()


@pytest.mark.parametrize("path", ["/commit", "/tx"])
def test_who_takes_no_json_is_told_that_there_is_nothing_else(path: str) -> None:
    front = _front(StoreNode(statuses={TxId(2, 5): TxStatus.PENDING}))
    query = "transaction_id=2.5"
    for accept, status in (("*/*", 200), ("text/html, application/*", 200)):
        headers = {"accept": accept}
        assert front.call("GET", path, query=query, headers=headers).status == status
    refused = front.call("GET", path, query=query, headers={"accept": "text/html"})
    assert _error(refused)[:2] == (406, "UnsupportedContentType")
    broken = front.call("GET", path, query=query, headers={"accept": "html"})
    assert _error(broken)[:2] == (400, "InvalidHeaderValue")


def test_an_error_is_json_whatever_its_receiver_takes() -> None:
    refused = _front().call("GET", "/tx", headers={"accept": "text/html"})
    assert _error(refused)[0] == 400


def test_api_is_the_document_of_all_that_is_installed() -> None:
    front = _front()
    served = json.loads(front.call("GET", "/api").body)
    assert served == document(front.frontend.registry)
    assert isinstance(served, dict)
    paths = served["paths"]
    assert isinstance(paths, dict)
    assert set(paths) == {"/app/commit", "/app/tx", "/app/api", "/app/receipt"}
