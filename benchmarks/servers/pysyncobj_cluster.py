"""PySyncObj from PyPI, in a separate environment.

The callers run in the leader's process, without a client's network, TLS, a log on disk,
encryption or signatures. So the figure is the bare cost of a replicated put in Python,
with PySyncObj's default settings.
"""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness.processes import cpu_s, started
from benchmarks.servers.rate import Rate
from tests.lab.ports import free_ports

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-peers" / "bin" / "python"
PROGRAM = Path(__file__).with_name("pysyncobj_node.py")


def missing() -> str | None:
    """Return a sentence that says that PySyncObj is not installed, if so."""
    if PYTHON.exists():
        return None
    return "PySyncObj was not asked: make .venv-peers/installed brings it."


@dataclass(frozen=True, slots=True, kw_only=True)
class PySyncObj:
    """A running cluster, and the process of its leader."""

    leader: subprocess.Popen[str]
    pids: tuple[int, ...]

    def put(self, *, callers: int, seconds: float) -> Rate:
        """Run a number of callers, each of which puts again and again."""
        assert self.leader.stdin is not None, "it was asked for"
        assert self.leader.stdout is not None, "likewise"
        spent_s = cpu_s(self.pids)
        self.leader.stdin.write(f"{callers} {seconds}\n")
        self.leader.stdin.flush()
        result: dict[str, float] = json.loads(self.leader.stdout.readline())
        spent_s = cpu_s(self.pids) - spent_s
        puts = int(result["puts"])
        return Rate.of(puts, spent_s=spent_s, took_s=result["seconds"])


@contextmanager
def cluster(folder: Path, nodes: int) -> Iterator[PySyncObj]:
    """Start a cluster and end it afterwards."""
    addresses = [f"127.0.0.1:{port}" for port in free_ports(nodes)]
    commands = [
        [str(PYTHON), str(PROGRAM), own, *(each for each in addresses if each != own)]
        for own in addresses
    ]
    with started(commands, log=folder / "pysyncobj.log") as processes:
        roles: list[str] = []
        for process in processes:
            assert process.stdout is not None, "it was asked for"
            roles.append(process.stdout.readline().strip())
        assert sorted(roles) == ["follower"] * (nodes - 1) + ["leader"], roles
        yield PySyncObj(
            leader=processes[roles.index("leader")],
            pids=tuple(process.pid for process in processes),
        )
