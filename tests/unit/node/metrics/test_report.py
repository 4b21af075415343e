"""The answer to a scrape: described when the series change, and integers."""

from ccfpy.boundary.effects import DescribeMetrics, MetricSeries, ReportMetrics
from ccfpy.node.metrics import Gathered, MetricsReport
from ccfpy.node.outbox import Outbox


def test_series_are_described_when_they_change_and_only_then() -> None:
    outbox = Outbox()
    report = MetricsReport(outbox)
    view = Gathered("consensus_view", (), (2,))
    peer = Gathered("consensus_peer_match_seqno", ("ab",), (7,))
    report.answer([view])
    report.answer([view])
    report.answer([view, peer])
    series = MetricSeries(name="consensus_view", labels=())
    other = MetricSeries(name="consensus_peer_match_seqno", labels=("ab",))
    assert outbox.take() == [
        DescribeMetrics(series=(series,)),
        ReportMetrics(values=(2,)),
        ReportMetrics(values=(2,)),
        DescribeMetrics(series=(series, other)),
        ReportMetrics(values=(2, 7)),
    ]


def test_a_clock_that_goes_back_makes_no_number_that_the_boundary_refuses() -> None:
    outbox = Outbox()
    MetricsReport(outbox).answer([Gathered("consensus_view", (), (-5,))])
    assert outbox.take()[-1] == ReportMetrics(values=(0,))
