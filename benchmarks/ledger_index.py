"""How long does it take to verify and index a ledger at once, and then to find a key?

A ledger is written first: public writes of 100 bytes to 100,000 keys, signed after
every thousand. Other processes read each chunk once and verify it, and one process
stores the rows, each with the signature that covers it. The figure is the CPU time of
all processes. Then one key is asked for its history, twenty times.

Budget: a million transactions in 90 s of CPU, so that two processors have time to
spare; a key's history in 50 ms; memory of 300 MiB for each process.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness.figure import Better, Figure, Held
from benchmarks.harness.question import Question, Settings, main

BUDGET_PER_S = 1_000_000 / 90
HISTORY_MS_MAX = 50
MEMORY_MIB_MAX = 300
TRANSACTIONS = 1_000_000
SIGNED_EVERY = 1000
MAP, KEYS, VALUE_BYTES = "public:records", 100_000, 100
KEY = 50_007
PROCESSES = 2
ROOT = Path(__file__).parents[1]


def run(program: str, *words: object) -> str:
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", f"benchmarks.harness.{program}", *map(str, words)],
        check=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    return done.stdout


def measure(settings: Settings) -> Iterator[Figure]:
    transactions = settings.pick(TRANSACTIONS, TRANSACTIONS // 10)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ledger, database = folder / "ledger", folder / "index.db"
        run("ledgers", ledger, transactions, SIGNED_EVERY, MAP, KEYS, VALUE_BYTES)
        told: dict[str, float] = json.loads(
            run("indexer", ledger, PROCESSES, database, MAP, KEY)
        )
    yield Figure(
        name="transactions verified and indexed",
        unit="a second of CPU",
        values=(told["transactions"] / told["cpu_s"],),
        better=Better.MORE,
        budget=BUDGET_PER_S,
        scales=True,
    )
    yield Figure(
        name="that many, until all was stored", unit="s", values=(told["passed_s"],)
    )
    yield Figure(
        name="the history of a key, the slowest of twenty",
        unit="ms",
        values=(told["history_ms"],),
        budget=HISTORY_MS_MAX,
        held=Held.WORST,
    )
    yield Figure(
        name="memory of the largest process",
        unit="MiB",
        values=(told["peak_mib"],),
        budget=MEMORY_MIB_MAX,
        held=Held.WORST,
    )
    yield Figure(
        name="the index, of a ledger of this size",
        unit="MiB",
        values=(told["database_mib"],),
    )


QUESTION = Question(
    slug="ledger_index",
    text="How long does it take to verify and index a ledger, and to find a key?",
    measure=measure,
)

if __name__ == "__main__":
    main(QUESTION)
