"""Fixtures that every folder of tests may use."""

import gc
import os
import shutil
import signal
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import settings

from ccfpy.testing import entropy
from tests import pace, primes, schedule

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = int(os.environ.get("CCFPY_EXAMPLES", "100"))
"""How many examples of a property a whole run tries."""
# A loaded machine is slow, and this is no error: time limits belong in benchmarks/.
settings.register_profile("ccfpy", deadline=None, max_examples=EXAMPLES)
settings.register_profile("quick", settings.get_profile("ccfpy"), max_examples=20)
settings.load_profile("ccfpy")

# Most tests make whole nodes, for which Python's own threshold of 700 objects is low:
# with this one a run takes an eighth less, and as much memory.
gc.set_threshold(20_000)

# Seeds determine the keys of members and nodes that tests make, so the keys are the
# same each time.
entropy.know_distances(primes.distances())

# The plugins that check that every slow test is marked slow, and no other test, and
# that divide tests among the workers of a parallel run.
pytest_collection_modifyitems = pace.pytest_collection_modifyitems
pytest_runtest_call = pace.pytest_runtest_call
pytest_xdist_make_scheduler = schedule.pytest_xdist_make_scheduler

# Programs that a shell starts in the background ignore this signal. So would every
# program that tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config: pytest.Config) -> None:
    """Try few examples of each property in a quick run; a whole run tries them all.

    A test that names its number of examples has this number in both runs.
    """
    if pace.is_quick(config):
        settings.load_profile("quick")


def pytest_collection_finish() -> None:
    """Hide the collected tests from the garbage collector.

    They live as long as the run, and each full collection would walk over all of them.
    """
    gc.collect()
    gc.freeze()


SHARED = ROOT.parent / "shared"


def _missing(message: str) -> NoReturn:
    """Skip a test if a requirement is missing; in CI, where it must exist, fail the
    test."""
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def _shared(*parts: str) -> Path:
    path = SHARED.joinpath(*parts)
    if not path.exists():
        _missing(f"reference data not found: {path}")
    return path


@pytest.fixture(scope="session")
def ccf_services(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a private copy of the ledgers that CCF itself recorded, one folder a
    service."""
    target = tmp_path_factory.mktemp("ccf") / "services"
    shutil.copytree(_shared("data", "ccf_services"), target)
    for path in (target, *target.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return target
