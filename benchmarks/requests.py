"""How much does a write or a read cost the server, and how many are answered?

Clients write and read private and public records of the logging app on one node, three
and five, over TLS with a user's certificate to the primary, at 1, 10, 100 and 1,000
connections. CPU time is that of the host and enclave processes of all nodes together.
It is the figure to compare: requests per second vary with other work on the machine.

Budget of CPU for a private write to one node, on one core: 60 µs at 1 connection, 40 at
10, 30 at 100, where the aim is 25. Budget of writes a second on two cores, which the
load generator shares: 5,000, 20,000, 26,000 (the aim is 35,000) and 25,000. Reads have
the same budgets.
"""

from collections.abc import Iterator

from benchmarks.harness import works
from benchmarks.harness.costs import Known, Subject, costs
from benchmarks.harness.figure import Figure
from benchmarks.harness.question import Question, Settings, main
from benchmarks.harness.service import sandbox

NODES = (1, 3, 5)
CONNECTIONS = (1, 10, 100, 1000)
BRIEF = (100,)
BUDGET_US = {1: 60.0, 10: 40.0, 100: 30.0}
BUDGET_PER_S = {1: 5_000.0, 10: 20_000.0, 100: 26_000.0, 1000: 25_000.0}
BUDGETS = Known(cpu_us=BUDGET_US, per_s=BUDGET_PER_S)


def measure(settings: Settings) -> Iterator[Figure]:
    for nodes in settings.nodes or NODES:
        for where in ("private", "public"):
            is_brief = settings.is_quick and (where == "public" or nodes > 1)
            for work in (works.writes(where), works.reads(where)):
                with sandbox(nodes) as service:
                    yield from costs(
                        service,
                        work,
                        _subject(work.name, nodes),
                        settings,
                        connections=settings.connections
                        or (BRIEF if is_brief else CONNECTIONS),
                        known=BUDGETS if nodes == 1 and where == "private" else Known(),
                    )


def _subject(kind: str, nodes: int) -> Subject:
    network = "" if nodes == 1 else f"{nodes} nodes, "
    return Subject(
        what=network + kind, plot=f"{network}Requests of the Python app", series=kind
    )


QUESTION = Question(
    slug="requests",
    text="What does a write or a read cost the server, and how many are answered?",
    measure=measure,
)

if __name__ == "__main__":
    main(QUESTION)
