"""The processes that a question starts, their CPU time, and their end."""

import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_SCHEDULED = 2
END_S = 10
POLL_S = 0.02
KIB_PER_MIB = 1024


def cpu_s(pids: Iterable[int]) -> float:
    """Return user and system time of living processes so far, with all their
    threads."""
    return sum(time.clock_gettime(_cpu_clock(pid)) for pid in pids)


def _cpu_clock(pid: int) -> int:
    """Return the clock of a process's CPU time, as clock_getcpuclockid(3) does."""
    return ~pid << 3 | _SCHEDULED


def family(pids: Iterable[int]) -> Iterator[int]:
    """Return living processes, each before its children."""
    for pid in pids:
        yield pid
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        yield from family(map(int, listed.split()))


def resident_mib(pid: int) -> float:
    """Return the memory that a process has for itself.

    The figure omits mapped files, such as libraries: when other processes begin or end,
    the process's share of these files changes by more than the effect that questions
    look for.
    """
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    (line,) = (line for line in rollup.splitlines() if line.startswith("Pss_Anon:"))
    return int(line.split()[1]) / KIB_PER_MIB


def wait_until(holds: Callable[[], bool], what: str, *, timeout_s: float) -> None:
    """Ask again and again.

    Raises:
        TimeoutError: the condition does not become true in time.
    """
    until = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > until:
            raise TimeoutError(f"waited {timeout_s:g} s for {what}")
        time.sleep(POLL_S)


@contextmanager
def started(
    commands: Sequence[Sequence[str]], *, log: Path
) -> Iterator[list[subprocess.Popen[str]]]:
    """Start processes with pipes to write and read, and end all of them in every case.

    Their standard error goes to ``log``.
    """
    processes: list[subprocess.Popen[str]] = []
    with log.open("w") as errors:
        try:
            for command in commands:
                process = subprocess.Popen(  # noqa: S603 - programs that we name
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    text=True,
                )
                processes.append(process)
            yield processes
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None, "both were asked for"
        pipe.close()
