"""Receipts of a confidential ledger, and the claims in them."""

import base64

import pytest

from apps.confidential_ledger.claims import claims_digest
from apps.confidential_ledger.receipts import NO_CLAIMS, in_camel_case
from apps.confidential_ledger.tables import Entry
from ccfpy.base.json import JsonObject
from ccfpy.testing.apps import Caller, Service
from tests.apps.confidential import MARK, append, path


@pytest.mark.ccf(**MARK)
def test_a_receipt_proves_the_entry(ccf_service: Service, ccf_user: Caller) -> None:
    written = append(ccf_user, "proved", collectionId="a")
    below = f"transactions/{written.txid}/receipt"
    waiting = {"state": "Loading", "transactionId": str(written.txid)}
    assert ccf_user.get(path(below)).object() == waiting
    ccf_service.wait_committed()

    answer = ccf_user.get(path(below)).object()
    assert answer["state"] == "Ready"
    match answer["applicationClaims"]:
        case [{"kind": "LedgerEntry", "ledgerEntry": dict(claim)}]:
            pass
        case other:
            raise AssertionError(other)
    key = base64.b64decode(str(claim.pop("secretKey")))
    assert claim == {
        "collectionId": "a",
        "contents": "proved",
        "protocol": "LedgerEntryV1",
    }
    digest = claims_digest("a", Entry(contents="proved", secret_key=key))
    ccf_service.receipt(written, claims_digest=digest)
    receipt = answer["receipt"]
    assert isinstance(receipt, dict)
    leaf = receipt["leafComponents"]
    assert isinstance(leaf, dict)
    assert leaf["claimsDigest"] == digest.hex()
    assert set(leaf) == {"claimsDigest", "commitEvidence", "writeSetDigest"}
    assert set(receipt) == {"cert", "leafComponents", "nodeId", "proof", "signature"}


@pytest.mark.ccf(**MARK)
def test_any_transaction_has_a_receipt(ccf_service: Service, ccf_user: Caller) -> None:
    signature = ccf_service.wait_committed()
    answer = ccf_user.get(path(f"transactions/{signature}/receipt")).object()
    assert "applicationClaims" not in answer
    receipt = answer["receipt"]
    assert isinstance(receipt, dict)
    assert "leaf" in receipt


def test_the_digest_of_a_claim_is_azures() -> None:
    entry = Entry(contents="contents", secret_key=bytes(range(32)))
    assert claims_digest("subledger:0", entry).hex() == DIGEST


DIGEST = "dacdf3a1acc701bc748e8a025b562c386b8c5abe6ddfc3015b28ad2e1941d529"
"""As a verifier of Azure's computes it."""


@pytest.mark.parametrize(
    ("receipt", "renamed"),
    [
        ({"node_id": "ab"}, {"nodeId": "ab"}),
        ({"service_endorsements": []}, {"serviceEndorsements": []}),
        ({"leaf": "ab"}, {"leaf": "ab"}),
        (
            {"leaf_components": {"write_set_digest": "ab"}},
            {"leafComponents": {"writeSetDigest": "ab", "claimsDigest": NO_CLAIMS}},
        ),
        (
            {"leaf_components": {"claims_digest": "cd"}},
            {"leafComponents": {"claimsDigest": "cd"}},
        ),
    ],
)
def test_fields_have_azures_names(receipt: JsonObject, renamed: JsonObject) -> None:
    assert in_camel_case(receipt) == renamed
