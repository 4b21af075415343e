"""Asks all questions in turn, or the named ones, each in a separate process.

    python -m benchmarks [--quick] [--keep] [QUESTION …]

Each question prints its table. At the end the command names the figures that exceed
their budgets. With ``--keep`` the command adds the runs to ``results/``, and writes the
page with plots again.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.harness.question import NOT_ASKED

HERE = Path(__file__).parent
NO_QUESTIONS = ("__init__", "__main__", "report")
VERDICTS = {0: "within budget", 1: "**over budget**", NOT_ASKED: "not asked"}


def questions() -> list[str]:
    """List the questions: every file beside this one that holds a question."""
    names = sorted(path.stem for path in HERE.glob("*.py"))
    return [name for name in names if name not in NO_QUESTIONS]


def parsed(words: Sequence[str] | None) -> tuple[list[str], list[str]]:
    """Return the questions to ask, and the arguments to pass on to each."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="QUESTION", help="all by default")
    parser.add_argument("--quick", action="store_true", help="fewer, shorter repeats")
    parser.add_argument("--keep", action="store_true", help="add the runs to results/")
    said = parser.parse_args(words)
    for name in said.names:
        if name not in questions():
            parser.error(f"no such question: {name}")
    passed_on = [word for word in ("--quick", "--keep") if vars(said)[word[2:]]]
    return said.names or questions(), passed_on


def main(words: Sequence[str] | None = None) -> int:
    """Ask, and return 1 if an answer was over its budget or did not come."""
    names, passed_on = parsed(words)
    told = []
    for name in names:
        print(f"\n## {name}\n", flush=True)
        command = [sys.executable, "-m", f"benchmarks.{name}", *passed_on]
        began = time.monotonic()
        done = subprocess.run(command, cwd=HERE.parent, check=False)  # noqa: S603
        told.append((name, done.returncode, time.monotonic() - began))
    print("\n| question | | took |\n|---|---|---|")
    for name, code, took_s in told:
        verdict = VERDICTS.get(code, "**no answer**")
        print(f"| {name} | {verdict} | {took_s:.0f} s |")
    if "--keep" in passed_on:
        subprocess.run(
            [sys.executable, "-m", "benchmarks.report"], cwd=HERE.parent, check=True
        )
    return int(any(code not in (0, NOT_ASKED) for _, code, _ in told))


if __name__ == "__main__":
    sys.exit(main())
