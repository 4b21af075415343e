"""Spends time on fresh seeds: ``python -m tests.lab.cluster``."""

import argparse
import sys
import time
from pathlib import Path

from tests.lab.cluster.consensus.simulation import FAMILY_SEEDS, Family
from tests.lab.cluster.consensus.story import complaint_of, story_of
from tests.lab.cluster.outcome import Outcome, Tally
from tests.lab.cluster.whole import searching

PROGRESS_SECONDS = 10
WHOLE_NODES = "--nodes"


def main(arguments: list[str] | None = None) -> int:
    """Run seeds until time is up or one fails; return 0 if all held, else 1.

    Everything is printed on the standard output.
    """
    given = sys.argv[1:] if arguments is None else arguments
    if WHOLE_NODES in given:
        return searching.main([word for word in given if word != WHOLE_NODES])
    parser = argparse.ArgumentParser(
        prog="python -m tests.lab.cluster",
        description="Look for a schedule that breaks consensus.",
    )
    parser.add_argument(
        "--seconds", type=float, default=60, help="how much of a processor to take"
    )
    parser.add_argument(
        "--seeds", type=int, help="how many seeds to run, whatever the time"
    )
    parser.add_argument(
        "--seed", type=int, help="the first seed; by default one that the clock gives"
    )
    parser.add_argument("--size", type=int, help="how many nodes a service begins with")
    parser.add_argument(
        "--stories",
        type=Path,
        default=Path(),
        help="the folder for the scenario that a failure shrinks to",
    )
    parser.add_argument(
        WHOLE_NODES,
        action="store_true",
        help="run whole nodes, not consensus alone; has options of its own",
    )
    chosen = parser.parse_args(given)
    first = int(time.time()) * FAMILY_SEEDS if chosen.seed is None else chosen.seed
    _say(f"consensus alone, from seed {first}")
    failed = _search(first, chosen.seconds, chosen.seeds, chosen.size)
    if failed is None:
        return 0
    story = story_of(failed)
    path = chosen.stories / f"seed-{failed.seed}.txt"
    path.write_text(story)
    _say(f"FAILED seed {failed.seed}: {failed.reason}")
    _say(f"run it again: python -m tests.lab.cluster --seeds 1 --seed {failed.seed}")
    _say(f"the story: python -m tests.lab.scenario {path}")
    _say(f"           {complaint_of(story) or 'holds when told alone'}")
    return 1


def _search(
    first: int, seconds: float, seeds: int | None, nodes: int | None
) -> Outcome | None:
    """Run seeds from the first on; return the run that failed, if any.

    Seconds are those of a processor: beside other programs it takes longer instead of
    finding less.
    """
    tally = Tally()
    shown = time.monotonic()
    busy_since = time.process_time()
    family = Family.up_to(first, nodes=nodes)
    while True:
        outcome = family.run()
        tally.add(outcome)
        now, busy = time.monotonic(), time.process_time() - busy_since
        is_done = busy >= seconds if seeds is None else tally.seeds >= seeds
        if outcome.failure or is_done or now >= shown + PROGRESS_SECONDS:
            shown = now
            _say(tally.line(busy))
        if outcome.failure:
            return outcome
        if is_done:
            return None
        if family.is_complete:
            family = Family(family.number + 1, nodes=nodes)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
