"""Divide the tests that start processes among the workers of a parallel run.

Tests of one file share a service, which each worker would start for itself, so one
worker runs them all. The longest groups begin first: at the end of a run no worker
waits long for another.

pytest-xdist 3.8 has marks for groups, but under pytest 9.2 it does not see them: each
test was a group of its own, and services and containers were started twice.
"""

from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from xdist.remote import Producer  # type: ignore[import-untyped]
    from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]
    from xdist.workermanage import WorkerController  # type: ignore[import-untyped]

GROUPED: Final = "loadgroup"
"""The value of ``--dist`` with which groups are divided as this module says."""

ONE_AFTER_ANOTHER: Final = frozenset({"deploy"})
"""The folders whose files share containers and images of the machine."""

APART: Final = frozenset({"tests/e2e/test_howtos.py"})
"""The files whose tests share nothing, so that each test is a group."""

LONGEST: Final = (
    "deploy",
    "tests/interop/test_documents.py",
    "tests/e2e/test_howtos.py",
    "tests/e2e/test_simulated.py",
    "tests/e2e/test_networks.py",
    "tests/e2e/test_commands.py",
    "tests/e2e/test_tutorial.py",
    "tests/e2e/test_typescript_app.py",
    "tests/e2e/test_inference.py",
    "tests/e2e/test_standins.py",
    "tests/e2e/test_recover_command.py",
)
"""Groups and files that take longest, the longest first; others follow."""


def group_of(test: str) -> str:
    """Return the group of a test, by the test's id; one worker runs the whole group."""
    file = test.partition("::")[0]
    top, _, below = file.partition("/")
    folder = below.partition("/")[0]
    if top == "tests" and folder in ONE_AFTER_ANOTHER:
        return folder
    return test if file in APART else file


def rank(group: str) -> int:
    """Return a number that is lower for groups that begin earlier."""
    name = group.partition("::")[0]
    return LONGEST.index(name) if name in LONGEST else len(LONGEST)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(
    config: pytest.Config, log: "Producer"
) -> "LoadScopeScheduling | None":
    """Divide tests by their groups, if a run asks for groups."""
    if config.getvalue("dist") != GROUPED:
        return None
    from xdist.scheduler import LoadScopeScheduling  # noqa: PLC0415 - most runs need none

    class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist is untyped
        """Sends groups to workers, in the order of their ranks."""

        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

        def _assign_work_unit(self, node: "WorkerController") -> None:
            first = min(self.workqueue, key=rank)
            self.workqueue.move_to_end(first, last=False)
            super()._assign_work_unit(node)

    return GroupScheduling(config, log)
