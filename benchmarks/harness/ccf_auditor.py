"""Verifies a ledger folder with CCF's own package, as strictly as it can.

This runs where ``ccf`` is installed and ccfpy is not. Prints one JSON object:
transactions, CPU seconds, and resident memory at its largest, in MiB.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import ccf.ledger  # type: ignore[import-not-found]  # only in its own environment

KIB_PER_MIB = 1024


def peak_mib() -> float:
    status = Path("/proc/self/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / KIB_PER_MIB


def main() -> None:
    started = time.process_time()
    level: dict[str, Any] = {}
    if hasattr(ccf.ledger, "VerificationLevel"):
        level["verification_level"] = ccf.ledger.VerificationLevel.FULL
    ledger = ccf.ledger.Ledger([sys.argv[1]], committed_only=False, **level)
    validator = ccf.ledger.LedgerValidator(accept_deprecated_entry_types=False, **level)
    transactions = 0
    for transaction in ledger.transactions():
        validator.add_transaction(transaction)
        transactions += 1
    result = {
        "transactions": transactions,
        "signatures": validator.signature_count,
        "cpu_s": time.process_time() - started,
        "peak_mib": peak_mib(),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
