"""Starts the clients: ``wrk``, or our own Python program if ``wrk`` is not available.

Both programs send the requests of one file, as a user with a certificate over real TLS,
and count their work in another file, so that a steady period can be measured in the
middle of a load. Handshakes and the first answers of each connection do not count.

``wrk`` has no option for a client's certificate. A few lines of C (``wrk/client.c``),
loaded into ``wrk``, set the certificate, which needs ``wrk`` and a C compiler. Our own
program uses more CPU for each request than a good server does, so it measures only the
rate at which it can ask.
"""

import json
import mmap
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from benchmarks.harness import counts
from benchmarks.harness.counts import Counts
from benchmarks.harness.service import Service
from benchmarks.harness.works import Work

WRK = Path(__file__).parent / "wrk"
ROOT = Path(__file__).parents[2]
POLL_S = 0.01
CONNECTING_S_MAX = 60.0
ENDING_S_MAX = 20.0
LOAD_S_MAX = 600


class Failed(Exception):
    """Some answers were errors, or no answer came."""


class Generator:
    """Clients at work."""

    def __init__(self, process: subprocess.Popen[str], counted: memoryview) -> None:
        self._process = process
        self._counted = counted

    @property
    def pid(self) -> int:
        """Return the clients' process."""
        return self._process.pid

    def counts(self) -> Counts:
        """Return the generator's counts so far."""
        return counts.read(self._counted)

    def wait_connected(self, connections: int) -> None:
        """Return when this number of connections have each sent two requests."""
        deadline = time.monotonic() + CONNECTING_S_MAX
        first = None
        while first is None or self.counts().sent < first + 2 * connections:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise Failed(f"{connections} connections were not made")
            if first is None and self.counts().connected >= connections:
                first = self.counts().sent
            time.sleep(POLL_S)

    def stop(self) -> None:
        """End the clients.

        Raises:
            Failed: an answer was an error.
        """
        self._process.send_signal(signal.SIGINT)
        output, _ = self._process.communicate(timeout=ENDING_S_MAX)
        told = output.rstrip().rpartition("\n")[2]
        if self._process.returncode or not told.startswith("{"):
            raise Failed(output)
        result = json.loads(told)
        if result["refused"] or result["lost"]:
            raise Failed(output)


@contextmanager
def generator(service: Service, work: Work, connections: int) -> Iterator[Generator]:
    """Run clients that send requests until they are stopped, ten minutes at most."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "counts").write_bytes(bytes(counts.FILE_BYTES))
        (folder / "requests").write_bytes(written(work.requests))
        begin = _wrk if has_wrk() else _our_own
        with (
            (folder / "counts").open("r+b") as file,
            mmap.mmap(file.fileno(), 0) as shared,
            memoryview(shared) as plain,
            plain.cast("Q") as counted,
            begin(service, folder, connections) as process,
        ):
            try:
                yield Generator(process, counted)
            finally:
                process.kill()


def written(requests: Iterable[bytes]) -> bytes:
    """Return the content of a file of requests: a line with its size before each
    request."""
    return b"".join(b"%d\n%b" % (len(each), each) for each in requests)


def has_wrk() -> bool:
    """Return whether ``wrk`` can be used with a certificate here."""
    return shutil.which("wrk") is not None and shutil.which("cc") is not None


@cache
def _compiled() -> "tempfile.TemporaryDirectory[str]":
    """Return a folder with ``client.so``, removed when this process ends."""
    folder = tempfile.TemporaryDirectory()
    built = f"{folder.name}/client.so"
    words = [
        *("cc", "-shared", "-fPIC", "-O2", "-o", built),
        *(str(WRK / "client.c"), "-ldl"),
    ]
    subprocess.run(words, check=True)  # noqa: S603 - our own source
    return folder


def _wrk(service: Service, folder: Path, connections: int) -> subprocess.Popen[str]:
    url = f"https://{service.host}:{service.port}/"
    words = [
        *("wrk", "--threads", "1", "--connections", str(connections)),
        *("--duration", f"{LOAD_S_MAX}s", "--timeout", f"{LOAD_S_MAX}s", "--latency"),
        *("--script", str(WRK / "requests.lua"), url, "--", str(folder / "requests")),
    ]
    return subprocess.Popen(  # noqa: S603 - fixed words and numbers
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={
            **os.environ,
            "LD_PRELOAD": f"{_compiled().name}/client.so",
            "LOAD_CERTIFICATE": str(service.common / "user0_cert.pem"),
            "LOAD_KEY": str(service.common / "user0_privk.pem"),
            "LOAD_COUNTS": str(folder / "counts"),
        },
    )


def _our_own(service: Service, folder: Path, connections: int) -> subprocess.Popen[str]:
    words: list[object] = [
        *(sys.executable, "-m", "benchmarks.harness.load", folder / "requests"),
        *("--port", service.port, "--service", service.common / "service_cert.pem"),
        *("--certificate", service.common / "user0_cert.pem"),
        *("--key", service.common / "user0_privk.pem", "--counts", folder / "counts"),
        *("--connections", connections),
    ]
    return subprocess.Popen(  # noqa: S603 - our own program and numbers
        list(map(str, words)),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
