"""Verify receipts with CCF's own package, as its documentation tells users to.

This runs where ``ccf`` is installed and ccfpy is not. It reads one JSON object: the
receipts, the service's certificate and the time at which all this happened. Without a
time no certificate is asked for its dates: those of lost nodes have passed.
"""

import json
import sys
from datetime import datetime
from hashlib import sha256
from typing import Any

import ccf.receipt  # type: ignore[import-not-found]  # only in its own environment
from cryptography.x509 import load_pem_x509_certificate
from cryptography.x509.verification import PolicyBuilder


def check(
    receipt: dict[str, Any], service_certificate: str, *, with_dates: bool
) -> None:
    """Verify one receipt from its leaf to the service's certificate."""
    node = load_pem_x509_certificate(receipt["cert"].encode())
    service = load_pem_x509_certificate(service_certificate.encode())
    root = ccf.receipt.root(leaf_of(receipt), receipt["proof"])
    ccf.receipt.verify(root, receipt["signature"], node)
    endorsements = [
        load_pem_x509_certificate(pem.encode())
        for pem in receipt.get("service_endorsements", [])
    ]
    ccf.receipt.check_endorsements(node, service, endorsements)
    if with_dates:
        ccf.receipt.check_cert_chain(node, service, endorsements)


def leaf_of(receipt: dict[str, Any]) -> str:
    """Return a receipt's leaf, from its components if it has them."""
    if "leaf" in receipt:
        leaf: str = receipt["leaf"]
        return leaf
    parts = receipt["leaf_components"]
    evidence = sha256(parts["commit_evidence"].encode()).digest()
    claims = bytes.fromhex(parts.get("claims_digest", "00" * 32))
    write_set = bytes.fromhex(parts["write_set_digest"])
    return sha256(write_set + evidence + claims).hexdigest()


def main() -> None:
    """Verify all receipts that stdin holds."""
    given = json.load(sys.stdin)
    if "time" in given:
        at = datetime.fromisoformat(given["time"])
        # The package asks the clock; these certificates are of another day.
        ccf.receipt.PolicyBuilder = lambda: PolicyBuilder().time(at)
    for receipt in given["receipts"]:
        check(receipt, given["service_certificate"], with_dates="time" in given)


if __name__ == "__main__":
    main()
