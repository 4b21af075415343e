"""How much code and data must a processor fetch for a request?

Time differs with the machine and the moment: a processor that shares its caches with
other work takes several times as long for the same write. Therefore a simulated
processor (valgrind's callgrind, Debian: `valgrind`) counts the fetched lines. The count
is the same on every machine and at every time: to about a percent, and to a tenth for
the last cache.

The simulated processor has 32 KiB for code, 48 KiB for data, and 512 KiB behind both,
which is about the share that remains of a cache of 1 or 2 MiB when other work uses the
cache too. The simulated processor lacks the instructions for SHA-256 and wide vectors,
so it counts more of OpenSSL's own instructions than a real processor runs.

A read is counted in the whole enclave but for its two system calls: the loop, the
threads, and the call of the application's handler within its limits.

A backup receives most entries in messages of many entries. The work of a backup for one
entry is counted in the same way, and a write on a primary of three nodes, with its
backups' answers.

Budgets hold for pure Python and for compiled modules.
"""

import gc
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from benchmarks.harness.figure import Figure
from benchmarks.harness.one_of_three import Backup, Primary
from benchmarks.harness.question import Question, Settings, main
from benchmarks.harness.scripted import ThreadedNode, scripted_channel
from benchmarks.step import (
    CONNECTIONS,
    opened_node,
    opened_node_of,
    read_request,
    write_request,
)
from ccfpy.boundary.events import SessionData
from ccfpy.boundary.wire import EFFECTS, EVENTS
from ccfpy.enclave.loop import NODE, Conversation

WRITES = 1024
READS = 2048
IDS = 100
RECORDING: Final = Path(__file__).parent / "harness/recording"
"""The logging app in JavaScript; an interpreter is kept, as in CCF's own."""
PARTS = 4
"""How often a backup receives messages: half as many writes, in full messages."""
SUBJECTS = {
    "a write, 1 to a step": ("step_through(1)", 13_000, 2_500),
    "a write, 32 to a step": ("step_through(32)", 9_000, 700),
    "a write, on a primary with two backups": ("lead_two_backups()", 9_000, 700),
    "a read, 1 to a step": ("read_through(1)", 11_000, 1_500),
    "a read, 32 to a step": ("read_through(32)", 8_000, 700),
    "a read by a script, 1 to a step": ("read_through(1, RECORDING)", 23_000, 8_500),
    "a read by a script, 32 to a step": ("read_through(32, RECORDING)", 23_000, 8_500),
    "an entry, on a backup": ("hear_of_writes()", 2_000, 200),
}
"""The program to run for each kind, and the most lines that the first caches and the
one behind may fetch."""
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
    """The simulated processor returned no count; the text says why."""


def step_through(at_once: int) -> int:
    """Send writes to a node, a fixed number in each step; count only these steps.

    Returns the number of writes.
    """
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
    return WRITES


def read_through(at_once: int, scripts: Path | None = None) -> int:
    """Send reads to an enclave, a fixed number in each step; count only these steps.

    Returns the number of reads.
    """
    node, clients = opened_node_of(ThreadedNode, scripts)
    for number in range(IDS):
        clients[0].send(write_request(number))
    requests = [read_request(number) for number in range(IDS)]

    def frames(reads: int) -> Iterator[bytes]:
        for first in range(0, reads, at_once):
            said: list[SessionData] = []
            for i in range(first, first + at_once):
                speaker = clients[i % CONNECTIONS]
                data = speaker.encrypt(requests[i * 7 % IDS])
                said.append(SessionData(session=speaker.session, data=data))
            yield EVENTS.encode(said)

    warm_up, told = list(frames(READS // 4)), list(frames(READS))
    gc.collect()
    gc.freeze()
    channel = scripted_channel(
        [*warm_up, *told], {len(warm_up): lambda: _count(on=True)}
    )
    node.threads.drive(node.trusted, Conversation(NODE, channel), started=lambda: None)
    _count(on=False)
    return READS


def hear_of_writes() -> int:
    """Send entries to a backup, as a primary sends them; count only these steps.

    Returns the number of entries: full messages, with no signature among them.
    """
    backup, raw = Backup(), write_request()
    backup.perform(backup.hear(backup.told_of(WRITES, raw)))
    backup.catch_up()
    gc.collect()
    gc.freeze()  # three nodes' state, of which an enclave has one's and does so too
    entries = 0
    for _ in range(PARTS):
        told, before = backup.told_of(WRITES // 2, raw), backup.entry_count
        _count(on=True)
        asked = backup.hear(told)
        _count(on=False)
        backup.perform(asked)
        entries += backup.entry_count - before
        backup.catch_up()
    return entries


def lead_two_backups() -> int:
    """Send a primary writes, 16 in each step, and its backups' answers; count steps.

    Returns the number of writes, with no signature among them.
    """
    primary, raw = Primary(), write_request()

    def answer(requests: list[bytes]) -> None:
        _count(on=True)
        asked = primary.hear(requests)
        _count(on=False)
        answers = primary.answered_by_backups(asked)
        _count(on=True)
        primary.hear(answers)
        _count(on=False)

    primary.perform(primary.hear(primary.asked_by_clients(WRITES // 4, raw)))
    primary.catch_up()
    gc.collect()
    gc.freeze()  # as above
    answer(primary.asked_by_clients(WRITES, raw))
    return WRITES


def _count(*, on: bool) -> None:
    command = ["callgrind_control", "-i", "on" if on else "off", str(os.getpid())]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603


def counted(call: str) -> Mapping[str, float]:
    """Return the counts for each write or entry, by callgrind's names: ``Ir``, ….

    Raises:
        Uncounted: the simulated processor returned no count.
    """
    code = f"from benchmarks.caches import *; print({call})"
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
        sums = totals(told.read_text())
        return {name: total / int(done.stdout) for name, total in sums.items()}


def totals(told: str) -> Mapping[str, int]:
    """Read the sums that callgrind wrote.

    Raises:
        Uncounted: the file has no sums.
    """
    lines = dict(line.split(": ", 1) for line in told.splitlines() if ": " in line)
    names, sums = lines.get("events", "").split(), lines.get("totals", "").split()
    if not 0 < len(sums) <= len(names):
        raise Uncounted("callgrind wrote no sums")
    # callgrind omits zeros at the end
    padded = [*map(int, sums), *[0] * (len(names) - len(sums))]
    return dict(zip(names, padded, strict=True))


def measure(settings: Settings) -> Iterator[Figure]:
    del settings  # the count is the same each time
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if missing:
        print(f"Not counted: {missing[0]} is not installed (apt install valgrind).")
        return
    for where, (call, near, far) in SUBJECTS.items():
        each = counted(call)
        yield Figure(
            name=f"{where}: instructions",
            unit="thousand",
            values=(each["Ir"] / 1000,),
        )
        yield Figure(
            name=f"{where}: lines of code and data not in the first caches",
            unit="lines",
            values=(each["I1mr"] + each["D1mr"] + each["D1mw"],),
            budget=near,
        )
        yield Figure(
            name=f"{where}: not in 512 KiB behind them",
            unit="lines",
            values=(each["ILmr"] + each["DLmr"] + each["DLmw"],),
            budget=far,
        )


QUESTION = Question(
    slug="caches",
    text="How much does a request fetch that a processor has not at hand?",
    measure=measure,
)

if __name__ == "__main__":
    main(QUESTION)
