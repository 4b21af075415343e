"""Keep `make quick` quick: which tests are slow, and a bound on those that are not.

A test that takes more than a quarter of a second of a quiet machine is marked slow, or
is made smaller. The bound is on the processor's time, on which other programs have
little effect, and is sixteen times as high: no test fails because its machine is slow
or shared.
"""

import os
import sys
from collections.abc import Generator, Iterable
from functools import cache
from pathlib import Path
from typing import Final

import pytest

CPU_SECONDS_MAX: Final = 4.0
"""The processor time that a test that is not slow may take, with its child
processes."""

PROCESSES: Final = frozenset({"apps", "deploy", "e2e", "interop"})
"""Folders of tests that start processes and wait for them: all these tests are slow."""

QUICK: Final = "not slow"
"""The expression by which `make quick` selects tests."""

NEWEST: Final = f"{QUICK} or newest"
"""The expression by which tests are selected for the newest Python: the quick ones, and
slow ones that nothing quick stands for."""

_TESTS = Path(__file__).resolve().parent


def too_slow(name: str, seconds: float, *, slow: bool) -> str | None:
    """Return what to do about a test that took longer than its mark allows, or None."""
    if slow or seconds <= CPU_SECONDS_MAX:
        return None
    return (
        f"{name} took {seconds:.1f} s of a processor, and {CPU_SECONDS_MAX:g} s is the "
        "most for a test without @pytest.mark.slow: mark it, or make it smaller"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    """Mark as slow what is marked for the newest Python, and every test of the folders
    whose tests start processes."""
    for item in items:
        if _folder(item.path) in PROCESSES or item.get_closest_marker("newest"):
            item.add_marker(pytest.mark.slow)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """Fail a test that is not marked slow and is, in a run that leaves out slow ones.

    A whole run judges behaviour alone. House tests read the whole repository, so they
    have no bound. Under a tracer, such as that of `make coverage`, times mean nothing.
    """
    before = _cpu_seconds()
    yield
    slow = item.get_closest_marker("slow") is not None or _reads_everything(item)
    reason = too_slow(item.name, _cpu_seconds() - before, slow=slow)
    if reason is not None and is_quick(item.config) and sys.gettrace() is None:
        pytest.fail(reason, pytrace=False)


def is_quick(config: pytest.Config) -> bool:
    """Return whether a run leaves out slow tests, as `make quick` does."""
    return QUICK in config.option.markexpr


def _reads_everything(item: pytest.Item) -> bool:
    return _folder(item.path) == "house"


@cache
def _folder(path: Path) -> str:
    """Return the name of the folder of ``tests`` that a file is in, if it is in one."""
    return path.relative_to(_TESTS).parts[0] if path.is_relative_to(_TESTS) else ""


def _cpu_seconds() -> float:
    return sum(os.times()[:4])
