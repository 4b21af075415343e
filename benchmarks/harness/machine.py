"""The machine that measures a figure, and its speed during the run.

Budgets are for one machine. Another machine takes longer, and so does the same machine
while other work uses it. So each run first signs with P-384, as the reference machine
did once. The ratio of the two speeds is the run's **slowness**. A figure that is
proportional to CPU time is divided by the slowness before it is compared with a budget.
The run signs again at the end, and the faster of the two speeds counts, so that a
disturbance flatters no figure. A plain loop of Python is also timed and kept, to show
whether the two measurements disagree.
"""

import os
import platform
import ssl
import subprocess
import time
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

REFERENCE_SIGNS_PER_S = 7_900
"""Signatures a second of `cryptography` on P-384, on the reference machine (2 vCPUs of
a Xeon)."""

SIGNS = 50
LOOPS = 100_000
REPEATS = 40
"""Many short repeats, so that the best of them was not disturbed: a slowness that is
too great would flatter the figures that are divided by it."""
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The machine of a measurement, its software, and its other work.

    Attributes:
        processor: the model name that the processor reports.
        processors: the number of processors that this process may use.
        python: the implementation and its version.
        openssl: the library's version, as Python's own ``ssl`` reports it.
        is_compiled: whether ccfpy's hot modules are compiled.
        signs_per_s: signatures on P-384 a second of one processor, at best.
        loops_per_s: rounds of an empty loop of Python a second, at best.
        load: the load average of the last minute, before the run.
    """

    processor: str
    processors: int
    memory_gib: float
    system: str
    python: str
    openssl: str
    is_compiled: bool
    signs_per_s: float
    loops_per_s: float
    load: float

    @property
    def slowness(self) -> float:
        """Return how many times as long this machine takes as the reference machine."""
        return REFERENCE_SIGNS_PER_S / self.signs_per_s


def this_machine() -> Machine:
    """Describe this machine; measuring its speed takes about a second."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    load = os.getloadavg()[0]
    return Machine(
        processor=processor(Path("/proc/cpuinfo").read_text()),
        processors=len(os.sched_getaffinity(0)),
        memory_gib=round(pages / 2**30, 1),
        system=f"{platform.system()} {platform.release()}",
        python=f"{platform.python_implementation()} {platform.python_version()}",
        openssl=ssl.OPENSSL_VERSION,
        is_compiled=is_compiled(),
        signs_per_s=round(max(_signs_per_s() for _ in range(REPEATS))),
        loops_per_s=round(max(_loops_per_s() for _ in range(REPEATS))),
        load=round(load, 2),
    )


def at_its_best(before: Machine, after: Machine) -> Machine:
    """Return the faster of two measurements of one machine."""
    return replace(
        before,
        signs_per_s=max(before.signs_per_s, after.signs_per_s),
        loops_per_s=max(before.loops_per_s, after.loops_per_s),
    )


def processor(cpuinfo: str) -> str:
    """Return the first model's name in the text of ``/proc/cpuinfo``."""
    for line in cpuinfo.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return " ".join(value.split())
    return platform.machine()


def is_compiled() -> bool:
    """Return whether any module of ccfpy would be loaded from machine code."""
    package = find_spec("ccfpy")
    folders = package.submodule_search_locations if package else None
    return any(
        next(Path(folder).rglob("*.so"), None) is not None for folder in folders or ()
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """The measured version.

    Attributes:
        is_clean: whether every file under version control equals the committed one.
    """

    name: str
    is_clean: bool


def this_commit() -> Commit:
    """Return the commit that is checked out here."""
    name = _git("rev-parse", "--short=7", "HEAD").strip()
    changed = _git(
        "status", "--porcelain", "--untracked-files=no", "--", "ccfpy", "apps"
    )
    return Commit(name=name or "unknown", is_clean=bool(name) and not changed)


def _git(*words: str) -> str:
    done = subprocess.run(  # noqa: S603 - fixed words
        ("git", *words),  # noqa: S607 - whichever made the checkout
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    return done.stdout if done.returncode == 0 else ""


def _signs_per_s() -> float:
    key = ec.generate_private_key(ec.SECP384R1())
    algorithm = ec.ECDSA(hashes.SHA384())
    started = time.thread_time()
    for _ in range(SIGNS):
        key.sign(b"a root", algorithm)
    return SIGNS / (time.thread_time() - started)


def _loops_per_s() -> float:
    started = time.thread_time()
    for _ in range(LOOPS):
        pass
    return LOOPS / (time.thread_time() - started)
