"""The subjects of profiles: working processes, and the cost of their work."""

import asyncio
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Protocol

from benchmarks.harness import works
from benchmarks.harness.generator import generator
from benchmarks.harness.past import WRITES, Client, seqno
from benchmarks.harness.service import Service, sandbox
from benchmarks.harness.works import Work

COUNTING = Path(__file__).parents[1] / "harness/counting"
CONNECTIONS = 100
SPAN = 500
"""The number of past transactions in one request."""
SPANS = 200
US_PER_TICK = Fraction(1_000_000, os.sysconf("SC_CLK_TCK"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Microseconds for each request: a process's own, and the kernel's."""

    user_us: float
    kernel_us: float


class Subject(Protocol):
    """Processes that work for as long as a profile is taken."""

    @property
    def processes(self) -> Mapping[str, int]:
        """Return the process ids by the processes' names."""
        ...

    def measure(self, seconds: int) -> dict[str, Cost]:
        """Return the cost of a request for each process, measured for at least this
        long."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A node that clients ask.

    Attributes:
        count: returns the number of requests, or of other units of work.
    """

    processes: Mapping[str, int]
    count: Callable[[], int]

    def measure(self, seconds: int) -> dict[str, Cost]:
        """Read the system's accounts now and later."""
        begun = {name: _ticks(pid) for name, pid in self.processes.items()}
        count = self.count()
        time.sleep(seconds)
        count = self.count() - count
        ended = {name: _ticks(pid) for name, pid in self.processes.items()}
        return {
            name: Cost(
                user_us=float(US_PER_TICK * (ended[name][0] - begun[name][0]) / count),
                kernel_us=float(
                    US_PER_TICK * (ended[name][1] - begun[name][1]) / count
                ),
            )
            for name in self.processes
        }


def _ticks(pid: int) -> tuple[int, int]:
    """Return a process's own time, and the kernel's time for it."""
    text = Path(f"/proc/{pid}/stat").read_text()
    fields = text.rpartition(")")[2].split()
    return int(fields[11]), int(fields[12])


@contextmanager
def _asked(
    service: Service, work: Work, connections: int, *, node: int = 0, each: int = 1
) -> Iterator[Loaded]:
    """Ask the first node, and observe one of its processes.

    Args:
        each: the number of units of work in a request.
    """
    with generator(service, work, connections) as asking:
        asking.wait_connected(connections)
        host, enclave = service.pids[2 * node : 2 * node + 2]
        yield Loaded(
            processes={"host": host, "enclave": enclave},
            count=lambda: each * asking.counts().sent,
        )


@contextmanager
def _requests(work: Work, connections: int = CONNECTIONS) -> Iterator[Loaded]:
    with sandbox() as service:
        if work.before:
            written = Work(name="before", requests=work.before)
            with _asked(service, written, 1) as before:
                _wait_until(lambda: before.count() > len(work.before))
        with _asked(service, work, connections) as loaded:
            yield loaded


@contextmanager
def _script() -> Iterator[Loaded]:
    options = ["--js-app-bundle", str(COUNTING)]
    with (
        sandbox(options=options) as service,
        _asked(service, works.additions("fresh"), CONNECTIONS) as loaded,
    ):
        yield loaded


@contextmanager
def _backup() -> Iterator[Loaded]:
    with (
        sandbox(nodes=3) as service,
        _asked(service, works.writes(), CONNECTIONS, node=1) as loaded,
    ):
        yield loaded


@contextmanager
def _past() -> Iterator[Loaded]:
    with sandbox() as service:
        ids = asyncio.run(_written(service))
        old = [seqno(each) for each in ids[: WRITES // 2]]
        chosen = random.Random(1).sample(old, SPANS)  # noqa: S311 - no secret
        path = "/app/log/public/historical/range?id=0&wait=10000"
        asked = tuple(
            works.get(f"{path}&from_seqno={first}&to_seqno={first + SPAN - 1}")
            for first in chosen
        )
        work = Work(name="the past", requests=asked)
        with _asked(service, work, 1, each=SPAN) as loaded:
            yield loaded


async def _written(service: Service) -> list[str]:
    """Return the transactions of some writes, the last of them committed."""
    client = await Client.connect(service)
    return await client.write_committed(WRITES)


@dataclass(frozen=True, slots=True)
class Recovering:
    """A node that recovers a ledger again and again, without a host."""

    child: subprocess.Popen[str]

    @property
    def processes(self) -> Mapping[str, int]:
        """Return the one process."""
        return {"node": self.child.pid}

    def measure(self, seconds: int) -> dict[str, Cost]:
        """Wait for whole recoveries; each prints the cost of a transaction."""
        assert self.child.stdout is not None
        until = time.monotonic() + seconds
        costs: list[tuple[float, float]] = []
        while time.monotonic() < until or not costs:
            told = self.child.stdout.readline().split()
            costs.append((float(told[0]), float(told[1])))
        user_us, kernel_us = sorted(costs)[len(costs) // 2]
        return {"node": Cost(user_us=user_us, kernel_us=kernel_us)}


@contextmanager
def _recovery() -> Iterator[Recovering]:
    words = [sys.executable, "-m", "benchmarks.profiling.recovering"]
    with subprocess.Popen(  # noqa: S603 - our own program
        words, stdout=subprocess.PIPE, text=True
    ) as child:
        try:
            assert child.stdout is not None
            child.stdout.readline()  # all code runs for the first time
            yield Recovering(child)
        finally:
            child.kill()


def _wait_until(is_true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_true():
        assert time.monotonic() < deadline, "nothing came of it for a minute"
        time.sleep(0.01)


SUBJECTS: dict[str, tuple[str, Callable[[], AbstractContextManager[Subject]]]] = {
    **{
        f"write-{connections}": (
            f"a private write, {connections} connections",
            partial(_requests, works.writes(), connections),
        )
        for connections in (1, 10, 100, 1000)
    },
    "read": (
        f"a private read, {CONNECTIONS} connections",
        partial(_requests, works.reads()),
    ),
    "script": (
        f"a read and a write by an app in JavaScript, {CONNECTIONS} connections",
        _script,
    ),
    "backup": ("a write at one of two backups of three nodes", _backup),
    "past": ("a transaction of the past, read and told of", _past),
    "recovery": ("a transaction of a ledger that is recovered", _recovery),
}
"""The subjects by their slugs: a description of a request, and a function that starts
it."""
