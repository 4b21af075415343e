"""A run is a function of its seed, and of nothing else."""

import os
import subprocess
import sys

import pytest

from tests.lab.cluster.consensus.simulation import FAMILY_SEEDS, Family, run

SEEDS = 2 * FAMILY_SEEDS
TELL = """
from tests.lab.cluster.consensus.simulation import Family
family = Family(7)
print([family.run().trace_hash for _ in range(12)])
"""


@pytest.mark.newest
@pytest.mark.parametrize("number", range(100, 100 + SEEDS // FAMILY_SEEDS))
def test_what_must_hold_holds_amid_any_faults(number: int) -> None:
    family = Family(number)
    while not family.is_complete:
        outcome = family.run()
        assert outcome.failure is None, outcome.reason


def test_runs_have_elections_commits_and_reconfigurations() -> None:
    family = Family(0)
    outcomes = [family.run() for _ in range(FAMILY_SEEDS)]
    assert sum(outcome.leaders for outcome in outcomes) > 2 * FAMILY_SEEDS
    assert sum(outcome.commits for outcome in outcomes) > 5 * FAMILY_SEEDS
    assert sum(outcome.reconfigurations for outcome in outcomes) > FAMILY_SEEDS
    assert sum(outcome.shapes for outcome in outcomes) > FAMILY_SEEDS
    assert len({outcome.trace_hash for outcome in outcomes}) == FAMILY_SEEDS


@pytest.mark.newest
def test_a_seed_alone_gives_what_its_family_gave() -> None:
    family = Family(3)
    outcomes = [family.run() for _ in range(6)]
    assert run(3 * FAMILY_SEEDS + 5) == outcomes[5]


def test_a_service_may_begin_with_more_nodes() -> None:
    (words,) = (
        line
        for line in run(0, nodes=7).lines
        if line[0] == "replicate_new_configuration" and "6" in line[:9]
    )
    assert words[1] == "2"


@pytest.mark.slow
def test_a_seed_leaves_the_same_trace_however_strings_are_hashed() -> None:
    told = [
        subprocess.run(
            [sys.executable, "-c", TELL],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert told[0] == told[1]
    assert told[0].count(",") == 11
