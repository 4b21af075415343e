"""Verify a COSE receipt with CCF's own package, over endorsements if need be.

This runs where ``ccf`` is installed and ccfpy is not. It reads one JSON object: the
receipt and its endorsements in base64, the claims digest in hex, the certificate of the
service of today. It prints the id of the signature that the receipt rests on.
"""

import json
import sys
from base64 import b64decode
from typing import Any

import ccf.cose  # type: ignore[import-not-found]  # only in its own environment
import ccf.receipt  # type: ignore[import-not-found]  # only in its own environment
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)
from cryptography.x509 import load_pem_x509_certificate


def endorsed_by(key: Any, endorsement: bytes) -> Any:  # noqa: ANN401  # its own types
    """Return the key that an endorsement by ``key`` is for."""
    if hasattr(ccf.cose, "verify_cose_sign1_with_key"):
        pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        _, _, payload = ccf.cose.verify_cose_sign1_with_key(pem, endorsement)
    else:
        message = ccf.cose.Sign1Message.decode(endorsement)
        message.key = ccf.cose.from_cryptography_eckey_obj(key)
        if not message.verify_signature():
            raise ValueError("an endorsement that does not hold")
        payload = message.payload
    return load_der_public_key(payload)


def main() -> None:
    """Verify what stdin holds."""
    given = json.load(sys.stdin)
    service = load_pem_x509_certificate(given["service_certificate"].encode())
    key = service.public_key()
    for endorsement in given["endorsements"]:
        key = endorsed_by(key, b64decode(endorsement))
    verify = getattr(ccf.receipt, "verify_cose", None) or ccf.cose.verify_receipt
    receipt, claims = b64decode(given["receipt"]), bytes.fromhex(given["claims_digest"])
    sys.stdout.write(verify(receipt, key, claims)["ccf.v1"]["txid"])


if __name__ == "__main__":
    main()
