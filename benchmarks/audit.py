"""How many transactions a second does one core audit, and in how much memory?

A ledger is written first: private writes of 200 bytes, signed after every thousand, in
chunks of 5 MB. Another process reads the ledger as ``ccfpy ledger verify`` does: every
frame, write set, digest, Merkle root and signature. The process reads alone first, then
with one further process for each processor. The figure is the CPU time of all
processes, including their start.

The same ledger then goes to CCF's own Python package, if ``make interop`` has installed
the package. The auditor also reads a ledger that is signed after every tenth
transaction, where nearly all the work is to verify signatures.

Budget: 20,000 transactions a second and core; and memory that does not grow with the
ledger: ten times as many transactions take at most 16 MiB more.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

from benchmarks.harness.figure import Better, Figure, Held
from benchmarks.harness.question import Question, Settings, main
from ccfpy.audit.readers import processors

BUDGET_PER_S = 20_000
GROWTH_MIB_MAX = 16
TRANSACTIONS = 500_000
REPEATS = 3
HARNESS = Path(__file__).parent / "harness"
ROOT = Path(__file__).parents[1]

Run: TypeAlias = dict[str, float]
Peers: TypeAlias = dict[str, float]


def written(folder: Path, transactions: int, signed_every: int) -> Path:
    words = ["benchmarks.harness.ledgers", folder, transactions, signed_every]
    subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", *map(str, words)], check=True, cwd=ROOT
    )
    return folder


def measured(python: Path, program: str, *words: object) -> Run:
    done = subprocess.run(  # noqa: S603 - our own program
        [str(python), str(HARNESS / program), *map(str, words)],
        check=True,
        capture_output=True,
        text=True,
    )
    result: Run = json.loads(done.stdout)
    return result


def ours(folder: Path, processes: int) -> Run:
    return measured(Path(sys.executable), "auditor.py", folder, processes)


def rate(run: Run) -> float:
    return run["transactions"] / run["cpu_s"]


def audited(
    name: str,
    runs: list[Run],
    *,
    budget: float | None = None,
    peers: Peers | None = None,
) -> Figure:
    """Return the figure of some audits of a ledger; the slowest has the budget."""
    return Figure(
        name=name,
        unit="a second of CPU",
        values=tuple(map(rate, runs)),
        better=Better.MORE,
        budget=budget,
        held=Held.WORST,
        peers=peers or {},
        scales=True,
    )


def theirs(ledger: Path) -> Peers:
    """Return how fast CCF's own packages audit the ledger, if they are installed."""
    found = {}
    for line in (6, 7):
        python = ROOT / f".venv-ccf{line}" / "bin" / "python"
        if python.exists():
            run = measured(python, "ccf_auditor.py", ledger)
            found[f"CCF {line}'s package"] = rate(run)
    return found


def measure(settings: Settings) -> Iterator[Figure]:
    transactions = settings.pick(TRANSACTIONS, TRANSACTIONS // 10)
    repeats = settings.repeats or settings.pick(REPEATS, 1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        long = written(folder / "long", transactions, 1000)
        alone = [ours(long, 1) for _ in range(repeats)]
        yield audited(
            "transactions verified, one process",
            alone,
            budget=BUDGET_PER_S,
            peers=theirs(long),
        )
        many = max(processors(), 2)
        yield audited(
            f"and {many} more, their start included",
            [ours(long, many) for _ in range(repeats)],
            budget=BUDGET_PER_S,
        )
        often = written(folder / "often", transactions // 10, 10)
        yield audited("every tenth a signature, one process", [ours(often, 1)])
        short = ours(written(folder / "short", transactions // 10, 1000), 1)
    peaks = tuple(run["peak_mib"] for run in alone)
    yield Figure(name="memory of the process", unit="MiB", values=peaks)
    yield Figure(
        name="memory more than for a tenth as many",
        unit="MiB",
        values=tuple(peak - short["peak_mib"] for peak in peaks),
        budget=GROWTH_MIB_MAX,
        held=Held.WORST,
    )


QUESTION = Question(
    slug="audit",
    text="How many transactions a second does one core audit, and in how much memory?",
    measure=measure,
)

if __name__ == "__main__":
    main(QUESTION)
