"""How much does the size of a message add to a write and to a read?

The logging app runs on one node, with a hundred connections and private messages of 20
bytes to 64 KiB of plain text. The node receives, decrypts, parses, keeps, seals, hashes
and stores each byte of a write. It fetches each byte of a read, writes the byte as
JSON, encrypts and sends it.

Budget: 10 ns of CPU for each further byte of a write, on one core, from the smallest
message to the largest.
"""

from collections.abc import Iterator

from benchmarks.harness import works
from benchmarks.harness.costs import Known, Subject, costs
from benchmarks.harness.figure import Figure
from benchmarks.harness.question import Question, Settings, main
from benchmarks.harness.service import sandbox

CONNECTIONS = 100
SIZES = (20, 200, 2_000, 16_384, 65_536)
QUICK_SIZES = (20, 2_000, 65_536)
BUDGET_NS = 10.0


def measure(settings: Settings) -> Iterator[Figure]:
    for kind, asked in (("write", works.writes), ("read", works.reads)):
        by_size: dict[int, Figure] = {}
        with sandbox() as service:
            for size in settings.pick(SIZES, QUICK_SIZES):
                measured = list(
                    costs(
                        service,
                        asked("private", size),
                        _subject(kind, size),
                        settings,
                        connections=settings.connections or (CONNECTIONS,),
                        known=Known(),
                    )
                )
                by_size[size] = measured[0]
                yield from measured
        yield each_byte(kind, by_size)


def _subject(kind: str, size: int) -> Subject:
    return Subject(
        what=f"{kind} of {size:,} bytes",
        plot="Messages of many sizes, 100 connections",
        series=f"private {kind}",
        x=size,
        along="bytes",
    )


def each_byte(kind: str, by_size: dict[int, Figure]) -> Figure:
    """Return the cost of a further byte, from the smallest message to the largest."""
    least, most = min(by_size), max(by_size)
    more_us = by_size[most].median - by_size[least].median
    return Figure(
        name=f"each further byte of a {kind}, one core",
        unit="ns",
        values=(1000 * more_us / (most - least),),
        budget=BUDGET_NS if kind == "write" else None,
        scales=True,
    )


QUESTION = Question(
    slug="payloads",
    text="What does the size of a message add to a write and to a read?",
    measure=measure,
)

if __name__ == "__main__":
    main(QUESTION)
