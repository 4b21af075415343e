"""Who answers more, and who uses less of a processor: CCF in C++, or ccfpy?

Both are loaded in turns on one machine in one run, by the same clients: private writes
and reads of the logging app over TLS with a user's certificate. CCF runs its sample in
C++ and ccfpy the sample in Python; then both run CCF's sample in JavaScript. CCF signs
each 100 ms. ccfpy signs as its sandbox does: soon if there is little to sign, otherwise
each 100 ms.

A figure is a ratio of one turn, ccfpy's divided by CCF's. Turns vary much more than
ratios, because other work on a machine disturbs both. ``servers/ccf.py`` says how to
name a build of CCF; without one there is no answer.

Budgets hold for modules that are compiled.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from benchmarks.commits import MIDDLE, commits_ms, part
from benchmarks.harness import works
from benchmarks.harness.asking import Asked, ask_often
from benchmarks.harness.figure import Better, Figure, Point
from benchmarks.harness.pinning import Layout
from benchmarks.harness.question import Question, Settings, main
from benchmarks.harness.service import Service, sandbox
from benchmarks.servers import ccf

NODES = 1, 3, 5
APPS = "logging", "js"
CONNECTIONS = 1, 10, 100
REPEATS = 5
SECONDS = 3.0
COMMITS, COMMITS_QUICK = 30, 10
INTERVAL_MS = 100
CROWD = 1000
"""From this number of clients on, scripts and commits are left out."""
CROWD_SECONDS, CROWD_SECONDS_QUICK = 15.0, 5.0

RATES = {
    (1, "logging"): {1: 4.0, 10: 3.0, 100: 1.2, 1000: 2.0},
    (1, "js"): {10: 1.2, 100: 0.9},
    (3, "logging"): {100: 1.0},
    (5, "logging"): {100: 1.2},
}
"""The least ratios that will do, by nodes and app, then by connections."""
CPU = {(1, "logging"): {100: 0.85}}
COMMIT = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One load, of which both have their turns.

    Attributes:
        nodes: their number.
        app: "logging" or "js".
        work: the requests' name.
        connections: their number.
    """

    nodes: int
    app: str
    work: str
    connections: int

    @property
    def name(self) -> str:
        """Return the load in words."""
        app = "" if self.app == "logging" else "JavaScript, "
        ask = "connection" if self.connections == 1 else "connections"
        return f"{_many(self.nodes)}, {app}{self.work}, {self.connections:,} {ask}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """The results of one service in one turn.

    Attributes:
        asked: of each load.
        commit_ms: after how long half of the writes were known to be committed.
    """

    asked: dict[Cell, Asked]
    commit_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Loads:
    """What each service is asked in a turn.

    Attributes:
        connections: the numbers of connections.
        seconds: the length of each load.
        commits: the number of writes that are followed until they are committed.
    """

    connections: tuple[int, ...]
    seconds: float
    commits: int


def take_turn(
    service: AbstractContextManager[Service], nodes: int, app: str, loads: Loads
) -> Turn:
    """Start a service, load it and end it."""
    asked: dict[Cell, Asked] = {}
    with service as running:
        for work in (works.writes(), works.reads()):
            for connections in loads.connections:
                told = ask_often(
                    running,
                    work,
                    connections=connections,
                    seconds=loads.seconds,
                    repeats=1,
                )
                cell = Cell(
                    nodes=nodes, app=app, work=work.name, connections=connections
                )
                asked[cell] = told[Layout.FREE][0]
        commit_ms = None
        if loads.commits:
            commit_ms = part(commits_ms(running, loads.commits, INTERVAL_MS), MIDDLE)
    return Turn(asked=asked, commit_ms=commit_ms)


def figures(
    nodes: int, app: str, turns: Sequence[tuple[Turn, Turn]], version: str
) -> Iterator[Figure]:
    """Return the ratios of one size of network and one app.

    Args:
        nodes: their number.
        app: "logging" or "js".
        turns: those of ccfpy and of CCF, in pairs.
        version: of CCF.
    """
    rates, cpu = RATES.get((nodes, app), {}), CPU.get((nodes, app), {})
    for cell in turns[0][0].asked:
        pairs = [(ours.asked[cell], its.asked[cell]) for ours, its in turns]
        series = f"{_many(nodes)}, {'' if app == 'logging' else 'JavaScript, '}"
        yield Figure(
            name=f"{cell.name}: rate to that of CCF {version}",
            unit="times",
            values=tuple(ours.per_s / its.per_s for ours, its in pairs),
            better=Better.MORE,
            budget=rates.get(cell.connections),
            point=Point(
                plot="Rate to that of CCF",
                series=series + cell.work,
                x=cell.connections,
                along="connections",
            ),
        )
        yield Figure(
            name=f"{cell.name}: CPU to that of CCF {version}",
            unit="times",
            values=tuple(ours.cpu_us / its.cpu_us for ours, its in pairs),
            budget=cpu.get(cell.connections),
            point=Point(
                plot="CPU of a request to that of CCF",
                series=series + cell.work,
                x=cell.connections,
                along="connections",
            ),
        )
    waits = [
        ours.commit_ms / its.commit_ms
        for ours, its in turns
        if ours.commit_ms is not None and its.commit_ms is not None
    ]
    if waits:
        where = _many(nodes) + ("" if app == "logging" else ", JavaScript")
        yield Figure(
            name=f"{where}: half of the commits, to those of CCF {version}",
            unit="times",
            values=tuple(waits),
            budget=COMMIT,
        )


def _many(nodes: int) -> str:
    return f"{nodes} node{'s' if nodes > 1 else ''}"


def _options(app: str) -> tuple[str, ...]:
    return () if app == "logging" else ("--js-app-bundle", str(ccf.scripts()))


def measure(settings: Settings) -> Iterator[Figure]:
    sentence = ccf.missing()
    if sentence:
        print(sentence, flush=True)
        return
    version = ccf.version()
    for nodes, app, loads in _asked(settings):
        turns = []
        for _ in range(settings.repeats or settings.pick(REPEATS, 1)):
            its = take_turn(ccf.network(nodes, app), nodes, app, loads)
            own = take_turn(sandbox(nodes, _options(app)), nodes, app, loads)
            turns.append((own, its))
        yield from figures(nodes, app, turns, version)


def _asked(settings: Settings) -> Iterator[tuple[int, str, Loads]]:
    """Yield each size of network and app, with its loads."""
    connections = settings.connections or CONNECTIONS
    few = tuple(count for count in connections if count < CROWD)
    if few:
        loads = Loads(
            connections=few,
            seconds=settings.seconds or settings.pick(SECONDS, 1.0),
            commits=settings.pick(COMMITS, COMMITS_QUICK),
        )
        for nodes in settings.nodes or NODES:
            for app in APPS if nodes == 1 else APPS[:1]:
                yield nodes, app, loads
    many = tuple(count for count in connections if count >= CROWD)
    if many or not settings.connections:
        loads = Loads(
            connections=many or (CROWD,),
            seconds=settings.seconds
            or settings.pick(CROWD_SECONDS, CROWD_SECONDS_QUICK),
            commits=0,
        )
        yield 1, "logging", loads


QUESTION = Question(
    slug="beside_ccf",
    text="How many requests does ccfpy answer where CCF answers one, and at what CPU?",
    measure=measure,
)

if __name__ == "__main__":
    main(QUESTION)
