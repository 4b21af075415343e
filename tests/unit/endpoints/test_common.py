from dataclasses import replace

import pytest

from ccfpy.base import json
from ccfpy.base.ids import TxId
from ccfpy.base.json import Json
from ccfpy.consensus.status import TxStatus
from ccfpy.endpoints.common import add_common_endpoints
from ccfpy.endpoints.history import HistoricalState
from ccfpy.endpoints.openapi import document
from ccfpy.http.messages import Response
from ccfpy.ledger import tx_receipt
from ccfpy.ledger.tx_receipt import ReceiptForm, TxReceipt
from tests.unit.client.test_receipt_forms import PROOF
from tests.unit.endpoints.world import Front, Past, StoreNode

PROVED = PROOF.txid
QUERY = f"transaction_id={PROVED}"


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
    ("status", "code"),
    [
        (TxStatus.UNKNOWN, "TransactionPendingOrUnknown"),
        (TxStatus.PENDING, "TransactionPendingOrUnknown"),
        (TxStatus.INVALID, "TransactionInvalid"),
    ],
)
def test_a_receipt_needs_a_committed_transaction(status: TxStatus, code: str) -> None:
    front = _front(StoreNode(statuses={PROVED: status}))
    response = front.call("GET", "/receipt", query=QUERY)
    assert _error(response)[:2] == (404, code)


def _proving(proof: TxReceipt = PROOF) -> Front:
    """Return endpoints of a node that has one transaction's past state at hand."""
    state = HistoricalState(PROVED, {}, lambda: proof)
    past = Past(states={PROVED.seqno: state})
    return _front(StoreNode(statuses={PROVED: TxStatus.COMMITTED}, history=past))


def test_a_receipt_is_asked_for_until_it_is_at_hand() -> None:
    front = _proving()
    state = front.node.history.states.pop(PROVED.seqno)
    waiting = front.call("GET", "/receipt", query=QUERY)
    assert (waiting.status, waiting.headers["retry-after"]) == (202, "3")
    front.node.history.states[PROVED.seqno] = state
    response = front.call("GET", "/receipt", query=QUERY)
    assert (response.status, response.headers["content-type"]) == (
        200,
        "application/json",
    )
    assert response.body == json.dumps(PROOF.describe_v1())


@pytest.mark.parametrize(
    "form", [form for form in ReceiptForm if form != "endorsements"]
)
def test_a_receipt_is_given_in_the_form_that_is_asked_for(form: ReceiptForm) -> None:
    response = _proving().call("GET", "/receipt", query=f"{QUERY}&form={form}")
    assert response.body == tx_receipt.write(PROOF, form)
    assert response.headers["content-type"] == tx_receipt.CONTENT_TYPES[form]


def test_endorsements_are_given_where_there_are_any() -> None:
    query = f"{QUERY}&form=endorsements"
    none = _proving().call("GET", "/receipt", query=query)
    assert _error(none) == (
        404,
        "ResourceNotFound",
        "Transaction 2.4 has no receipt of the form endorsements.",
    )
    endorsed = replace(PROOF, cose_endorsements=(b"one",))
    given = _proving(endorsed).call("GET", "/receipt", query=query)
    assert json.loads(given.body) == {"endorsements": ["b25l"]}


def test_there_are_no_other_forms() -> None:
    front = _front()
    response = front.call("GET", "/receipt", query=f"{QUERY}&form=xml")
    assert _error(response)[:2] == (400, "InvalidQueryParameterValue")
    assert front.node.history.asked == {}, "nothing was fetched"


def test_only_json_needs_somebody_who_takes_it() -> None:
    headers = {"accept": "application/cose"}
    front = _proving()
    refused = front.call("GET", "/receipt", query=QUERY, headers=headers)
    assert _error(refused)[:2] == (406, "UnsupportedContentType")
    query = f"{QUERY}&form=cose"
    assert front.call("GET", "/receipt", query=query, headers=headers).status == 200


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
