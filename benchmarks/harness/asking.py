"""Has a service asked by ``load.py``, and tells what each request cost it."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness.service import Service

LOAD = Path(__file__).parent / "load.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What one load came to.

    Attributes:
        cpu_us: user and system time of all the service's processes, for each request.
        per_s: requests that were answered in a second.
    """

    cpu_us: float
    per_s: float
    p50_ms: float
    p99_ms: float


def ask(service: Service, kind: str, *, connections: int, seconds: float) -> Asked:
    """Have ``connections`` clients write or read, each one request after another."""
    command = [
        *(sys.executable, str(LOAD), kind, "--wait"),
        *("--port", str(service.port), "--common", str(service.common)),
        *("--connections", str(connections), "--seconds", str(seconds)),
    ]
    with subprocess.Popen(  # noqa: S603 - our own program and numbers
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as load:
        assert load.stdout is not None
        assert load.stdout.readline() == "ready\n", "it could not connect"
        before = service.cpu_s()
        said, _ = load.communicate("go\n")
        spent_s = service.cpu_s() - before
    result: dict[str, float] = json.loads(said)
    return Asked(
        cpu_us=1e6 * spent_s / result["requests"],
        per_s=result["requests"] / result["seconds"],
        p50_ms=result["p50_ms"],
        p99_ms=result["p99_ms"],
    )
