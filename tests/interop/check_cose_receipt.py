"""Verify a COSE receipt with CCF's own package: ``CERTIFICATE CLAIMS_DIGEST``, stdin.

This runs where ``ccf`` is installed and ccfpy is not.
"""

import sys
from pathlib import Path

import ccf.cose  # type: ignore[import-not-found]  # only in its own environment
import ccf.receipt  # type: ignore[import-not-found]  # only in its own environment
from cryptography.x509 import load_pem_x509_certificate


def main(certificate: str, claims_digest: str) -> None:
    """Verify the receipt that stdin holds; print its transaction's id."""
    key = load_pem_x509_certificate(Path(certificate).read_bytes()).public_key()
    verify = getattr(ccf.receipt, "verify_cose", None) or ccf.cose.verify_receipt
    header = verify(sys.stdin.buffer.read(), key, bytes.fromhex(claims_digest))
    sys.stdout.write(header["ccf.v1"]["txid"])


if __name__ == "__main__":
    main(*sys.argv[1:])
