"""What does a call that never ends cost everybody else?

Clients add to counts on one node, by a script. Meanwhile another client calls a script
that never ends, a handler in Python that never ends, or a handler that hangs for good;
a call that is ended at its limit of 5 s is made again at once.

Budgets: 99 of 100 of the others' answers come within 100 ms beside a script, and within
250 ms beside Python. That a node can go on without a call costs a call that is fast
0.12 µs where modules are compiled: one per cent of the CPU time of a read of a hundred
clients, which is the cheapest request there is.
"""

import contextlib
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness import works
from benchmarks.harness.asking import Asked, ask_often
from benchmarks.harness.calls import watching_costs_us
from benchmarks.harness.figure import Figure
from benchmarks.harness.machine import is_compiled
from benchmarks.harness.pinning import Layout
from benchmarks.harness.question import Question, Settings, main
from benchmarks.harness.service import Service, sandbox
from benchmarks.scripts import COUNTING

APP = Path(__file__).parent / "harness/slow/app.py"
CONNECTIONS = 4
SECONDS = 10.0
BRIEF_S = 5.0
TIMEOUT_S = 30.0
COST_US_MAX = 0.12
BESIDE = (
    ("no slow call", None, None),
    ("an endless script", "/app/spin/1000000", 100.0),
    ("an endless handler", "/app/endless", 250.0),
    ("a handler that hangs", "/app/hang", 250.0),
)
"""The last one spoils the node."""


def measure(settings: Settings) -> Iterator[Figure]:
    repeats = settings.repeats or settings.pick(5, 3)
    yield Figure(
        name="a read that is watched, beyond one that is not, in pairs: CPU",
        unit="µs",
        values=watching_costs_us(repeats),
        budget=COST_US_MAX if is_compiled() else None,
        scales=True,
    )
    options = ["--app", str(APP), "--js-app-bundle", str(COUNTING)]
    with sandbox(options=options) as service:
        for beside, path, budget_ms in BESIDE:
            with _called(service, path):
                asked = _others(service, settings, repeats)
            yield Figure(
                name=f"p99 of others beside {beside}",
                unit="ms",
                values=tuple(each.p99_ms for each in asked),
                budget=budget_ms,
            )
            yield Figure(
                name=f"requests of others beside {beside}",
                unit="a second",
                values=tuple(each.per_s for each in asked),
            )


def _others(service: Service, settings: Settings, repeats: int) -> list[Asked]:
    (connections,) = settings.connections or (CONNECTIONS,)
    return ask_often(
        service,
        works.additions("kept"),
        connections=connections,
        seconds=settings.seconds or settings.pick(SECONDS, BRIEF_S),
        repeats=repeats,
    )[Layout.FREE]


@contextlib.contextmanager
def _called(service: Service, path: str | None) -> Iterator[None]:
    """Call what never ends again and again meanwhile; once, if it hangs for good."""
    if path is None:
        yield
        return
    context, is_over = service.user_context(), threading.Event()
    url = f"https://{service.host}:{service.port}{path}"

    def call() -> None:
        is_done = False
        while not is_over.is_set() and not is_done:
            is_done = path.endswith("hang")
            with contextlib.suppress(urllib.error.HTTPError):
                urllib.request.urlopen(url, context=context, timeout=TIMEOUT_S)

    caller = threading.Thread(target=call)
    caller.start()
    try:
        yield
    finally:
        is_over.set()
        caller.join()


QUESTION = Question(
    slug="slow_calls",
    text="What does a call that never ends cost everybody else?",
    measure=measure,
)

if __name__ == "__main__":
    main(QUESTION)
