"""Audits a ledger folder in a process of its own, so that its memory can be read off.

Prints one JSON object: transactions, chunks, CPU seconds, and resident memory in MiB
after the first chunk and at its largest.
"""

import json
import sys
import time
from pathlib import Path

from ccfpy.ledger.audit import ChunkChecked, ChunkFile, Summary, audit
from ccfpy.ledger.chunk import arrange

KIB_PER_MIB = 1024


def peak_mib() -> float:
    """Give the most memory so far; rusage would count the process that forked us."""
    status = Path("/proc/self/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / KIB_PER_MIB


def main() -> None:
    folder = Path(sys.argv[1])
    names = arrange(path.name for path in folder.iterdir())
    files = (ChunkFile(str(n), (folder / str(n)).read_bytes) for n in names)
    started = time.process_time()
    chunks = 0
    first_chunk_mib = 0.0
    transactions = 0
    for finding in audit(files):
        if isinstance(finding, ChunkChecked):
            chunks += 1
            first_chunk_mib = first_chunk_mib or peak_mib()
        elif isinstance(finding, Summary):
            assert not finding.is_damaged, finding
            transactions = finding.transactions
    result = {
        "transactions": transactions,
        "chunks": chunks,
        "cpu_s": time.process_time() - started,
        "first_chunk_mib": first_chunk_mib,
        "peak_mib": peak_mib(),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
