"""How much does a mix of reads and writes cost?

The logging app runs on one node, with a hundred connections and private records. The
clients read never, half of the time, nine times in ten, 99 times in a hundred, and
always, in turns. A mix should cost the sum of its parts, each by its share. Any further
cost comes from their effect on each other.

Budget: at most a fifth more CPU than the sum, for each mix, on one core.
"""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from benchmarks.harness import works
from benchmarks.harness.asking import Asked
from benchmarks.harness.costs import Known, Subject, figures, in_turns
from benchmarks.harness.figure import Figure
from benchmarks.harness.pinning import Layout
from benchmarks.harness.question import Question, Settings, main
from benchmarks.harness.service import sandbox

CONNECTIONS = 100
READ_PERCENTS = (0, 50, 90, 99, 100)
BUDGET_TIMES = 1.2


def measure(settings: Settings) -> Iterator[Figure]:
    kinds = [works.mixed(Fraction(percent, 100)) for percent in READ_PERCENTS]
    with sandbox() as service:
        for count in settings.connections or (CONNECTIONS,):
            told = in_turns(service, kinds, settings, count)
            for percent, work, whiles in zip(READ_PERCENTS, kinds, told, strict=True):
                subject = Subject(
                    what=work.name,
                    plot=f"Reads and writes mixed, {count:,} connections",
                    series="private requests",
                    x=percent,
                    along="reads in a hundred",
                )
                yield from figures(whiles, subject, count, Known())
            one_core = [whiles[Layout.ONE_CORE] for whiles in told]
            yield from dearer(
                dict(zip(READ_PERCENTS, one_core, strict=True)), connections=count
            )


def dearer(
    by_percent: Mapping[int, Sequence[Asked]], *, connections: int
) -> Iterator[Figure]:
    """Return how many times the cost of its parts each mix costs, turn by turn.

    Args:
        by_percent: the results of the turns by the share of reads, with 0 and 100.
        connections: the number of connections.
    """
    over = f"{connections:,} connections"
    for percent, turns in by_percent.items():
        if percent in (0, 100):
            continue
        in_turn = zip(by_percent[0], turns, by_percent[100], strict=True)
        yield Figure(
            name=f"{percent}% reads, {over}, to what its parts cost",
            unit="times",
            values=tuple(
                100
                * mixed.cpu_us
                / ((100 - percent) * write.cpu_us + percent * read.cpu_us)
                for write, mixed, read in in_turn
            ),
            budget=BUDGET_TIMES,
        )


QUESTION = Question(
    slug="mixes",
    text="How does a service do when reads and writes come mixed?",
    measure=measure,
)

if __name__ == "__main__":
    main(QUESTION)
