"""The short form of the attacks on real nodes: each stays within its bounds.

All of them, with their whole load: ``python -m ccfpy.testing.attacks``.
"""

import asyncio
import sys

import pytest

from ccfpy.testing.attacks.catalogue import choose
from ccfpy.testing.attacks.report import reasons, table
from ccfpy.testing.attacks.run import Outcome, run_attacks


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """Run them once, and show what each came to."""
    workspace = tmp_path_factory.mktemp("attacks")
    said: list[str] = []

    async def run() -> list[Outcome]:
        chosen = choose([], is_quick=True)
        return [
            outcome
            async for outcome in run_attacks(
                chosen, workspace, is_quick=True, say=said.append
            )
        ]

    found = asyncio.run(run())
    # What pytest shows should a check below fail.
    sys.stdout.write("\n".join((*said, *table(found), *reasons(found), "")))
    return {outcome.attack.name: outcome for outcome in found}


@pytest.mark.parametrize("name", [each.name for each in choose([], is_quick=True)])
def test_an_attack_stays_within_its_bounds(
    outcomes: dict[str, Outcome], name: str
) -> None:
    assert outcomes[name].excesses == []
