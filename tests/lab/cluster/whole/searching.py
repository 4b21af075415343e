"""Spends time on whole nodes: ``python -m tests.lab.cluster --nodes``."""

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.lab.cluster.whole.simulation import ACTS, Run, run
from tests.lab.cluster.whole.story import replay_story, shortened, story_of

PROGRESS_SECONDS = 10
SECONDS_PER_MINUTE = 60


@dataclass(slots=True)
class Tally:
    """Sums over many seeds."""

    seeds: int = 0
    steps: int = 0
    leaders: int = 0
    commits: int = 0
    configurations: int = 0
    went_on: int = 0

    def add(self, run: Run) -> None:
        """Count a run."""
        self.seeds += 1
        self.steps += run.steps
        self.leaders += run.leaders
        self.commits += run.commits
        self.configurations += run.configurations
        self.went_on += run.could_go_on

    def line(self, seconds: float) -> str:
        """Return the figures after so many seconds of one processor."""
        per_minute = self.seeds * SECONDS_PER_MINUTE / max(seconds, 1e-9)
        each = max(self.seeds, 1)
        return (
            f"{self.seeds} seeds in {seconds:.0f} s of a core "
            f"({per_minute:.0f} a minute): {self.steps / each:.0f} steps, "
            f"{self.leaders / each:.1f} leaders, {self.commits / each:.1f} commits, "
            f"{self.configurations / each:.1f} configurations a seed; "
            f"{self.went_on} had to go on after it, and did"
        )


def main(arguments: list[str]) -> int:
    """Run seeds until time is up or one fails; return 0 if all held, else 1.

    Everything is printed on the standard output.
    """
    parser = argparse.ArgumentParser(
        prog="python -m tests.lab.cluster --nodes",
        description="Look for a run of acts that breaks whole nodes.",
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
    parser.add_argument("--acts", type=int, default=ACTS, help="how long each run is")
    parser.add_argument("--story", type=Path, help="run this file, not seeds")
    parser.add_argument(
        "--stories",
        type=Path,
        default=Path(),
        help="the folder for the story that a failure shrinks to",
    )
    chosen = parser.parse_args(arguments)
    if chosen.story is not None:
        again = replay_story(chosen.story.read_text(encoding="utf-8"))
        _say(again.reason or "it holds")
        return int(again.failure is not None)
    first = int(time.time()) if chosen.seed is None else chosen.seed
    _say(f"whole nodes, from seed {first}")
    failed = _search(first, chosen.seconds, chosen.seeds, chosen.acts)
    if failed is None:
        return 0
    _say(f"FAILED seed {failed.seed}: {failed.reason}")
    _say(
        "run it again: python -m tests.lab.cluster --nodes --seeds 1 "
        f"--acts {chosen.acts} --seed {failed.seed}"
    )
    path = chosen.stories / f"nodes-{failed.seed}.txt"
    path.write_text(story_of(shortened(failed)), encoding="utf-8")
    _say(f"the story: python -m tests.lab.cluster --nodes --story {path}")
    return 1


def _search(first: int, seconds: float, seeds: int | None, acts: int) -> Run | None:
    """Run seeds from the first on; return the run that failed, if any.

    Seconds are those of a processor: beside other programs it takes longer instead of
    finding less.
    """
    tally = Tally()
    shown = time.monotonic()
    busy_since = time.process_time()
    while True:
        outcome = run(first + tally.seeds, acts=acts)
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


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
