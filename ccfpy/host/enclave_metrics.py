"""What the enclave measures, asked for when somebody scrapes."""

import asyncio
from collections.abc import Callable, Iterator

from ccfpy.base.limits import METRICS_ENCLAVE_MS_MAX
from ccfpy.boundary.effects import DescribeMetrics, MetricSeries, ReportMetrics
from ccfpy.boundary.events import Event, ScrapeMetrics
from ccfpy.boundary.metrics import METRICS, MeasuredBy
from ccfpy.host.log import Journal
from ccfpy.host.metrics_text import Sample


class EnclaveMetrics:
    """The enclave's metrics, as it described and reported them last."""

    def __init__(self, post: Callable[[Event], None], journal: Journal) -> None:
        self._post = post
        self._journal = journal
        self._series: tuple[MetricSeries, ...] = ()
        self._answer: asyncio.Future[ReportMetrics] | None = None

    def described(self, effect: DescribeMetrics) -> None:
        """Note which series the reports have from now on."""
        self._series = effect.series

    def reported(self, effect: ReportMetrics) -> None:
        """Pass a report on, if somebody still waits for it."""
        answer, self._answer = self._answer, None
        if answer is not None and not answer.done():
            answer.set_result(effect)

    async def samples(self) -> list[Sample] | None:
        """Ask the enclave; nothing if it does not answer in time, or not in form."""
        answer = self._answer = asyncio.get_running_loop().create_future()
        self._post(ScrapeMetrics())
        try:
            report = await asyncio.wait_for(answer, METRICS_ENCLAVE_MS_MAX / 1000)
            return list(samples_of(self._series, report.values))
        except TimeoutError:
            return None
        except ValueError as error:
            self._journal.fail(f"Metrics of the enclave: {error}", file="metrics")
            return None


def samples_of(
    series: tuple[MetricSeries, ...], values: tuple[int, ...]
) -> Iterator[Sample]:
    """Return the values by their series.

    Raises:
        ValueError: a series is none of the enclave's, or there are too few values, or
            too many.
    """
    start = 0
    for each in series:
        metric = METRICS.get(each.name)
        if (
            metric is None
            or metric.by is not MeasuredBy.ENCLAVE
            or len(each.labels) != len(metric.labels)
        ):
            raise ValueError("a series that this host does not know")
        stop = start + metric.value_count
        if stop > len(values):
            raise ValueError("fewer values than its series have")
        yield Sample(each.name, each.labels, values[start:stop])
        start = stop
    if start != len(values):
        raise ValueError("more values than its series have")
