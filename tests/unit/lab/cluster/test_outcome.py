"""The figures of a search."""

from tests.lab.cluster.outcome import Outcome, Tally


def test_figures_are_told_for_each_seed_and_minute() -> None:
    tally = Tally()
    for seed in range(2):
        tally.add(
            Outcome(
                seed=seed,
                lines=(),
                steps=300,
                shapes=10,
                leaders=3,
                commits=5,
                reconfigurations=seed,
                trace_hash="",
            )
        )
    assert tally.line(30) == (
        "2 seeds in 30 s of a core (4 a minute): 300 steps, 3.0 leaders, 5.0 commits, "
        "0.5 reconfigurations a seed; 1200 states a minute, 40 of them new to their "
        "family"
    )
    assert Tally().line(0).startswith("0 seeds in 0 s of a core")
