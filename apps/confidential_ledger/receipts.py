"""Receipts: the proof of a transaction, and the claims that it proves."""

import base64

from apps.confidential_ledger.app import app
from apps.confidential_ledger.asked import Transaction
from apps.confidential_ledger.callers import Reader
from apps.confidential_ledger.claims import describe_claim
from apps.confidential_ledger.entries import entry_in
from apps.confidential_ledger.past import LOADING, READY, state_of
from ccfpy.app import Context, Forwarding, Json, JsonObject

NO_CLAIMS = "00" * 32
"""The digest of a transaction that claims nothing."""
_LEAF = "leafComponents"
_DIGEST = "claimsDigest"


def in_camel_case(receipt: JsonObject) -> JsonObject:
    """Rename the fields of a receipt as Azure names them.

    A verifier of Azure's needs a digest of claims also where nothing is claimed.
    """
    renamed = {_camel(name): value for name, value in receipt.items()}
    leaf = renamed.get(_LEAF)
    if isinstance(leaf, dict):
        parts: JsonObject = {_camel(name): value for name, value in leaf.items()}
        renamed[_LEAF] = {_DIGEST: NO_CLAIMS, **parts}
    return renamed


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


@app.get("/transactions/{transaction_id}/receipt", forwarding=Forwarding.NEVER)
def read_receipt(ctx: Context, _: Reader, transaction: Transaction) -> JsonObject:
    """Read the receipt of a transaction, and the claims that lead to its digest."""
    state = state_of(ctx, transaction)
    if state is None:
        return {"state": LOADING, "transactionId": str(transaction)}
    answer: JsonObject = {
        "state": READY,
        "transactionId": str(transaction),
        "receipt": in_camel_case(state.receipt.describe_v1()),
    }
    found = entry_in(state, None)
    if found is not None:
        collection, entry = found
        key = base64.b64encode(entry.secret_key).decode()
        claims: list[Json] = [describe_claim(collection, entry, key)]
        answer["applicationClaims"] = claims
    return answer
