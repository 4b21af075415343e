"""Entries of a confidential ledger: appended, read, listed."""

import pytest

from apps.confidential_ledger.limits import ENTRIES_PER_PAGE
from ccfpy.base.ids import TxId
from ccfpy.testing.apps import Caller, Service
from tests.apps.confidential import MARK, append, listed, page_of, path

pytestmark = pytest.mark.ccf(**MARK)

COLLECTIONS = ("subledger:0", "a", "b")


def contents_of(service: Service, **query: str) -> list[str]:
    user = service.user()
    entries = listed(service, user, "transactions", "entries", **query)
    return [str(entry["contents"]) for entry in entries]


def test_an_entry_is_read_by_its_transaction(
    ccf_service: Service, ccf_user: Caller
) -> None:
    answer = append(ccf_user, "first")
    assert answer.object() == {"collectionId": "subledger:0"}
    tx_id = answer.txid
    waiting = ccf_user.get(path(f"transactions/{tx_id}")).object()
    assert waiting == {"state": "Loading"}
    status = ccf_user.get(path(f"transactions/{tx_id}/status")).object()
    assert status == {"state": "Pending", "transactionId": str(tx_id)}

    ccf_service.wait_committed()
    entry = {
        "contents": "first",
        "collectionId": "subledger:0",
        "transactionId": str(tx_id),
    }
    read = ccf_user.get(path(f"transactions/{tx_id}")).object()
    assert read == {"state": "Ready", "entry": entry}
    status = ccf_user.get(path(f"transactions/{tx_id}/status")).object()
    assert status["state"] == "Committed"
    assert ccf_user.get(path("transactions/current")).object() == entry


def test_an_entry_is_of_one_collection(ccf_service: Service, ccf_user: Caller) -> None:
    tx_id = append(ccf_user, "kept", collectionId="a").txid
    ccf_service.wait_committed()
    below = f"transactions/{tx_id}"
    for query in ({}, {"collectionId": "a"}):
        read = ccf_user.get(path(below, **query)).object()
        assert isinstance(read["entry"], dict)
        assert read["entry"]["collectionId"] == "a"
    assert ccf_user.get(path(below, collectionId="b")).status == 404
    assert ccf_user.get(path("transactions/current")).status == 404
    current = ccf_user.get(path("transactions/current", collectionId="a")).object()
    assert current["contents"] == "kept"


def test_collections_are_listed_by_name(ccf_service: Service, ccf_user: Caller) -> None:
    assert listed(ccf_service, ccf_user, "collections", "collections") == []
    for name in COLLECTIONS:
        append(ccf_user, "text", collectionId=name)
    names = [
        item["collectionId"]
        for item in listed(ccf_service, ccf_user, "collections", "collections")
    ]
    assert names == sorted(COLLECTIONS)


@pytest.mark.parametrize("count", [ENTRIES_PER_PAGE - 1, ENTRIES_PER_PAGE])
def test_a_list_has_all_entries_in_order(
    ccf_service: Service, ccf_user: Caller, count: int
) -> None:
    texts = [f"text {at}" for at in range(count + 1)]
    for text in texts:
        append(ccf_user, text, collectionId="a")
        append(ccf_user, "else", collectionId="b")
    ccf_service.wait_committed()
    assert contents_of(ccf_service, collectionId="a") == texts
    assert contents_of(ccf_service) == []


def test_a_list_has_bounds(ccf_service: Service, ccf_user: Caller) -> None:
    ids = [str(append(ccf_user, f"text {at}").txid) for at in range(5)]
    ccf_service.wait_committed()
    part = contents_of(ccf_service, fromTransactionId=ids[1], toTransactionId=ids[3])
    assert part == ["text 1", "text 2", "text 3"]
    backwards = contents_of(
        ccf_service, fromTransactionId=ids[3], toTransactionId=ids[1]
    )
    assert backwards == []


def test_a_list_has_the_entries_of_a_tag(
    ccf_service: Service, ccf_user: Caller
) -> None:
    append(ccf_user, "both", tags="red,blue")
    append(ccf_user, "red", tags="red")
    append(ccf_user, "none")
    append(ccf_user, "other", tags="red", collectionId="a")
    ccf_service.wait_committed()
    assert contents_of(ccf_service, tag="red") == ["both", "red"]
    assert contents_of(ccf_service, tag="blue") == ["both"]
    assert contents_of(ccf_service, tag="red", collectionId="a") == ["other"]
    assert contents_of(ccf_service, tag="green") == []


def test_a_list_to_a_pending_entry_waits_for_commit(
    ccf_service: Service, ccf_user: Caller
) -> None:
    tx_id = append(ccf_user, "soon").txid
    target = path("transactions", toTransactionId=str(tx_id))
    page = page_of(ccf_service, ccf_user, target)
    assert page["state"] == "Ready"
    assert isinstance(page["entries"], list)
    assert len(page["entries"]) == 1


@pytest.mark.parametrize(
    ("below", "query", "status", "code"),
    [
        ("transactions/9", {}, 400, "InvalidTransactionId"),
        ("transactions/9.9/status", {}, 404, "InvalidTransactionId"),
        ("transactions/2.999", {}, 404, "TransactionPendingOrUnknown"),
        ("transactions/1.3/receipt", {}, 404, "InvalidTransactionId"),
        ("transactions", {"fromTransactionId": "x"}, 400, "InvalidTransactionId"),
        (
            "transactions",
            {"toTransactionId": "2.999"},
            404,
            "TransactionPendingOrUnknown",
        ),
        ("transactions", {"collectionId": ""}, 400, "InvalidQueryParameterValue"),
        ("transactions", {"tag": "a,b"}, 400, "InvalidQueryParameterValue"),
        ("collections", {"after": "\n"}, 400, "InvalidQueryParameterValue"),
        (
            "collections",
            {"api-version": "2020-01-01"},
            400,
            "UnsupportedApiVersionValue",
        ),
    ],
)
def test_what_does_not_fit_is_refused(
    ccf_user: Caller, below: str, query: dict[str, str], status: int, code: str
) -> None:
    answer = ccf_user.get(path(below, **query))
    assert (answer.status, answer.error) == (status, code)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"contents": 1}', b'{"contents": "\\ud800"}']
)
def test_an_entry_is_text(ccf_user: Caller, body: bytes) -> None:
    assert ccf_user.post(path("transactions"), body).status == 400


def test_a_version_must_be_said(ccf_user: Caller) -> None:
    answer = ccf_user.get("/app/collections")
    assert (answer.status, answer.error) == (400, "MissingApiVersionParameter")


def test_a_transaction_without_an_entry_is_no_entry(
    ccf_service: Service, ccf_user: Caller
) -> None:
    signature = ccf_service.wait_committed()
    assert isinstance(signature, TxId)
    assert ccf_user.get(path(f"transactions/{signature}")).status == 404


def test_the_service_is_described(ccf_service: Service, ccf_user: Caller) -> None:
    constitution = ccf_user.get(path("governance/constitution")).object()
    assert "export function resolve" in str(constitution["script"])
    (member,) = listed(ccf_service, ccf_user, "governance/members", "members")
    assert member["id"] == ccf_service.member().id
    quotes = ccf_user.get(path("enclaveQuotes")).object()
    assert isinstance(quotes["enclaveQuotes"], dict)
    ((node_id, quote),) = quotes["enclaveQuotes"].items()
    assert node_id == quotes["currentNodeId"]
    assert isinstance(quote, dict)
    assert quote["nodeId"] == node_id
    assert bytes.fromhex(str(quote["mrenclave"])), "the measurement of its code"
