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
from tests import pace, primes

ROOT = Path(__file__).resolve().parents[1]
# A loaded machine is slow, not wrong: time limits belong in benchmarks/.
settings.register_profile("ccfpy", deadline=None)
settings.register_profile("quick", settings.get_profile("ccfpy"), max_examples=20)
settings.load_profile("ccfpy")

# Most tests make whole nodes, for which Python's own threshold of 700 objects is low:
# with this one a run takes an eighth less, and as much memory.
gc.set_threshold(20_000)

# The keys of members and nodes that tests make follow from seeds, each time the same.
entropy.know_distances(primes.distances())

# Which tests are slow, and that no others are.
pytest_collection_modifyitems = pace.pytest_collection_modifyitems
pytest_runtest_call = pace.pytest_runtest_call

# Shells have what they start in the background ignore this, and so would every program
# that tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config: pytest.Config) -> None:
    """Try few examples of each property in a quick run; a whole run tries them all.

    A test that says itself how many there are is tried with that many in both.
    """
    if pace.is_quick(config):
        settings.load_profile("quick")


def pytest_collection_finish() -> None:
    """Take what was collected out of the garbage collector's sight.

    It lasts as long as the run, and each full collection would walk over all of it.
    """
    gc.collect()
    gc.freeze()


SHARED = ROOT.parent / "shared"


def _missing(message: str) -> NoReturn:
    """Skip a test for what is not here; in CI, where it must be, fail it."""
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
    """A private copy of the ledgers that CCF itself recorded, one folder a service."""
    target = tmp_path_factory.mktemp("ccf") / "services"
    shutil.copytree(_shared("data", "ccf_services"), target)
    for path in (target, *target.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return target
