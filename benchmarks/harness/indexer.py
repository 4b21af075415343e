"""Indexes a ledger folder in a separate process, so that its memory can be measured.

    python -m benchmarks.harness.indexer FOLDER PROCESSES DATABASE MAP KEY

Prints one JSON object: transactions, CPU seconds of all processes, seconds that passed,
MiB of the database, of this process and of the largest other, and the milliseconds of
the history of one key: the slowest of some questions on a new connection.
"""

import json
import os
import resource
import sys
import time
from pathlib import Path

from ccfpy.audit.auditor import Summary
from ccfpy.audit.chunks import find_chunks
from ccfpy.audit.indexing import Indexing, IndexWriter
from ccfpy.audit.ledger_index import LedgerIndex
from ccfpy.audit.readers import local_readers

KIB_PER_MIB = 1024
QUESTIONS = 20


def history_ms(database: Path, name: str, key: bytes) -> float:
    took = []
    with LedgerIndex(database) as index:
        for _ in range(QUESTIONS):
            began_s = time.perf_counter()
            assert index.history(name, key)
            took.append(time.perf_counter() - began_s)
    return 1000 * max(took)


def main() -> None:
    folder, processes, database, name, key = sys.argv[1:]
    began_s = time.monotonic()
    with (
        local_readers(int(processes)) as readers,
        IndexWriter(Path(database)) as index,
    ):
        indexing = Indexing(find_chunks([Path(folder)]), readers, index)
        *_, finding = indexing.findings()
    assert isinstance(finding, Summary), finding
    assert not finding.is_damaged, finding
    passed_s = time.monotonic() - began_s
    times = os.times()
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB_PER_MIB
    others = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / KIB_PER_MIB
    result = {
        "transactions": finding.transactions,
        "passed_s": passed_s,
        "cpu_s": sum(times[:4]),
        "database_mib": Path(database).stat().st_size / KIB_PER_MIB**2,
        "peak_mib": max(own, others),
        "history_ms": history_ms(Path(database), name, key.encode()),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
