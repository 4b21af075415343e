"""One node's process, from its start to its end."""

import asyncio
import hashlib
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from ccfpy.base.errors import CcfpyError
from ccfpy.base.ids import NodeId
from ccfpy.base.json import JsonObject, dumps, loads_object
from ccfpy.client.keys import SERVICE_CERTIFICATE
from ccfpy.crypto.certs import Certificate
from ccfpy.local.configuration import (
    HTTP2_INTERFACE,
    INTERFACE,
    Placement,
    ServiceOptions,
)

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 10.0
POLL_S = 0.02
_SERVING = re.compile(r"Serving metrics at (http://\S+)")


def are_enclaves_apart() -> bool:
    """Return whether enclaves have processes of their own on this system.

    Windows passes no pipes on by their descriptors; a node runs in one process there.
    """
    return sys.platform != "win32"


class NodeFailed(CcfpyError):
    """A node ended or did not start; the text has the last line of its log."""


class NodeProcess:
    """A node of a local service.

    Attributes:
        number: which it is; never given to another.
        folder: where it works.
        placement: where it runs.
        id: its id, once it has started.
        address: where it answers clients, once it has started.
        http2_url: where it speaks HTTP/2, once it has started, if the service has that.
        is_paused: whether the process is paused.
        has_joined: whether it has been part of the service.
    """

    def __init__(
        self, options: ServiceOptions, number: int, placement: Placement
    ) -> None:
        self.number = number
        self.placement = placement
        self.folder = options.folder(number)
        self.ledger = options.ledger(number)
        self.id = NodeId("")
        self.address = ""
        self.http2_url: str | None = None
        self.is_paused = False
        self.has_joined = False
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        """Its name, such as ``n0``."""
        return f"n{self.number}"

    @property
    def url(self) -> str:
        """Where it answers clients."""
        return f"https://{self.address}"

    @property
    def metrics_url(self) -> str | None:
        """Where it serves metrics, once it has started, as its log says."""
        found = _SERVING.search(self.log.read_text(errors="replace"))
        return None if found is None else found[1]

    @property
    def log(self) -> Path:
        """The file of its log."""
        return self.folder / "out"

    @property
    def pid(self) -> int:
        """The host's process id."""
        assert self._process is not None, "the node has been started"
        return self._process.pid

    def prepare(self, configuration: JsonObject, *, trusted: Path | None) -> None:
        """Make its folder and write its configuration.

        Args:
            configuration: as the module ``configuration`` writes it.
            trusted: the certificate of the service that it joins.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        if trusted is not None:
            shutil.copy(trusted, self.folder / SERVICE_CERTIFICATE)
        (self.folder / self._config_file).write_bytes(dumps(configuration))

    @property
    def _config_file(self) -> str:
        return f"{self.number}.config.json"

    def start(self) -> None:
        """Start the process; its folder has been prepared."""
        options, placement = self._options, self.placement
        command = [*placement.prefix, *(placement.program or options.program)]
        command += ["--app", options.app, "--config", self._config_file]
        command += ["--log-level", options.log_level]
        if placement.metrics is not None:
            command += ["--metrics", placement.metrics]
        if placement.traces is not None:
            command += ["--traces", placement.traces]
        if not are_enclaves_apart():
            command += ["--enclave", "in-process"]
        with self.log.open("wb") as out, (self.folder / "err").open("wb") as err:
            self._process = subprocess.Popen(  # noqa: S603  # our own program; no shell
                command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                process_group=0,  # Ctrl-C is for us; we stop the node in good order
            )

    async def wait_started(self, *, timeout_s: float = START_TIMEOUT_S) -> None:
        """Wait for the files that a node writes when it runs.

        Raises:
            NodeFailed: the node ended, or takes too long.
        """
        addresses = self.folder / f"{self.number}.rpc_addresses"
        certificate = self.folder / f"{self.number}.pem"
        wanted = (addresses, certificate, self.folder / SERVICE_CERTIFICATE)
        deadline = time.monotonic() + timeout_s
        while not all(path.is_file() for path in wanted):
            self.require_alive()
            if time.monotonic() > deadline:
                raise NodeFailed(
                    f"{self.name} did not start in {timeout_s:g} s: {self.last_words()}"
                )
            await asyncio.sleep(POLL_S)
        key = Certificate.from_pem(certificate.read_text()).public_key
        self.id = NodeId(hashlib.sha256(key.der).hexdigest())
        found = loads_object(addresses.read_bytes())
        self.address = str(found[INTERFACE])
        if HTTP2_INTERFACE in found:
            self.http2_url = f"https://{found[HTTP2_INTERFACE]}"

    @property
    def is_alive(self) -> bool:
        """Whether the process runs, also if it is paused."""
        return self._process is not None and self._process.poll() is None

    def require_alive(self) -> None:
        """Check that the node runs.

        Raises:
            NodeFailed: the node ended.
        """
        if not self.is_alive:
            code = None if self._process is None else self._process.returncode
            raise NodeFailed(f"{self.name} ended with {code}: {self.last_words()}")

    def exit_code(self) -> int | None:
        """Return the exit code, once the process is gone."""
        return None if self._process is None else self._process.poll()

    def last_words(self) -> str:
        """Return the reason that a node which ended left in its log."""
        lines = self.log.read_text(errors="replace").splitlines()
        fatal = [line for line in lines if "[fatal]" in line]
        err = (self.folder / "err").read_text(errors="replace").splitlines()
        if not fatal:
            return (err or lines or ["it left no word"])[-1]
        return fatal[-1].partition("| ")[2] or fatal[-1]

    def pause(self) -> None:
        """Pause the host process, as an overloaded machine would."""
        self._signal(signal.SIGSTOP)
        self.is_paused = True

    def resume(self) -> None:
        """Resume the host process."""
        self._signal(signal.SIGCONT)
        self.is_paused = False

    def kill(self) -> None:
        """Kill the process, as a power cut would: nothing is flushed."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """Stop the node in good order, and kill it if it does not stop in time."""
        if self._process is None:
            return
        if self.is_alive:
            if self.is_paused:
                self.resume()
            self._signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)
