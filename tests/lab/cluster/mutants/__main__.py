"""Searches for a seed that kills each mutant, from seed 0 on."""

import argparse
import json
import sys
import time
from typing import TYPE_CHECKING

from tests.lab.cluster.mutants.catalogue import BY_NAME, MUTANTS, NAMED, SIMULATED
from tests.lab.cluster.mutants.kills import KILLS, NODE_KILLS
from tests.lab.cluster.mutants.mutant import Mutant
from tests.lab.cluster.mutants.named import FOUND, outcomes
from tests.lab.cluster.mutants.search import (
    NODE_SEEDS_MAX,
    SEEDS_MAX,
    Progress,
    kill,
    kill_nodes,
)

if TYPE_CHECKING:
    from tests.lab.cluster.outcome import Outcome
    from tests.lab.cluster.whole.simulation import Run

_Kill = tuple[int, str] | None


def main(arguments: list[str] | None = None) -> int:
    """Search for every mutant's killing seed; return 0 if each is found, else 1.

    Prints what `kills` should have where the seeds differ. A mutant that names a test
    is held against that test.
    """
    parser = argparse.ArgumentParser(
        prog="python -m tests.lab.cluster.mutants",
        description="Look for a seed that kills each mutant.",
    )
    parser.add_argument(
        "names", nargs="*", help="of some mutants; by default all but rare"
    )
    parser.add_argument("--seeds", type=int, help="how many to try for each")
    chosen = parser.parse_args(arguments)
    asked = [BY_NAME[name] for name in chosen.names] or [
        mutant for mutant in BY_NAME.values() if not mutant.is_rare
    ]
    found = {
        mutant.name: _search(mutant, chosen.seeds)
        for mutant in asked
        if mutant not in NAMED
    }
    known = KILLS | NODE_KILLS
    moved = {name: kill for name, kill in found.items() if kill != known.get(name)}
    if moved:
        _say("the table of kills differs:\n")
    for name, seed in moved.items():
        _say(f"    {json.dumps(name)}: {seed},\n")
    missed = _missed([mutant for mutant in asked if mutant in NAMED])
    return 1 if missed or None in found.values() else 0


def _search(mutant: Mutant, seeds: int | None) -> _Kill:
    begin = time.monotonic()
    progress = _progress(mutant.name)
    outcome: Outcome | Run | None
    if mutant in MUTANTS:
        most = SEEDS_MAX if seeds is None else seeds
        outcome = kill(mutant, seeds=most, progress=progress)
    else:
        assert mutant in SIMULATED, mutant.name
        most = NODE_SEEDS_MAX if seeds is None else seeds
        outcome = kill_nodes(mutant, seeds=most, progress=progress)
    seconds = time.monotonic() - begin
    if outcome is None or outcome.failure is None:
        _say(f"\rALIVE {mutant.name} after {most} seeds ({seconds:.0f} s)\n")
        return None
    _say(
        f"\rkilled {mutant.name} by seed {outcome.seed} in {seconds:.1f} s: "
        f"{outcome.reason}\n"
    )
    return outcome.seed, outcome.failure


def _missed(named: list[Mutant]) -> int:
    """Run the named tests; return how many do not find their mutant."""
    if not named:
        return 0
    missed = 0
    for name, outcome in outcomes(named).items():
        missed += outcome != FOUND
        _say(f"{outcome} {name} by {BY_NAME[name].found_by}\n")
    return missed


def _progress(name: str) -> Progress:
    def tell(seeds: int) -> None:
        _say(f"\r{name}: {seeds} seeds")

    return tell


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
