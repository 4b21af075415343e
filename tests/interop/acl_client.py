"""Use Azure's client of a confidential ledger, as its documentation does.

Arguments: the endpoint, the address of the identity service, the ledger's id, and
``certificate`` with a PEM of key and certificate, or ``token`` with where to ask for a
token. Prints what the ledger answered.
"""

import json
import os
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from importlib.metadata import version
from typing import Any, TypeAlias

from acl_preview_client import use_preview  # type: ignore[import-not-found]
from azure.confidentialledger import (  # type: ignore[import-not-found]
    ConfidentialLedgerCertificateCredential,
    ConfidentialLedgerClient,
)
from azure.confidentialledger.certificate import (  # type: ignore[import-not-found]
    ConfidentialLedgerCertificateClient,
)
from azure.confidentialledger.receipt import (  # type: ignore[import-not-found]
    verify_receipt,
)
from azure.core.credentials import AccessToken  # type: ignore[import-not-found]
from azure.core.exceptions import (  # type: ignore[import-not-found]
    HttpResponseError,
    ResourceNotFoundError,
)

Client: TypeAlias = Any

USER = "0f8fad5b-d9cb-469f-a165-70867728950e"
ENTRIES = 3
QUICKLY = {"polling_interval": 0.02}


class Token:
    """The token of a managed identity, as Azure App Service gives it."""

    def __init__(self, endpoint: str) -> None:
        query = "api-version=2019-08-01&resource=https://confidential-ledger.azure.com"
        header = {"X-IDENTITY-HEADER": os.environ["IDENTITY_HEADER"]}
        asked = urllib.request.Request(f"{endpoint}?{query}", headers=header)
        with urllib.request.urlopen(asked) as answer:
            self.given = json.loads(answer.read())

    def get_token(self, *_scopes: str, **_more: object) -> Any:  # noqa: ANN401
        given = self.given
        return AccessToken(given["access_token"], int(given["expires_on"]))


def plain(value: Any) -> Any:  # noqa: ANN401
    """Return a model as JSON has it."""
    return value.as_dict() if hasattr(value, "as_dict") else value


def refused(
    call: Callable[..., object], *arguments: str, **named: str
) -> list[object] | None:
    """Return how a call is refused."""
    try:
        call(*arguments, **named)
    except HttpResponseError as error:
        return [type(error).__name__, error.status_code]
    return None


def use_entries(client: Client, service_certificate: str) -> dict[str, object]:
    """Append, read, list, and verify a receipt."""
    collection = f"collection-{time.monotonic_ns()}"
    written = [
        client.begin_create_ledger_entry(
            {"contents": f"text {at}"}, collection_id=collection, **QUICKLY
        ).result()
        for at in range(ENTRIES)
    ]
    ids = [each["transactionId"] for each in written]
    entry = client.begin_get_ledger_entry(
        ids[0], collection_id=collection, **QUICKLY
    ).result()
    receipt = plain(client.begin_get_receipt(ids[0], **QUICKLY).result())
    claims = receipt["applicationClaims"]
    verify_receipt(receipt["receipt"], service_certificate, application_claims=claims)
    claims[0]["ledgerEntry"]["contents"] = "another text"
    try:
        verify_receipt(
            receipt["receipt"], service_certificate, application_claims=claims
        )
    except ValueError:
        refuses_another = True
    else:
        refuses_another = False
    listed = [*client.list_ledger_entries(collection_id=collection)]
    part = client.list_ledger_entries(
        collection_id=collection, from_transaction_id=ids[1], to_transaction_id=ids[1]
    )
    current = client.get_current_ledger_entry(collection_id=collection)
    collections = [plain(each)["collectionId"] for each in client.list_collections()]
    default = client.create_ledger_entry({"contents": "default"})
    return {
        "entry": plain(plain(entry)["entry"])["contents"],
        "refuses_another": refuses_another,
        "listed": [plain(each)["contents"] for each in listed],
        "listed_ids": [plain(each)["transactionId"] for each in listed] == ids,
        "part": [plain(each)["contents"] for each in part],
        "current": plain(current)["contents"],
        "is_listed": collection in collections,
        "default": default["collectionId"],
        "status": plain(client.get_transaction_status(ids[0]))["state"],
        "waited": plain(client.begin_wait_for_commit(ids[0], **QUICKLY).result())[
            "state"
        ],
        "read_at_once": plain(client.get_ledger_entry(ids[0]))["state"],
        "receipt_at_once": plain(client.get_receipt(ids[0]))["state"],
        "lost": refused(client.get_ledger_entry, "1.2"),
        "unknown": refused(client.get_transaction_status, "2.99999999"),
        "no_collection": refused(client.get_current_ledger_entry, collection_id="none"),
    }


def use_users(client: Client) -> dict[str, object]:
    """Add, read, change and remove a user."""
    added = client.create_or_update_user(USER, {"assignedRole": "Reader"})
    changed = client.create_or_update_user(USER, {"assignedRole": "Contributor"})
    read = client.get_user(USER)
    client.delete_user(USER)
    try:
        client.get_user(USER)
    except ResourceNotFoundError:
        is_gone = True
    else:
        is_gone = False
    roles = [plain(each)["assignedRole"] for each in (added, changed, read)]
    return {"roles": roles, "is_gone": is_gone, "user": plain(read)["userId"]}


def describe(client: Client) -> dict[str, object]:
    """Read what the service is."""
    quotes = plain(client.get_enclave_quotes())
    constitution = plain(client.get_constitution())
    return {
        "digest": constitution["digest"],
        "members": len([*client.list_consortium_members()]),
        "has_own_quote": quotes["currentNodeId"] in quotes["enclaveQuotes"],
    }


def certificate_of(identity_service: str, ledger_id: str) -> str:
    """Return the certificate that the identity service tells."""
    client = ConfidentialLedgerCertificateClient(certificate_endpoint=identity_service)
    identity = client.get_ledger_identity(ledger_id)
    return str(identity["ledgerTlsCertificate"])


def main(
    endpoint: str, identity_service: str, ledger_id: str, kind: str, credential: str
) -> None:
    """Use a ledger, and print what it answered."""
    made = {"certificate": ConfidentialLedgerCertificateCredential, "token": Token}
    certificate = certificate_of(identity_service, ledger_id)
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(certificate)
        file.flush()
        client = ConfidentialLedgerClient(
            endpoint, made[kind](credential), ledger_certificate_path=file.name
        )
        told = {
            "entries": use_entries(client, certificate),
            "users": use_users(client),
            "service": describe(client),
        }
        if not version("azure-confidentialledger").startswith("1."):
            told["preview"] = use_preview(client)
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
