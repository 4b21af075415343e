"""How do messages and bytes grow with the number of nodes?

Networks of 1 to 15 real nodes run in one thread, with real channels and ledgers. The
messages between the nodes are counted for ten seconds at rest, for writes that come one
by one, and for writes that come a hundred every 10 ms. The counts depend on no clock
and no machine, so they are the same everywhere. docs/scale.md explains their meaning.

Budget: each further node of 15 costs at most a tenth more than a further node of three:
nothing grows with the square of the number of nodes.
"""

from collections.abc import Iterator

from benchmarks.growing.traffic import (
    IDLE_MS,
    CountingNetwork,
    Said,
    at_rest,
    in_batches,
    one_by_one,
)
from benchmarks.harness.figure import Figure, Held, Point
from benchmarks.harness.question import Question, Settings, main

NODES = 1, 3, 5, 7, 9, 11, 13, 15
NODES_QUICK = 1, 3, 5
BUDGET_TIMES = 1.1
MS_PER_S = 1000


def of_nodes(nodes: int, idle: Said, alone: Said, busy: Said) -> Iterator[Figure]:
    """Return the figures of a number of nodes."""
    where = f"{nodes} node{'s' if nodes > 1 else ''}"
    seconds = IDLE_MS / MS_PER_S
    for what, unit, value in (
        ("at rest: messages", "a second", idle.messages / seconds),
        ("at rest: bytes", "a second", idle.sent_bytes / seconds),
        ("one by one: messages a write", "", alone.messages / alone.writes),
        ("one by one: bytes a write", "bytes", alone.sent_bytes / alone.writes),
        ("in batches: messages a write", "", busy.messages / busy.writes),
        ("in batches: bytes a write", "bytes", busy.sent_bytes / busy.writes),
    ):
        yield Figure(
            name=f"{where}, {what}",
            unit=unit,
            values=(value,),
            point=Point(
                plot=f"Between nodes, {what}", series="ours", x=nodes, along="nodes"
            ),
        )


def per_backup(said: dict[int, Said], what: str) -> Iterator[Figure]:
    """Compare the cost of each further node in the largest network and the smallest."""
    several = [nodes for nodes in said if nodes > 1]
    least, most = min(several), max(several)
    each = {nodes: said[nodes].sent_bytes / (nodes - 1) for nodes in (least, most)}
    yield Figure(
        name=f"bytes for each further node {what}, {most} nodes to {least}",
        unit="times",
        values=(each[most] / each[least],),
        budget=BUDGET_TIMES,
        held=Held.WORST,
    )


def measure(settings: Settings) -> Iterator[Figure]:
    idle: dict[int, Said] = {}
    alone: dict[int, Said] = {}
    busy: dict[int, Said] = {}
    for nodes in settings.nodes or settings.pick(NODES, NODES_QUICK):
        network = CountingNetwork.opened(nodes)
        idle[nodes] = at_rest(network)
        alone[nodes] = one_by_one(network)
        busy[nodes] = in_batches(network)
        yield from of_nodes(nodes, idle[nodes], alone[nodes], busy[nodes])
    if max(idle) > 1:
        yield from per_backup(idle, "at rest")
        yield from per_backup(alone, "one by one")
        yield from per_backup(busy, "in batches")


QUESTION = Question(
    slug="scale",
    text="How do messages and bytes grow with the number of nodes?",
    measure=measure,
)

if __name__ == "__main__":
    main(QUESTION)
