"""Searches for a seed that kills each mutant, from seed 0 on."""

import argparse
import json
import sys
import time

from tests.lab.cluster.mutants.catalogue import MUTANTS
from tests.lab.cluster.mutants.kills import KILLS
from tests.lab.cluster.mutants.mutant import Mutant
from tests.lab.cluster.mutants.search import SEEDS_MAX, Progress, kill


def main(arguments: list[str] | None = None) -> int:
    """Search for every mutant's killing seed; return 0 if each has one, else 1.

    Prints what `kills` should have where the seeds differ.
    """
    parser = argparse.ArgumentParser(
        prog="python -m tests.lab.cluster.mutants",
        description="Look for a seed that kills each mutant of consensus.",
    )
    parser.add_argument(
        "names", nargs="*", help="of some mutants; by default all but rare"
    )
    parser.add_argument(
        "--seeds", type=int, default=SEEDS_MAX, help="how many to try for each"
    )
    chosen = parser.parse_args(arguments)
    found: dict[str, tuple[int, str] | None] = {}
    for mutant in MUTANTS:
        if mutant.name in chosen.names or not (chosen.names or mutant.is_rare):
            found[mutant.name] = _search(mutant, chosen.seeds)
    moved = {name: kill for name, kill in found.items() if kill != KILLS.get(name)}
    if moved:
        _say("the table of kills differs:\n")
    for name, known in moved.items():
        _say(f"    {json.dumps(name)}: {known},\n")
    return 1 if None in found.values() else 0


def _search(mutant: Mutant, seeds: int) -> tuple[int, str] | None:
    begin = time.monotonic()
    outcome = kill(mutant, seeds=seeds, progress=_progress(mutant.name))
    seconds = time.monotonic() - begin
    if outcome is None or outcome.failure is None:
        _say(f"\rALIVE {mutant.name} after {seeds} seeds ({seconds:.0f} s)\n")
        return None
    _say(
        f"\rkilled {mutant.name} by seed {outcome.seed} in {seconds:.1f} s: "
        f"{outcome.reason}\n"
    )
    return outcome.seed, outcome.failure


def _progress(name: str) -> Progress:
    def tell(seeds: int) -> None:
        _say(f"\r{name}: {seeds} seeds")

    return tell


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
