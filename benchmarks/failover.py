"""How long until a service writes again after its primary's death?

Three nodes run, and clients write and read on all of them. The primary is killed again
and again, and each dead node is replaced by a new one. The figure is the time from the
kill to the first write that a later view answers, in election timeouts of one second.
No committed write may be lost.

Budget: two election timeouts, for the slowest failover.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness.figure import Figure, Held
from benchmarks.harness.question import Question, Settings, main
from tests.lab.faults.faults import FaultKind
from tests.lab.faults.report import resumptions
from tests.lab.faults.run import Plan, run_faults

BUDGET = 2.0
KILLS = 10


def measure(settings: Settings) -> Iterator[Figure]:
    kills = settings.repeats or settings.pick(KILLS, 3)
    with tempfile.TemporaryDirectory() as folder:
        plan = Plan(
            workspace=Path(folder),
            rounds=kills,
            kinds=[FaultKind.KILL],
            primary_share=1.0,
        )
        report = run_faults(plan, lambda _: None)
    times = tuple(resumptions(report, FaultKind.KILL))
    assert len(times) == kills, f"writes resumed after {len(times)} of {kills} kills"
    yield Figure(
        name="from a primary's kill to the next write",
        unit="election timeouts",
        values=times,
        budget=BUDGET,
        held=Held.WORST,
    )


QUESTION = Question(
    slug="failover",
    text="How long until a service writes again after its primary's death?",
    measure=measure,
)

if __name__ == "__main__":
    main(QUESTION)
