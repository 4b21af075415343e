"""Runs the tests that must find mistakes: ``python -m …mutants.named NAME…``.

A process of its own runs one test after another, each with its mistake put in, and says
of each whether it failed.
"""

import contextlib
import io
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.lab.cluster.mutants.catalogue import BY_NAME
from tests.lab.cluster.mutants.mutant import Mutant

ROOT = Path(__file__).resolve().parents[4]
FOUND, MISSED = "found", "missed"
_OPTIONS = (
    "--quiet",
    "--numprocesses=0",
    "--exitfirst",
    "--tb=no",
    "-p",
    "no:cacheprovider",
    # The application's plugin is loaded before pytest here.
    "-W",
    "ignore::pytest.PytestAssertRewriteWarning",
)


def outcomes(mutants: Sequence[Mutant]) -> dict[str, str]:
    """Run each mutant's test in one new process; return what became of it, by name."""
    names = [mutant.name for mutant in mutants]
    done = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "tests.lab.cluster.mutants.named", *names],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    pairs = (line.partition("\t") for line in done.stdout.splitlines())
    return {name: outcome for name, _, outcome in pairs}


def _outcome(mutant: Mutant) -> str:
    with mutant.applied(), contextlib.redirect_stdout(io.StringIO()):
        code = pytest.main([*_OPTIONS, mutant.found_by])
    if code is pytest.ExitCode.OK:
        return MISSED
    return FOUND if code is pytest.ExitCode.TESTS_FAILED else f"pytest ends with {code}"


def main(names: Sequence[str]) -> None:
    """Print the outcome for each of these mutants."""
    for name in names:
        sys.stdout.write(f"{name}\t{_outcome(BY_NAME[name])}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
