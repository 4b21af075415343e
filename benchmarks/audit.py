"""How many transactions a second does one core audit, and in how much memory?

A ledger is written first: private writes of 200 bytes, signed after every thousand, in
chunks of 5 MB. Another process reads it as ``ccfpy ledger verify`` does: every frame,
write set, digest, Merkle root and signature, first alone, then with a further process
for each processor. CPU time of all processes, their start included, decides.

The same ledger is then given to CCF's own Python package, where ``make interop`` has
installed it; and one that is signed after every tenth transaction is read, in which
verifying signatures is nearly all there is to do.

Budget: 20,000 transactions a second and core; and memory that does not grow with the
ledger: ten times as many transactions in no more than 16 MiB more.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TypeAlias

from ccfpy.audit.readers import processors

BUDGET_PER_S = 20_000
GROWTH_MIB_MAX = 16
TRANSACTIONS = 500_000
REPEATS = 3
HARNESS = Path(__file__).parent / "harness"
ROOT = Path(__file__).parents[1]

Run: TypeAlias = dict[str, float]


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


def median(runs: list[Run]) -> Run:
    return sorted(runs, key=rate)[len(runs) // 2]


def report(name: str, runs: list[Run]) -> None:
    rates = sorted(map(rate, runs))
    run = median(runs)
    passed = f", {run['passed_s']:.1f} s passed" if "passed_s" in run else ""
    print(
        f"{name}: {run['transactions']:.0f} transactions, {run['signatures']:.0f} "
        f"signatures, {rate(run):.0f} a second of CPU ({rates[0]:.0f} to "
        f"{rates[-1]:.0f}){passed}, {run['peak_mib']:.0f} MiB at most"
    )


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        long = written(folder / "long", TRANSACTIONS, 1000)
        alone = [ours(long, 1) for _ in range(REPEATS)]
        report("one process", alone)
        many = max(processors(), 2)
        shared = [ours(long, many) for _ in range(REPEATS)]
        report(f"and {many} more", shared)
        for line in (6, 7):
            python = ROOT / f".venv-ccf{line}" / "bin" / "python"
            if python.exists():
                theirs = measured(python, "ccf_auditor.py", long)
                report(f"CCF {line}'s package", [theirs])
        short = ours(written(folder / "short", TRANSACTIONS // 10, 1000), 1)
        often = written(folder / "often", TRANSACTIONS // 10, 10)
        report("signed after every tenth", [ours(often, 1)])
    growth_mib = max(run["peak_mib"] for run in alone) - short["peak_mib"]
    print(
        f"memory: {growth_mib:.0f} MiB more for ten times as many transactions, "
        f"budget {GROWTH_MIB_MAX}"
    )
    slowest = min(map(rate, [*alone, *shared]))
    print(f"budget {BUDGET_PER_S} a second of CPU")
    return 0 if slowest >= BUDGET_PER_S and growth_mib <= GROWTH_MIB_MAX else 1


if __name__ == "__main__":
    sys.exit(main())
