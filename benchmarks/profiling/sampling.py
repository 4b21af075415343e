"""Takes samples of running processes: py-spy, C stacks included, in flame graphs."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.profiling.stacks import Stack, parse

SAMPLER = Path(sys.executable).parent / "py-spy"
RATE_HZ = 149  # no divisor of it is one of a timer's
ENDING_S_MAX = 60


class Failed(Exception):
    """The sampler could take no samples; the text says why."""


def sample(
    processes: Mapping[str, int], seconds: int, folder: Path, slug: str
) -> dict[str, list[Stack]]:
    """Write a flame graph and a file of stacks for each process; return the stacks.

    The sampler writes one form at a time, so each form takes its own ``seconds``. The
    sampler halts a process for every sample. Therefore the cost of a request is
    measured without the sampler, and only one process is sampled at a time, since a
    slow enclave would leave its host idle.

    Stacks include waiting threads, which are separated later: on a crowded machine the
    sampler takes threads that work in short turns for idle ones. Graphs omit waiting
    threads.

    Args:
        processes: the process ids by the names for their files.

    Raises:
        Failed: the sampler may not read these processes, or is not installed.
    """
    for name, pid in processes.items():
        path = folder / f"{slug}-{name}"
        _run(pid, seconds, ["raw", "--idle"], path.with_suffix(".stacks"))
        _run(pid, seconds, ["flamegraph"], path.with_suffix(".svg"))
    return {
        name: parse((folder / f"{slug}-{name}.stacks").read_text())
        for name in processes
    }


def _run(pid: int, seconds: int, form: list[str], file: Path) -> None:
    words: tuple[object, ...] = (
        *(SAMPLER, "record", "--native", "--pid", pid, "--rate", RATE_HZ),
        *("--duration", seconds, "--format", *form, "--output", file),
    )
    try:
        done = subprocess.run(  # noqa: S603 - a program from the locks, our numbers
            list(map(str, words)),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds + ENDING_S_MAX,
            check=False,
        )
    except FileNotFoundError:
        raise Failed(f"no sampler at {SAMPLER}: run make .venv") from None
    if done.returncode:
        raise Failed(_reason(done.stdout))


def _reason(output: str) -> str:
    if "ermission" in output:
        return (
            "This user may not look into processes: run it as root, or set "
            "kernel.yama.ptrace_scope to 0 and start no node as another user."
        )
    return f"py-spy took no samples: {output.strip()}"
