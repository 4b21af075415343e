"""A real service for a benchmark, and the CPU time of its nodes' processes."""

import json
import os
import signal
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness.processes import cpu_s, family
from tests.lab.ports import free_ports

ENDING_S_MAX = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A running sandbox; host and port are those of its first node, the primary."""

    host: str
    port: int
    ports: tuple[int, ...]
    pids: tuple[int, ...]
    common: Path

    def cpu_s(self) -> float:
        """Return user and system time of the nodes' processes so far."""
        return cpu_s(self.pids)

    def user_context(self) -> ssl.SSLContext:
        """Trust the service, and be its first user."""
        context = ssl.create_default_context(cafile=self.common / "service_cert.pem")
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        context.load_cert_chain(
            self.common / "user0_cert.pem", self.common / "user0_privk.pem"
        )
        return context


@contextmanager
def sandbox(nodes: int = 1, options: Sequence[str] = ()) -> Iterator[Service]:
    """Start a sandbox in a new folder and end it afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        ports = free_ports(nodes)
        listening = [("-n", f"local://127.0.0.1:{port}") for port in ports]
        command = [
            *(sys.executable, "-m", "ccfpy.cli.main", "sandbox", "--json"),
            *(word for words in listening for word in words),
            *("--workspace", folder),
            *options,
        ]
        progress = Path(folder) / "progress"
        with (
            progress.open("w") as written,
            subprocess.Popen(  # noqa: S603 - our own program and numbers
                command,
                stdout=subprocess.PIPE,
                stderr=written,
                env=environment(),
                text=True,
                start_new_session=True,
            ) as process,
            _ended(process),
        ):
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, progress.read_text()
            said = json.loads(line)
            hosts = [int(node["pid"]) for node in said["nodes"]]
            yield Service(
                host="127.0.0.1",
                port=ports[0],
                ports=tuple(ports),
                pids=tuple(family(hosts)),
                common=Path(folder) / "sandbox_common",
            )


def environment() -> dict[str, str]:
    """Return this process's environment, but one where Python keeps what it compiles.

    Otherwise each node would compile JavaScript's engine beside its first load, for a
    second of processor time.
    """
    return {
        name: value
        for name, value in os.environ.items()
        if name != "PYTHONDONTWRITEBYTECODE"
    }


@contextmanager
def _ended(process: subprocess.Popen[str]) -> Iterator[None]:
    """Terminate the process afterwards, and wait until it has ended."""
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(ENDING_S_MAX)
