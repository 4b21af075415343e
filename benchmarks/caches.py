"""How much does a write fetch that a processor has not at hand?

Time differs with the machine and the moment: a processor that shares its caches with
others' work takes several times as long for the same. What it has to fetch is counted
here instead, by a simulated one (valgrind's callgrind, Debian: `valgrind`), so that it
is the same wherever and whenever it is asked: to about a percent, and to a tenth where
the last cache is concerned.

The simulated processor has 32 KiB for code, 48 KiB for data, and 512 KiB behind both,
about what is left of a cache of 1 or 2 MiB when others use it too. It lacks the
instructions for SHA-256 and wide vectors, so it counts more of OpenSSL's own than a
real one runs.

Budgets hold for pure Python and for compiled modules.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.harness.figure import Figure
from benchmarks.harness.question import Question, Settings, main
from benchmarks.step import CONNECTIONS, opened_node, write_request
from ccfpy.boundary.events import SessionData
from ccfpy.boundary.wire import EFFECTS, EVENTS

AT_ONCE = 1, 32
WRITES = 1024
BUDGET_LINES = {1: (13_000, 2_500), 32: (9_000, 700)}
"""Of the first caches, and of the one behind them."""
_TOOLS = "valgrind", "callgrind_control"
_CALLGRIND = (
    "valgrind",
    "--tool=callgrind",
    "--instr-atstart=no",
    "--cache-sim=yes",
    "--I1=32768,8,64",
    "--D1=49152,12,64",
    "--LL=524288,16,64",
)


class Uncounted(Exception):
    """The simulated processor said nothing; the text is what went wrong."""


def step_through(at_once: int) -> None:
    """Have a node take writes, so many in each step; only that is counted."""
    node, clients = opened_node()
    raw = write_request()

    def frames(writes: int) -> Iterator[bytes]:
        for first in range(0, writes, at_once):
            speakers = (clients[(first + i) % CONNECTIONS] for i in range(at_once))
            yield EVENTS.encode(
                [
                    SessionData(session=each.session, data=each.encrypt(raw))
                    for each in speakers
                ]
            )

    def take(told: list[bytes]) -> None:
        for frame in told:
            EFFECTS.encode(node.trusted.step(EVENTS.decode(frame[4:])))

    take(list(frames(WRITES // 4)))
    told = list(frames(WRITES))
    _count(on=True)
    take(told)
    _count(on=False)


def _count(*, on: bool) -> None:
    command = ["callgrind_control", "-i", "on" if on else "off", str(os.getpid())]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603


def counted(at_once: int) -> Mapping[str, int]:
    """Give what was counted, by callgrind's names: ``Ir``, ``I1mr`` and so on.

    Raises:
        Uncounted: it could not be.
    """
    code = f"from benchmarks.caches import step_through; step_through({at_once})"
    with tempfile.TemporaryDirectory(prefix="ccfpy-caches-") as folder:
        told = Path(folder) / "counted"
        done = subprocess.run(  # noqa: S603
            [*_CALLGRIND, f"--callgrind-out-file={told}", sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode or not told.exists():
            raise Uncounted(done.stderr)
        return totals(told.read_text())


def totals(told: str) -> Mapping[str, int]:
    """Read the sums of what callgrind wrote.

    Raises:
        Uncounted: it has none.
    """
    lines = dict(line.split(": ", 1) for line in told.splitlines() if ": " in line)
    names, sums = lines.get("events", "").split(), lines.get("totals", "").split()
    if not 0 < len(sums) <= len(names):
        raise Uncounted("callgrind wrote no sums")
    # Zeros at the end are left out.
    padded = [*map(int, sums), *[0] * (len(names) - len(sums))]
    return dict(zip(names, padded, strict=True))


def measure(settings: Settings) -> Iterator[Figure]:
    del settings  # it is the same each time
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if missing:
        print(f"Not counted: {missing[0]} is not installed (apt install valgrind).")
        return
    for at_once in AT_ONCE:
        sums = counted(at_once)
        where = f"a write, {at_once} to a step"
        near, far = BUDGET_LINES[at_once]
        yield Figure(
            name=f"{where}: instructions",
            unit="thousand",
            values=(sums["Ir"] / WRITES / 1000,),
        )
        yield Figure(
            name=f"{where}: lines of code and data not in the first caches",
            unit="lines",
            values=((sums["I1mr"] + sums["D1mr"] + sums["D1mw"]) / WRITES,),
            budget=near,
        )
        yield Figure(
            name=f"{where}: not in 512 KiB behind them",
            unit="lines",
            values=((sums["ILmr"] + sums["DLmr"] + sums["DLmw"]) / WRITES,),
            budget=far,
        )


QUESTION = Question(
    slug="caches",
    text="How much does a write fetch that a processor has not at hand?",
    measure=measure,
)

if __name__ == "__main__":
    main(QUESTION)
