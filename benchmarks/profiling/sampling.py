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
    """No samples could be taken, for a reason that can be read."""


def sample(
    processes: Mapping[str, int], seconds: int, folder: Path, slug: str
) -> dict[str, list[Stack]]:
    """Write a flame graph and a file of stacks for each process; give the stacks.

    The sampler writes one form at a time, so each is of its own ``seconds``. It halts a
    process for every sample: what a request costs is to be measured without it.

    Stacks are taken of threads that wait, too, and told apart later: on a crowded
    machine the sampler takes for idle what works in short turns. Graphs leave them out.

    Args:
        processes: the process ids by the names that their files are to have.

    Raises:
        Failed: the sampler may not look into these processes, or is not there.
    """
    for form, ending, more in (
        ("raw", "stacks", ["--idle"]),
        ("flamegraph", "svg", []),
    ):
        running = [
            _start(pid, seconds, [form, *more], folder / f"{slug}-{name}.{ending}")
            for name, pid in processes.items()
        ]
        for process in running:
            output, _ = process.communicate(timeout=seconds + ENDING_S_MAX)
            if process.returncode:
                raise Failed(_reason(output))
    return {
        name: parse((folder / f"{slug}-{name}.stacks").read_text())
        for name in processes
    }


def _start(
    pid: int, seconds: int, form: list[str], file: Path
) -> subprocess.Popen[str]:
    words: tuple[object, ...] = (
        *(SAMPLER, "record", "--native", "--pid", pid, "--rate", RATE_HZ),
        *("--duration", seconds, "--format", *form, "--output", file),
    )
    try:
        return subprocess.Popen(  # noqa: S603 - a program from the locks, our numbers
            list(map(str, words)),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    except FileNotFoundError:
        raise Failed(f"no sampler at {SAMPLER}: run make .venv") from None


def _reason(output: str) -> str:
    if "ermission" in output:
        return (
            "This user may not look into processes: run it as root, or set "
            "kernel.yama.ptrace_scope to 0 and start no node as another user."
        )
    return f"py-spy took no samples: {output.strip()}"
