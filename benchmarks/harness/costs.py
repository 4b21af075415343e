"""What one kind of request costs a service: CPU time on one core, and rates on all.

CPU time for each request is compared on one core that the load shares, since there a
request costs what it costs; CCF's own, like the rates, were measured where the kernel
chose. So each is told beside CCF's in the layout in which CCF's was taken.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from benchmarks.harness.asking import Asked, ask_often
from benchmarks.harness.figure import Better, Figure, Held, Point
from benchmarks.harness.pinning import Layout
from benchmarks.harness.question import Settings
from benchmarks.harness.service import Service
from benchmarks.harness.works import Work

ByConnections = Mapping[int, float]
"""A number for some numbers of connections."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What requests are held against, by the number of connections.

    Attributes:
        cpu_us: the budget of CPU time on one core.
        per_s: the budget of a rate, with the load generator on the same machine.
        ccf_us: what CCF's C++ took of CPU time, left to the kernel.
        ccf_per_s: the rate at which it answered.
    """

    cpu_us: ByConnections = field(default_factory=dict)
    per_s: ByConnections = field(default_factory=dict)
    ccf_us: ByConnections = field(default_factory=dict)
    ccf_per_s: ByConnections = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is asked, and under which names its figures go.

    Attributes:
        what: begins each figure's name.
        plot: begins the titles of its plots.
        series: the line in them.
        x: where along them, if it is not the number of connections.
        along: what ``x`` counts.
    """

    what: str
    plot: str
    series: str
    x: float | None = None
    along: str = "connections"


def costs(
    service: Service,
    work: Work,
    subject: Subject,
    settings: Settings,
    *,
    connections: Iterable[int],
    known: Known,
) -> Iterator[Figure]:
    """Give the figures of one kind of request, for each number of connections."""
    for count in connections:
        told = ask_often(
            service,
            work,
            connections=count,
            seconds=settings.seconds or settings.pick(3.0, 0.8),
            repeats=settings.repeats or settings.pick(5, 3),
            layouts=(Layout.ONE_CORE, Layout.FREE),
        )
        yield from figures(told, subject, count, known)


def figures(
    told: Mapping[Layout, list[Asked]], subject: Subject, count: int, known: Known
) -> Iterator[Figure]:
    """Give the figures of what was told of one number of connections."""
    over = f"{count:,} connection{'s' if count > 1 else ''}"
    name = f"{subject.what}, {over}"
    x = count if subject.x is None else subject.x

    def at(title: str) -> Point:
        plot = f"{subject.plot}: {title}"
        return Point(plot=plot, series=subject.series, x=x, along=subject.along)

    one_core, free = told[Layout.ONE_CORE], told[Layout.FREE]
    yield Figure(
        name=f"{name}: CPU, one core",
        unit="µs",
        values=tuple(asked.cpu_us for asked in one_core),
        budget=known.cpu_us.get(count),
        held=Held.BEST,
        scales=True,
        point=at("CPU, one core"),
    )
    yield Figure(
        name=f"{name}: CPU, not pinned",
        unit="µs",
        values=tuple(asked.cpu_us for asked in free),
        ccf=known.ccf_us.get(count),
        scales=True,
        point=at("CPU, not pinned"),
    )
    yield Figure(
        name=f"{name}: answered",
        unit="a second",
        values=tuple(asked.per_s for asked in free),
        better=Better.MORE,
        budget=known.per_s.get(count),
        ccf=known.ccf_per_s.get(count),
        scales=True,
        point=at("answered"),
    )
    yield Figure(
        name=f"{name}: latency, p50",
        unit="ms",
        values=tuple(asked.p50_ms for asked in free),
        scales=True,
    )
    yield Figure(
        name=f"{name}: latency, p99",
        unit="ms",
        values=tuple(asked.p99_ms for asked in free),
        scales=True,
    )
