"""The outcome of a run, and sums over many runs, which show what a search was worth."""

from dataclasses import dataclass

SECONDS_PER_MINUTE = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one seed.

    Attributes:
        seed: which.
        lines: every command, as words.
        steps: how many inputs nodes took.
        shapes: how many unlike states it was first to see in its family.
        leaders: how many views had a leader.
        commits: how many signatures became final.
        reconfigurations: how many configurations became final.
        trace_hash: a digest of every step.
        failure: what was violated, if anything was.
        reason: how.
    """

    seed: int
    lines: tuple[tuple[str, ...], ...]
    steps: int
    shapes: int
    leaders: int
    commits: int
    reconfigurations: int
    trace_hash: str
    failure: str | None = None
    reason: str = ""


@dataclass(slots=True)
class Tally:
    """Sums over many seeds."""

    seeds: int = 0
    steps: int = 0
    shapes: int = 0
    leaders: int = 0
    commits: int = 0
    reconfigurations: int = 0

    def add(self, outcome: Outcome) -> None:
        """Count a run."""
        self.seeds += 1
        self.steps += outcome.steps
        self.shapes += outcome.shapes
        self.leaders += outcome.leaders
        self.commits += outcome.commits
        self.reconfigurations += outcome.reconfigurations

    def line(self, seconds: float) -> str:
        """Return the figures after so many seconds of one processor."""
        per_minute = SECONDS_PER_MINUTE / max(seconds, 1e-9)
        each = max(self.seeds, 1)
        return (
            f"{self.seeds} seeds in {seconds:.0f} s of a core "
            f"({self.seeds * per_minute:.0f} a minute): {self.steps / each:.0f} steps, "
            f"{self.leaders / each:.1f} leaders, {self.commits / each:.1f} commits, "
            f"{self.reconfigurations / each:.1f} reconfigurations a seed; "
            f"{self.steps * per_minute:.0f} states a minute, "
            f"{self.shapes * per_minute:.0f} of them new to their family"
        )
