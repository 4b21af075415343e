"""The node's answer to a scrape: integers, in the order of series described before."""

from typing import TYPE_CHECKING

from ccfpy.boundary.effects import DescribeMetrics, MetricSeries, ReportMetrics

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ccfpy.node.metrics.gathering import Gathered
    from ccfpy.node.outbox import Outbox


class MetricsReport:
    """What the host was told of the series, and the answers."""

    def __init__(self, outbox: "Outbox") -> None:
        self._outbox = outbox
        self._described: list[tuple[str, tuple[str, ...]]] = []

    def answer(self, samples: "Iterable[Gathered]") -> None:
        """Answer a scrape; describe the series first if they have changed."""
        series: list[tuple[str, tuple[str, ...]]] = []
        values: list[int] = []
        for name, labels, numbers in samples:
            series.append((name, labels))
            # The clock is the host's, and may go back.
            values += [max(0, number) for number in numbers]
        if series != self._described:
            self._described = series
            described = (MetricSeries(name=name, labels=to) for name, to in series)
            self._outbox.put(DescribeMetrics(series=tuple(described)))
        self._outbox.put(ReportMetrics(values=tuple(values)))
