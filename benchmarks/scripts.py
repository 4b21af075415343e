"""How much does a request of an app in JavaScript cost, compared with Python?

CPU time is that of the host and enclave processes of all nodes together, over TLS with
a user's certificate. First, clients write and read messages of the logging app, on one
node, three and five, in a kept interpreter, as CCF's own logging app in JavaScript has
it. Then, on one node, each request reads a key and writes it: in a fresh interpreter,
in a kept one, and in Python.

Budget of CPU for a read and a write of one key at 100 connections, on one core: 200 µs
in a fresh interpreter, 5,000 requests a second of a core; 67 µs in a kept one, 15,000.
"""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness import works
from benchmarks.harness.costs import Known, Subject, costs
from benchmarks.harness.figure import Figure
from benchmarks.harness.question import Question, Settings, main
from benchmarks.harness.service import sandbox

COUNTING = Path(__file__).parent / "harness/counting"
RECORDING = Path(__file__).parent / "harness/recording"
NODES = (1, 3, 5)
CONNECTIONS = (1, 10, 100, 1000)
BRIEF = (100,)
WORLDS = {
    "fresh": ("a world of its own", Known(cpu_us={100: 200.0})),
    "kept": ("one that is kept", Known(cpu_us={100: 67.0})),
    "python": ("Python", Known()),
}


def measure(settings: Settings) -> Iterator[Figure]:
    for nodes in settings.nodes or NODES:
        yield from _messages(nodes, settings)
    yield from _counts(settings)


def _messages(nodes: int, settings: Settings) -> Iterator[Figure]:
    network = "" if nodes == 1 else f"{nodes} nodes, "
    for where in ("private", "public"):
        is_brief = settings.is_quick and (where == "public" or nodes > 1)
        for work in (works.writes(where), works.reads(where)):
            with sandbox(nodes, ["--js-app-bundle", str(RECORDING)]) as service:
                yield from costs(
                    service,
                    work,
                    Subject(
                        what=f"{network}JavaScript, {work.name}",
                        plot=f"{network}Requests of the JavaScript app",
                        series=work.name,
                    ),
                    settings,
                    connections=settings.connections
                    or (BRIEF if is_brief else CONNECTIONS),
                    known=Known(),
                )


def _counts(settings: Settings) -> Iterator[Figure]:
    for options, names in (
        (["--js-app-bundle", str(COUNTING)], ("fresh", "kept")),
        (["--app", str(COUNTING / "app.py")], ("python",)),
    ):
        with sandbox(options=options) as service:
            for name in names:
                world, known = WORLDS[name]
                yield from costs(
                    service,
                    works.additions(name),
                    Subject(
                        what=f"a read and a write, {world}",
                        plot="A read and a write of one key",
                        series=world,
                    ),
                    settings,
                    connections=settings.connections
                    or settings.pick(CONNECTIONS[:3], BRIEF),
                    known=known,
                )


QUESTION = Question(
    slug="scripts",
    text="What does a request of an app in JavaScript cost, beside one in Python?",
    measure=measure,
)

if __name__ == "__main__":
    main(QUESTION)
