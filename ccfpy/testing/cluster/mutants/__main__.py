"""Searches for a seed that kills each mutant: the long way round, from nothing."""

import argparse
import sys
import time

from ccfpy.testing.cluster.mutants.catalogue import MUTANTS
from ccfpy.testing.cluster.mutants.kills import KILLS
from ccfpy.testing.cluster.mutants.search import SEEDS_MAX, Progress, kill


def main(arguments: list[str] | None = None) -> int:
    """Search for every mutant's killing seed; give 0 if each has one, else 1.

    Says which differ from those that are kept in `kills`.
    """
    parser = argparse.ArgumentParser(
        prog="python -m ccfpy.testing.cluster.mutants",
        description="Look for a seed that kills each mutant of consensus.",
    )
    parser.add_argument("names", nargs="*", help="of some mutants; all by default")
    parser.add_argument(
        "--seeds", type=int, default=SEEDS_MAX, help="how many to try for each"
    )
    chosen = parser.parse_args(arguments)
    survivors = 0
    for mutant in MUTANTS:
        if chosen.names and mutant.name not in chosen.names:
            continue
        begin = time.monotonic()
        outcome = kill(mutant, seeds=chosen.seeds, progress=_progress(mutant.name))
        seconds = time.monotonic() - begin
        if outcome is None:
            survivors += 1
            _say(
                f"\rALIVE {mutant.name} after {chosen.seeds} seeds ({seconds:.0f} s)\n"
            )
            continue
        kept = KILLS.get(mutant.name)
        found = (outcome.seed, outcome.failure)
        note = "" if kept == found else f" (kept: {kept})"
        _say(
            f"\rkilled {mutant.name} by seed {outcome.seed} in {seconds:.1f} s: "
            f"{outcome.reason}{note}\n"
        )
    return 1 if survivors else 0


def _progress(name: str) -> Progress:
    def tell(seeds: int) -> None:
        _say(f"\r{name}: {seeds} seeds")

    return tell


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
