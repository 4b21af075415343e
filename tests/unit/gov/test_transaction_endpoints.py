"""Members may ask what became of a transaction."""

import json

import pytest

from ccfpy.kv.store import Store
from tests.unit.gov.conftest import Governed, body


def test_a_transactions_status_is_told(governed: Governed) -> None:
    read = body(governed.get("/service/transactions/2.1"))
    assert read == {"status": "Committed", "transactionId": "2.1"}
    read = body(governed.get("/service/transactions/9.9"))
    assert read == {"status": "Unknown", "transactionId": "9.9"}


@pytest.mark.parametrize("text", ["2", "2.", "a.b", "0.1", "committed"])
def test_what_is_no_transaction_id_is_refused(governed: Governed, text: str) -> None:
    reply = governed.get(f"/service/transactions/{text}")
    assert reply.status == 400
    assert json.loads(reply.body)["error"] == {
        "code": "InvalidQueryParameterValue",
        "message": f"The value '{text}' passed as parameter 'transactionId' could not "
        "be converted to a valid Transaction ID.",
    }


def test_the_last_committed_transaction_is_told(governed: Governed) -> None:
    last = f"2.{governed.store.version}"
    read = body(governed.get("/service/transactions/commit"))
    assert read == {"status": "Committed", "transactionId": last}


def test_before_any_commit_there_is_none(
    governed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(governed.frontend._node, "store", Store())
    read = body(governed.get("/service/transactions/commit"))
    assert read == {"status": "Unknown", "transactionId": "0.0"}
