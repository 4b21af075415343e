"""Audits a ledger folder in a separate process, so that its memory can be measured.

    auditor.py FOLDER PROCESSES

Prints one JSON object: transactions, signatures, chunks, CPU seconds of all processes,
seconds that passed, and resident memory in MiB of the largest process: after the first
chunk and at its largest.
"""

import json
import os
import resource
import sys
import time
from pathlib import Path

from ccfpy.audit.auditor import ChunkChecked, Summary
from ccfpy.audit.chunks import find_chunks
from ccfpy.audit.readers import local_readers
from ccfpy.audit.verification import Verification

KIB_PER_MIB = 1024


def peak_mib() -> float:
    """Return the peak of memory; rusage would include the process that forked this
    one."""
    status = Path("/proc/self/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / KIB_PER_MIB


def cpu_s() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def main() -> None:
    folder, processes = Path(sys.argv[1]), int(sys.argv[2])
    started_s = time.monotonic()
    chunks = 0
    first_chunk_mib = 0.0
    with local_readers(processes) as readers:
        for finding in Verification(find_chunks([folder]), readers).findings():
            if isinstance(finding, ChunkChecked):
                chunks += 1
                first_chunk_mib = first_chunk_mib or peak_mib()
    assert isinstance(finding, Summary), finding
    assert not finding.is_damaged, finding
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / KIB_PER_MIB
    result = {
        "transactions": finding.transactions,
        "signatures": finding.signatures,
        "chunks": chunks,
        "cpu_s": cpu_s(),
        "passed_s": time.monotonic() - started_s,
        "first_chunk_mib": first_chunk_mib,
        "peak_mib": max(peak_mib(), largest),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
