"""Verify a ledger with CCF's own package; print what it found as one JSON object.

This runs where ``ccf`` is installed and ccfpy is not: ``audit_ledger.py FOLDER``.
Whatever CCF's validator refuses ends it with a traceback.
"""

import json
import sys
from typing import Any

import ccf.ledger  # type: ignore[import-not-found]  # only in its own environment

State = dict[str, dict[str, str]]


def audit(folder: str) -> dict[str, Any]:
    """Read every transaction and have the validator check it, as strictly as it can."""
    validator = _validator()
    state: State = {}
    leaves: list[str] = []
    for transaction in _ledger(folder).transactions():
        validator.add_transaction(transaction)
        leaves.append(transaction.get_tx_digest().hex())
        _apply(state, transaction.get_public_domain().get_tables())
    return {
        "leaves": leaves,
        "root": validator.merkle.get_merkle_root().hex(),
        "service_certificate": validator.service_cert,
        "service_status": validator.service_status,
        "signatures": validator.signature_count,
        "state": state,
        "verified_until": str(validator.last_verified_txid()),
    }


def _validator() -> Any:  # noqa: ANN401 - ccf's types are unknown here
    strictness = {"accept_deprecated_entry_types": False}
    if hasattr(ccf.ledger, "VerificationLevel"):
        full = ccf.ledger.VerificationLevel.FULL
        return ccf.ledger.LedgerValidator(**strictness, verification_level=full)
    return ccf.ledger.LedgerValidator(**strictness)


def _ledger(folder: str) -> Any:  # noqa: ANN401 - ccf's types are unknown here
    if hasattr(ccf.ledger, "VerificationLevel"):
        full = ccf.ledger.VerificationLevel.FULL
        return ccf.ledger.Ledger(
            [folder], committed_only=False, verification_level=full
        )
    return ccf.ledger.Ledger([folder], committed_only=False)


def _apply(state: State, tables: dict[str, dict[bytes, bytes | None]]) -> None:
    for name, writes in tables.items():
        table = state.setdefault(name, {})
        for key, value in writes.items():
            if value is None:
                table.pop(key.hex(), None)
            else:
                table[key.hex()] = value.hex()


if __name__ == "__main__":
    json.dump(audit(sys.argv[1]), sys.stdout)
