"""The cost of one kind of request: CPU time on one core, and rates on all cores.

CPU time for each request is compared on one core that the load shares, since the cost
of a request varies least there. Rates are measured where the kernel chooses the core.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from benchmarks.harness.asking import Asked, ask_often
from benchmarks.harness.figure import Better, Figure, Held, Point
from benchmarks.harness.pinning import Layout
from benchmarks.harness.question import Settings
from benchmarks.harness.service import Service
from benchmarks.harness.works import Work

LAYOUTS: Final = (Layout.ONE_CORE, Layout.FREE)
Told: TypeAlias = dict[Layout, list[Asked]]
"""The results of the periods of one load, in each layout."""

ByConnections = Mapping[int, float]
"""A number for each number of connections."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The budgets of requests, by the number of connections.

    Attributes:
        cpu_us: the budget of CPU time on one core.
        per_s: the budget of a rate, with the load generator on the same machine.
    """

    cpu_us: ByConnections = field(default_factory=dict)
    per_s: ByConnections = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The kind of request, and the names of its figures.

    Attributes:
        what: the start of each figure's name.
        plot: the start of the titles of its plots.
        series: the line in these plots.
        x: the place along the plots, if it is not the number of connections.
        along: the unit of ``x``.
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
    """Return the figures of one kind of request, for each number of connections."""
    for count in connections:
        told = _asked(service, work, settings, count, repeats(settings))
        yield from figures(told, subject, count, known)


def costs_of_each(
    service: Service,
    works: Iterable[tuple[Work, Known]],
    plot: str,
    settings: Settings,
    *,
    connections: Iterable[int],
) -> Iterator[Figure]:
    """Return the figures of kinds of requests, each a line of one plot, by its name."""
    counts = tuple(connections)
    for work, known in works:
        subject = Subject(what=work.name, plot=plot, series=work.name)
        yield from costs(
            service, work, subject, settings, connections=counts, known=known
        )


def in_turns(
    service: Service, kinds: Sequence[Work], settings: Settings, connections: int
) -> list[Told]:
    """Return the results of each kind of request, asked in turns.

    A disturbance affects all kinds alike, so that a repeat of one kind may be compared
    with the same repeat of another.
    """
    told: list[Told] = [{layout: [] for layout in LAYOUTS} for _ in kinds]
    for _ in range(repeats(settings)):
        for work, so_far in zip(kinds, told, strict=True):
            asked = _asked(service, work, settings, connections, 1)
            for layout, whiles in asked.items():
                so_far[layout] += whiles
    return told


def repeats(settings: Settings) -> int:
    """Return the number of measurements of each figure."""
    return settings.repeats or settings.pick(5, 3)


def _asked(
    service: Service, work: Work, settings: Settings, connections: int, count: int
) -> Told:
    return ask_often(
        service,
        work,
        connections=connections,
        seconds=settings.seconds or settings.pick(3.0, 0.8),
        repeats=count,
        layouts=LAYOUTS,
    )


def figures(
    told: Mapping[Layout, Sequence[Asked]], subject: Subject, count: int, known: Known
) -> Iterator[Figure]:
    """Return the figures of the measurements with one number of connections."""
    over = f"{count:,} connection{'s' if count > 1 else ''}"
    x = count if subject.x is None else subject.x

    def figure(what: str, unit: str, values: Iterable[float]) -> Figure:
        return Figure(
            name=f"{subject.what}, {over}: {what}",
            unit=unit,
            values=tuple(values),
            scales=True,
            point=Point(
                plot=f"{subject.plot}: {what}",
                series=subject.series,
                x=x,
                along=subject.along,
            ),
        )

    one_core, free = told[Layout.ONE_CORE], told[Layout.FREE]
    yield replace(
        figure("CPU, one core", "µs", (asked.cpu_us for asked in one_core)),
        budget=known.cpu_us.get(count),
        held=Held.BEST,
    )
    yield figure("CPU, not pinned", "µs", (asked.cpu_us for asked in free))
    yield replace(
        figure("answered", "a second", (asked.per_s for asked in free)),
        better=Better.MORE,
        budget=known.per_s.get(count),
    )
    for what, times in (
        ("p50", (asked.p50_ms for asked in free)),
        ("p99", (asked.p99_ms for asked in free)),
    ):
        yield replace(figure(f"latency, {what}", "ms", times), point=None)
