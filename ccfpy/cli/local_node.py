"""A node on this machine: its folder, its configuration file, its process.

The layout is that of CCF's sandbox: ``<workspace>/<label>_0`` is the node's folder,
with its ledger and its log ``out``; ``<workspace>/<label>_common`` holds everybody's
keys, the service's certificate and the addresses.
"""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ccfpy.base.json import JsonObject, dumps, loads_object
from ccfpy.cli.errors import CommandFailed, Misused
from ccfpy.client.keyfiles import SERVICE_CERTIFICATE, KeyFiles

CONFIG_FILE = "0.config.json"
ADDRESSES_FILE = "0.rpc_addresses"
LOG_FILE = "out"
INTERFACE = "primary_rpc_interface"
START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 10.0
POLL_S = 0.02
PORT_MAX = 65_535


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where things of one service lie."""

    workspace: Path
    label: str = "sandbox"

    @property
    def node(self) -> Path:
        """The node's working folder."""
        return self.workspace / f"{self.label}_0"

    @property
    def shared(self) -> Path:
        """Keys, certificates and addresses."""
        return self.workspace / f"{self.label}_common"

    @property
    def service_certificate(self) -> Path:
        """What clients trust."""
        return self.shared / SERVICE_CERTIFICATE

    def keys(self, name: str) -> KeyFiles:
        """Where a participant's keys are."""
        return KeyFiles(folder=self.shared, name=name)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeOptions:
    """What can be chosen about a local node.

    Attributes:
        host: the address it listens on.
        port: the port, or 0 for any.
        app: a sample's name or a path.
        members: names of the initial members.
        constitution: scripts, in order.
        extra: entries of the configuration file to add or replace, by section.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    app: str = "logging"
    members: Sequence[str] = ("member0",)
    constitution: Sequence[Path] = ()
    node_validity_days: int = 90
    service_validity_days: int = 90
    log_level: str = "info"
    extra: JsonObject = field(default_factory=dict)


def parse_node(text: str) -> tuple[str, int]:
    """Read a node as CCF's sandbox takes it: ``local://HOST:PORT``.

    Raises:
        Misused: it is something else.
    """
    scheme, _, rest = text.rpartition("://")
    host, _, port = rest.rpartition(":")
    if scheme not in ("", "local") or not host or not port.isdecimal():
        raise Misused(
            f"cannot start a node at {text!r}: write local://HOST:PORT, "
            "such as local://127.0.0.1:8000"
        )
    if int(port) > PORT_MAX:
        raise Misused(f"{port} is no port: choose one up to {PORT_MAX}")
    return host, int(port)


def require_free(host: str, port: int) -> None:
    """Make sure that a node can listen there.

    Raises:
        CommandFailed: it cannot.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        if error.errno is not None and os.strerror(error.errno).startswith(
            "Address al"
        ):
            raise CommandFailed(
                f"port {port} of {host} is taken: stop what listens there, or choose "
                f"another with --node local://{host}:{port + 1}"
            ) from error
        reason = (error.strerror or str(error)).lower()
        raise CommandFailed(
            f"cannot listen on {host}:{port}: {reason}; choose an address of this "
            "machine with --node"
        ) from error


def write_node_folder(layout: Layout, options: NodeOptions) -> Path:
    """Make the node's folder anew and write its configuration; give that file.

    Raises:
        CommandFailed: the folder that is there is not one of ours.
    """
    if layout.node.exists():
        if not (layout.node / CONFIG_FILE).is_file():
            raise CommandFailed(
                f"{layout.node} is there already and is no node's folder: move it away "
                "or choose another with --workspace"
            )
        shutil.rmtree(layout.node)
    layout.node.mkdir(parents=True)
    members: list[JsonObject] = []
    for name in options.members:
        keys = layout.keys(name)
        section: JsonObject = {"certificate_file": keys.certificate.name}
        shutil.copy(keys.certificate, layout.node)
        if keys.encryption_public_key.exists():
            section["encryption_public_key_file"] = keys.encryption_public_key.name
            shutil.copy(keys.encryption_public_key, layout.node)
        members.append(section)
    for script in options.constitution:
        shutil.copy(script, layout.node)
    path = layout.node / CONFIG_FILE
    path.write_bytes(dumps(_configuration(options, members)))
    return path


def _configuration(options: NodeOptions, members: list[JsonObject]) -> JsonObject:
    address = f"{options.host}:{options.port}"
    is_local = options.host in ("127.0.0.1", "localhost")
    names = ["iPAddress:127.0.0.1", "dNSName:localhost"] if is_local else []
    sections: JsonObject = {
        "network": {
            "node_to_node_interface": {"bind_address": f"{options.host}:0"},
            "rpc_interfaces": {INTERFACE: {"bind_address": address}},
        },
        "node_certificate": {
            "subject_alt_names": [*names],
            "initial_validity_days": options.node_validity_days,
        },
        "command": {
            "type": "Start",
            "service_certificate_file": SERVICE_CERTIFICATE,
            "start": {
                "constitution_files": [path.name for path in options.constitution],
                "members": [*members],
                "service_configuration": {
                    "recovery_threshold": 0,
                    "maximum_node_certificate_validity_days": 365,
                    "maximum_service_certificate_validity_days": 365,
                },
                "initial_service_certificate_validity_days": (
                    options.service_validity_days
                ),
                "service_subject_name": "CN=ccfpy sandbox service",
            },
        },
        "ledger": {"directory": "0.ledger"},
        "snapshots": {"directory": "0.snapshots"},
        "ledger_signatures": {"tx_count": 5000, "delay": "100ms"},
        "output_files": {
            "node_certificate_file": "0.pem",
            "node_to_node_address_file": "0.node_address",
            "rpc_addresses_file": ADDRESSES_FILE,
        },
    }
    return sections | options.extra


class LocalNode:
    """A node's host process, from its start to its end."""

    def __init__(self, layout: Layout, process: "subprocess.Popen[bytes]") -> None:
        self._layout = layout
        self._process = process

    @classmethod
    def start(cls, layout: Layout, options: NodeOptions) -> "LocalNode":
        """Start the process; its folder is written already."""
        command = [sys.executable, "-m", "ccfpy.cli.main", "node"]
        command += ["--app", options.app, "--config", CONFIG_FILE]
        command += ["--log-level", options.log_level]
        folder = layout.node
        with (folder / LOG_FILE).open("wb") as out, (folder / "err").open("wb") as err:
            process = subprocess.Popen(  # noqa: S603  # our own program; no shell
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                process_group=0,  # Ctrl-C is for us; we stop the node in good order
            )
        return cls(layout, process)

    @property
    def pid(self) -> int:
        """The host's process id."""
        return self._process.pid

    @property
    def log(self) -> Path:
        """Where its log goes."""
        return self._layout.node / LOG_FILE

    async def wait_started(self, *, timeout_s: float = START_TIMEOUT_S) -> str:
        """Wait for the files by which a node tells that it runs; give its address.

        The service's certificate and the addresses are copied to the common folder.

        Raises:
            CommandFailed: it ended, or takes too long.
        """
        folder = self._layout.node
        wanted = [folder / name for name in (SERVICE_CERTIFICATE, ADDRESSES_FILE)]
        deadline = time.monotonic() + timeout_s
        while not all(path.is_file() for path in wanted):
            if self._process.poll() is not None:
                raise CommandFailed(f"the node did not start: {self.last_words()}")
            if time.monotonic() > deadline:
                raise CommandFailed(
                    f"the node did not start in {timeout_s:g} s: its log is {self.log}"
                )
            await asyncio.sleep(POLL_S)
        for path in wanted:
            shutil.copy(path, self._layout.shared)
        addresses = loads_object((folder / ADDRESSES_FILE).read_bytes())
        return f"https://{addresses[INTERFACE]}"

    async def wait_ended(self) -> int:
        """Wait until the process is gone; give its exit code."""
        return await asyncio.to_thread(self._process.wait)

    def exit_code(self) -> int | None:
        """Give the exit code, once the process is gone."""
        return self._process.poll()

    def last_words(self) -> str:
        """Give the reason that a node which ended left in its log."""
        lines = self.log.read_text(errors="replace").splitlines()
        fatal = [line for line in lines if "[fatal]" in line]
        if not fatal:
            err = (self.log.parent / "err").read_text(errors="replace").splitlines()
            return (err or lines or ["it left no word"])[-1]
        return fatal[-1].partition("| ")[2] or fatal[-1]

    def stop(self) -> None:
        """Ask the node to stop, and insist if it does not."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()
