"""The claim of an entry, which the receipt of its transaction proves.

The digest binds collection and contents under a key that only readers learn, so that a
receipt without the key tells nothing of the entry.
"""

import hmac
from hashlib import sha256

from apps.confidential_ledger.tables import Entry
from ccfpy.app import JsonObject

PROTOCOL = "LedgerEntryV1"
KIND = "LedgerEntry"
SECRET_KEY_BYTES = 32
_COUNT_BYTES = 4


def claims_digest(collection: str, entry: Entry) -> bytes:
    """Return the digest of an entry's transaction: of a list of one claim."""
    bound = sha256(
        _authenticated(entry, collection) + _authenticated(entry, entry.contents)
    ).digest()
    claim = sha256(PROTOCOL.encode() + bound).digest()
    return sha256((1).to_bytes(_COUNT_BYTES, "little") + claim).digest()


def _authenticated(entry: Entry, text: str) -> bytes:
    return hmac.digest(entry.secret_key, text.encode(), "sha256")


def describe_claim(collection: str, entry: Entry, secret_key: str) -> JsonObject:
    """Write the claim of an entry as a receipt shows it.

    Args:
        collection: of the entry.
        entry: as it was appended.
        secret_key: the entry's key, in base64.
    """
    return {
        "kind": KIND,
        "ledgerEntry": {
            "collectionId": collection,
            "contents": entry.contents,
            "secretKey": secret_key,
            "protocol": PROTOCOL,
        },
    }
