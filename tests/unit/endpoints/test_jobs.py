"""Jobs of an application, and the mistakes in declaring them."""

from typing import Any

import pytest

from ccfpy.app import App, JobContext, Misdeclared
from ccfpy.base.limits import JOB_INTERVAL_MS_MAX, JOB_INTERVAL_MS_MIN, JOBS_MAX
from ccfpy.endpoints.application import job_of


def _tidy(_: JobContext) -> None:
    """Do nothing."""


async def _wait(_: JobContext) -> None:
    """Do nothing."""


def _take_none() -> None:
    """Do nothing."""


def _take_two(_: JobContext, __: int = 0) -> None:
    """Do nothing."""


def _take_by_name(*, _: JobContext) -> None:
    """Do nothing."""


def test_an_app_lists_its_jobs_in_order() -> None:
    app = App("tidy")
    assert app.jobs() == ()
    assert app.on_start(_tidy) is _tidy
    assert app.every(JOB_INTERVAL_MS_MIN, execution_ms_max=5)(_tidy) is _tidy
    app.every(JOB_INTERVAL_MS_MAX, on_each_node=True)(_tidy)
    start, often, rarely = app.jobs()
    assert (start.name, start.interval_ms, start.on_each_node) == ("_tidy", None, True)
    assert (often.interval_ms, often.on_each_node) == (JOB_INTERVAL_MS_MIN, False)
    assert often.execution_ms_max == 5
    assert (rarely.interval_ms, rarely.on_each_node) == (JOB_INTERVAL_MS_MAX, True)
    assert rarely.execution_ms_max is None


@pytest.mark.parametrize(
    "interval_ms", [0, -1, JOB_INTERVAL_MS_MIN - 1, JOB_INTERVAL_MS_MAX + 1]
)
def test_an_interval_has_two_bounds(interval_ms: int) -> None:
    with pytest.raises(
        Misdeclared, match=f"every {interval_ms} ms: write from 1000 to 604800000"
    ):
        App("tidy").every(interval_ms)(_tidy)


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        (_wait, "async def"),
        (_take_none, 'write "ctx: JobContext"'),
        (_take_two, 'write "ctx: JobContext"'),
        (_take_by_name, 'write "ctx: JobContext"'),
    ],
)
def test_a_job_takes_its_context_and_runs_to_its_end(
    function: Any,  # noqa: ANN401  # a mistake, of any type
    problem: str,
) -> None:
    with pytest.raises(Misdeclared, match=problem):
        App("tidy").on_start(function)
    with pytest.raises(Misdeclared, match=problem):
        App("tidy").every(1000)(function)


def test_a_time_limit_is_a_millisecond_at_least() -> None:
    with pytest.raises(Misdeclared, match="a time limit of 0 ms"):
        App("tidy").every(1000, execution_ms_max=0)(_tidy)
    assert App("tidy").every(1000, execution_ms_max=1)(_tidy) is _tidy


def test_an_app_has_only_so_many_jobs() -> None:
    app = App("busy")
    for _ in range(JOBS_MAX - 1):
        app.every(1000)(_tidy)
    app.on_start(_tidy)
    with pytest.raises(Misdeclared, match="one job too many: an app has at most 16"):
        app.every(1000)(_tidy)
    with pytest.raises(Misdeclared, match="one job too many"):
        app.on_start(_tidy)
    assert len(app.jobs()) == JOBS_MAX


def test_a_job_has_the_name_of_its_function() -> None:
    job = job_of(_tidy, interval_ms=1000, on_each_node=False)
    assert (job.name, job.function) == ("_tidy", _tidy)
