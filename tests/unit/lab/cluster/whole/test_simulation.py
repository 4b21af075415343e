"""A seed is a run, and a run is its acts."""

import os
import subprocess
import sys

import pytest

from tests.attacks import attack
from tests.lab.cluster.whole.simulation import replay, run

SEED = 20


@pytest.mark.slow
@attack("nonce: a hostile schedule")
def test_a_seed_does_much_and_nothing_breaks() -> None:
    outcome = run(SEED, acts=60)
    assert outcome.failure is None, outcome.reason
    assert outcome.steps > 300
    assert outcome.commits > 5
    assert outcome.could_go_on


@pytest.mark.slow
def test_its_acts_do_the_same_again() -> None:
    outcome = run(SEED, acts=30)
    again = replay(SEED, outcome.acts)
    assert again.trace == outcome.trace
    assert again.steps == outcome.steps


@pytest.mark.slow
def test_a_seed_repeats_every_byte_whatever_the_process_hashes_with() -> None:
    told = (
        "from tests.lab.cluster.whole.simulation import run;"
        f"print(run({SEED}, acts=30).trace)"
    )
    elsewhere = subprocess.run(
        [sys.executable, "-c", told],
        env={**os.environ, "PYTHONHASHSEED": "7"},
        capture_output=True,
        check=True,
        text=True,
    )
    assert elsewhere.stdout == run(SEED, acts=30).trace + "\n"
