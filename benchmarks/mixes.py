"""How does a service do when reads and writes come mixed?

The logging app on one node, a hundred connections, private records: no reads, a half,
nine in ten, 99 in a hundred, nothing else. A mix should cost what its parts cost, each
by its share; what it costs more is what they do to one another.

Budget: at most a fifth more CPU than that, for any mix.
"""

from collections.abc import Iterator
from fractions import Fraction

from benchmarks.harness import works
from benchmarks.harness.costs import Known, Subject, costs
from benchmarks.harness.figure import Figure
from benchmarks.harness.question import Question, Settings, main
from benchmarks.harness.service import sandbox

CONNECTIONS = 100
READ_PERCENTS = (0, 50, 90, 99, 100)
BUDGET_TIMES = 1.2


def measure(settings: Settings) -> Iterator[Figure]:
    by_share: dict[Fraction, Figure] = {}
    with sandbox() as service:
        for percent in READ_PERCENTS:
            share = Fraction(percent, 100)
            work = works.mixed(share)
            subject = Subject(
                what=work.name,
                plot="Reads and writes mixed, 100 connections",
                series="private requests",
                x=percent,
                along="reads in a hundred",
            )
            measured = list(
                costs(
                    service,
                    work,
                    subject,
                    settings,
                    connections=settings.connections or (CONNECTIONS,),
                    known=Known(),
                )
            )
            by_share[share] = measured[0]
            yield from measured
    yield dearer(by_share)


def dearer(by_share: dict[Fraction, Figure]) -> Figure:
    """Tell how many times what its parts cost a mix costs, for each mix.

    Args:
        by_share: the CPU time of a request by the share of reads, 0 and 1 among them.
    """
    write, read = by_share[Fraction(0)].low, by_share[Fraction(1)].low
    return Figure(
        name="a mix, to what its parts cost alone, at worst",
        unit="times",
        values=(
            max(
                figure.low / (write + float(share) * (read - write))
                for share, figure in by_share.items()
            ),
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
