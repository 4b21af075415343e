"""The short form of the attacks on real nodes: each stays within its bounds.

All of them, with their whole load: ``python -m tests.lab.attacks``.
"""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attacks import attack
from tests.lab.attacks.catalogue import choose
from tests.lab.attacks.report import reasons, table
from tests.lab.attacks.run import Outcome, run_attacks

pytestmark = pytest.mark.alone

NAMES = (
    *("replay", "future", "chains", "handshakes", "squatters"),
    *("operators", "strangers"),
    *("pipelining", "heads", "resets", "forgeries", "traitor", "ways-out"),
    *("errors", "deep", "loop", "script", "ballots", "crowd", "spin-crowd", "hang"),
)


class Outcomes:
    """Runs the attacks in order, up to the one whose outcome is asked for.

    So each test takes the time of its own attack.
    """

    def __init__(self, runner: asyncio.Runner, workspace: Path) -> None:
        self._runner = runner
        self._said: list[str] = []
        self._found: dict[str, Outcome] = {}
        self._attacks = run_attacks(
            choose([], is_quick=True), workspace, is_quick=True, say=self._said.append
        )

    def of(self, name: str) -> Outcome:
        """Return an attack's outcome, and print what was done until then."""
        while name not in self._found:
            outcome = self._runner.run(self._next())
            self._found[outcome.attack.name] = outcome
        found = [self._found[name]]
        # pytest prints this if a check below fails
        sys.stdout.write("\n".join((*self._said, *table(found), *reasons(found), "")))
        return self._found[name]

    async def _next(self) -> Outcome:
        return await anext(self._attacks)

    def close(self) -> None:
        """Run no more attacks, and stop the service."""
        self._runner.run(self._attacks.aclose())


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcomes]:
    """Run each attack once."""
    with asyncio.Runner() as runner:
        outcomes = Outcomes(runner, tmp_path_factory.mktemp("attacks"))
        try:
            yield outcomes
        finally:
            outcomes.close()


@attack("gov: a proposal again, with another signature that holds", "replay")
@attack("gov: a proposal from the future", "future")
@attack("tls: a chain of certificates that are expensive to check", "chains")
@attack("fairness: a thousand handshakes at once", "handshakes")
@attack("join: a record as large as a request may be", "strangers")
@attack("join: more nodes than anybody could want", "strangers")
@attack("join: all places taken, and asked for again and again", "strangers")
@attack("join: the address of a node that waits to be trusted", "squatters")
@attack("join: an address that is none", "operators")
@attack("join: an address at which a stranger waits for operators", "operators")
@attack("tools: text that moves the cursor, hides or turns a line around", "operators")
@attack("fairness: answers that nobody reads", "pipelining")
@attack("fairness: thousands of requests at once", "pipelining")
@attack("fairness: unfinished requests on many connections", "heads")
@attack("ledger: an inner node of the tree, given as a leaf", "forgeries")
@attack("channel: consensus with values that no honest node sends", "traitor")
@attack("channel: an entry that writes what a node cannot act upon", "traitor")
@attack("escape: a descriptor that a library left open", "ways-out")
@attack("escape: a file that a library shares its memory with", "ways-out")
@attack("applications: a handler without end", "loop")
@attack("applications: many handlers without end", "crowd")
@attack("applications: many calls that compute without end", "spin-crowd")
@attack("applications: handlers that hang", "hang")
@attack("applications: a script without end", "script")
@attack("gov: a ballot that never ends", "ballots")
@pytest.mark.parametrize("name", NAMES)
def test_an_attack_stays_within_its_bounds(outcomes: Outcomes, name: str) -> None:
    assert outcomes.of(name).excesses == []


def test_these_are_all_of_the_short_form() -> None:
    assert [each.name for each in choose([], is_quick=True)] == list(NAMES)
