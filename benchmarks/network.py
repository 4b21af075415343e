"""How much does a network of three or five nodes cost, compared with one node?

A hundred clients write to one node, three and five, in turns. All processes share the
machine's processors, so three nodes can do as many writes a second as one node only if
replication costs nothing.

Requests per second, and so their ratio, are valid only if nothing else runs. CPU time
for each write is roughly valid in any case.

Budget: three nodes do at least 60 % of the writes a second that one node does, and five
at least 40 %. Each further node costs the same, so no size is a cliff.
"""

from collections import defaultdict
from collections.abc import Iterator

from benchmarks.harness import works
from benchmarks.harness.asking import Asked, ask_often
from benchmarks.harness.figure import Better, Figure, Point
from benchmarks.harness.pinning import Layout
from benchmarks.harness.question import Question, Settings, main
from benchmarks.harness.service import Service, sandbox

NODES = 1, 3, 5
BUDGET_RATIO = {3: 0.6, 5: 0.4}
CONNECTIONS = 100
SECONDS = 3.0
WARM_UP_S = 3.0
"""The first load, which is no measurement: code runs, and takes memory, for the first
time."""
REPEATS = 9
"""Many short repeats: the speed of a shared machine changes within seconds, and the
compared networks should have the same conditions."""


def write_to(nodes: int, seconds: float) -> Asked:
    """Write to a new service of this number of nodes."""
    with sandbox(nodes) as service:
        _ask(service, WARM_UP_S)
        return _ask(service, seconds)


def _ask(service: Service, seconds: float) -> Asked:
    told = ask_often(
        service, works.writes(), connections=CONNECTIONS, seconds=seconds, repeats=1
    )
    return told[Layout.FREE][0]


def figures(told: dict[int, list[Asked]]) -> Iterator[Figure]:
    """Compare networks with one node, turn by turn."""
    for nodes, turns in told.items():
        where = f"{nodes} node{'s' if nodes > 1 else ''}"
        yield Figure(
            name=f"{where}: CPU of all for a write",
            unit="µs",
            values=tuple(turn.cpu_us for turn in turns),
            scales=True,
            point=Point(plot="CPU of a write", series="ours", x=nodes, along="nodes"),
        )
        yield Figure(
            name=f"{where}: writes",
            unit="a second",
            values=tuple(turn.per_s for turn in turns),
            better=Better.MORE,
            scales=True,
            point=Point(plot="Writes", series="ours", x=nodes, along="nodes"),
        )
        if nodes > 1 and 1 in told:
            pairs = list(zip(turns, told[1], strict=True))
            yield Figure(
                name=f"{where}: writes a second, to one node's",
                unit="times",
                values=tuple(turn.per_s / one.per_s for turn, one in pairs),
                better=Better.MORE,
                budget=BUDGET_RATIO.get(nodes),
            )
            yield Figure(
                name=f"{where}: CPU of each further node for a write, to the first's",
                unit="times",
                values=tuple(
                    (turn.cpu_us / one.cpu_us - 1) / (nodes - 1) for turn, one in pairs
                ),
            )


def measure(settings: Settings) -> Iterator[Figure]:
    seconds = settings.seconds or settings.pick(SECONDS, 2.0)
    told: dict[int, list[Asked]] = defaultdict(list)
    for _ in range(settings.repeats or settings.pick(REPEATS, 1)):
        for nodes in settings.nodes or NODES:
            told[nodes].append(write_to(nodes, seconds))
    yield from figures(told)


QUESTION = Question(
    slug="network",
    text="What do networks of three nodes and of five cost against one node?",
    measure=measure,
)

if __name__ == "__main__":
    main(QUESTION)
