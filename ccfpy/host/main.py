"""The process a person starts: from the command line to the exit code.

Nothing is written to stderr, and stdout carries log lines only. Each refusal to start
is one line at fatal: a sentence, and what to do.
"""

import asyncio
import contextlib
import hashlib
import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, TypeAlias

from ccfpy.base.errors import ConfigurationRefused
from ccfpy.base.json import dumps
from ccfpy.base.version import VERSION
from ccfpy.boundary.configuration import CommandType, NodeToNodeInterface
from ccfpy.boundary.effects import LogLevel
from ccfpy.boundary.events import Boot, Tick
from ccfpy.host.addresses import Address, resolve_published
from ccfpy.host.arguments import (
    Arguments,
    EnclaveKind,
    ExitCode,
    HelpRequested,
    VersionRequested,
    parse_arguments,
)
from ccfpy.host.config import ConfigurationFile, check_json, parse_configuration
from ccfpy.host.enclave_link import EnclaveLink, ProcessLink
from ccfpy.host.ledger_store import LedgerStore
from ccfpy.host.listeners import BoundSocket
from ccfpy.host.log import Journal, LogFormat
from ccfpy.host.node_host import NodeHost
from ccfpy.host.output_files import claim_pid_file, write_atomically
from ccfpy.host.startup import declared_interfaces, resolve, rpc_interface

LinkMaker: TypeAlias = Callable[[str], EnclaveLink]
"""Makes the link to an enclave that runs the app of that name."""

CONFIG_RETRY_S = 0.1
NODE_TO_NODE = ""
"""The key of the nodes' own socket among those of the interfaces."""


def run(
    app: str,
    argv: Sequence[str],
    *,
    in_process: LinkMaker | None = None,
    executable: Path | None = None,
    stdout: BinaryIO | None = None,
) -> int:
    """Run a node for ``app`` as the command line says; give the exit code.

    Args:
        app: a sample's name or the path of an application, passed to the enclave.
        argv: the command line without the program's name.
        in_process: makes the link for ``--enclave in-process``; without it that option
            is refused. The host itself knows no trusted code.
        executable: what is measured as the node's program: by default, the one started.
        stdout: where lines go instead of stdout.
    """
    stream = sys.stdout.buffer if stdout is None else stdout
    program = Path(sys.argv[0] if executable is None else executable)
    journal = Journal(stream)
    try:
        arguments = parse_arguments(argv, program=program.name)
        text = read_configuration(arguments)
        file = parse_configuration(text, name=str(arguments.config))
        journal = _journal(stream, file, LogLevel.INFO)
        journal.info(f"CCF version: {VERSION}", file="main")
        if arguments.check_only:
            journal.info("Configuration file successfully verified", file="main")
            return ExitCode.OK
        link = _link(app, arguments.enclave, in_process)
        journal = _journal(stream, file, arguments.log_level)
        journal.info(
            f"Configuration file {arguments.config}:\n{text.decode(errors='replace')}",
            file="main",
        )
        return start(file, text, link=link, journal=journal, program=program)
    except VersionRequested:
        stream.write(f"CCF host: {VERSION}\nPlatform: Virtual\n".encode())
        stream.flush()
        return ExitCode.OK
    except HelpRequested as request:
        stream.write(str(request).encode())
        stream.flush()
        return ExitCode.OK
    except ConfigurationRefused as refusal:
        journal.fatal(str(refusal), file="main")
        return ExitCode.VALIDATION_ERROR
    except Exception as error:  # noqa: BLE001  # the rim: a defect of ours
        place = traceback.extract_tb(error.__traceback__)[-1]
        journal.fatal(
            f"Exception in the host: {error!r} at {place.name}:{place.lineno}",
            file="main",
        )
        return ExitCode.NODE_FAILED


def keep_stderr_empty() -> None:
    """Send whatever the process may yet write to stderr to stdout.

    For programs whose callers take any word on stderr for a crash; C libraries and the
    interpreter's last words are included.
    """
    os.dup2(sys.stdout.fileno(), 2)


def read_configuration(arguments: Arguments) -> bytes:
    """Read the configuration file, waiting for it to exist and parse as JSON.

    Raises:
        ConfigurationRefused: it does not, in the time that was allowed.
    """
    deadline = time.monotonic() + arguments.config_timeout_us / 1e6
    while True:
        try:
            text = arguments.config.read_bytes()
            check_json(text, name=str(arguments.config))
        except (OSError, ConfigurationRefused) as error:
            if time.monotonic() >= deadline:
                raise _unreadable(arguments.config, error) from None
            time.sleep(CONFIG_RETRY_S)
        else:
            return text


def start(
    file: ConfigurationFile,
    text: bytes,
    *,
    link: EnclaveLink,
    journal: Journal,
    program: Path,
) -> int:
    """Claim the files and sockets of a node and run it; give the exit code.

    Raises:
        ConfigurationRefused: something the node needs is not to be had.
    """
    output = file.output_files
    if output.sealed_ledger_secret_location is not None:
        raise ConfigurationRefused(
            "Local sealing is only supported on SEV-SNP platforms; "
            "remove output_files.sealed_ledger_secret_location"
        )
    pid_file = Path(output.pid_file)
    if pid_file.exists():
        journal.fatal(f"PID file {pid_file} already exists. Exiting.", file="main")
        return ExitCode.FILE_ERROR
    claim_pid_file(pid_file)
    with contextlib.ExitStack() as cleanup:
        return _run_node(file, text, link, journal, program, cleanup)


def _run_node(  # what ``start`` was given, and its clean-up
    file: ConfigurationFile,
    text: bytes,
    link: EnclaveLink,
    journal: Journal,
    program: Path,
    cleanup: contextlib.ExitStack,
) -> int:
    store = _open_ledger(file, journal)
    cleanup.callback(store.close)
    _make_directory(file.snapshots.directory, "snapshots.directory")
    sockets = bind_sockets(file, cleanup)
    write_addresses(file, sockets)
    configuration = resolve(
        file,
        interfaces=tuple(
            rpc_interface(
                name,
                file.network.rpc_interfaces[name],
                sockets[name].address,
                declared,
            )
            for name, declared in declared_interfaces(text).items()
        ),
        node_to_node=_node_to_node(file, sockets[NODE_TO_NODE].address),
        environment=os.environ,
    )
    digest = executable_digest(program)

    def boot(now: Tick) -> Boot:
        return Boot(
            configuration=configuration,
            executable_digest=digest,
            host_pid=os.getpid(),
            monotonic_ms=now.monotonic_ms,
            unix_us=now.unix_us,
        )

    host = NodeHost(file, link=link, store=store, journal=journal)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.get_loop().set_exception_handler(
            lambda _, context: journal.fail(
                f"{context.get('message')}: {context.get('exception')!r}",
                file="main",
            )
        )
        return runner.run(host.run(boot, sockets))


def bind_sockets(
    file: ConfigurationFile, cleanup: contextlib.ExitStack
) -> dict[str, BoundSocket]:
    """Bind every interface; the nodes' own first, under ``NODE_TO_NODE``.

    ``cleanup`` closes them.

    Raises:
        ConfigurationRefused: an address cannot be bound.
    """
    network = file.network
    wanted = {NODE_TO_NODE: (network.node_to_node_interface.bind_address, "tcp")} | {
        name: (interface.bind_address, interface.protocol)
        for name, interface in network.rpc_interfaces.items()
    }
    sockets: dict[str, BoundSocket] = {}
    for name, (address, protocol) in wanted.items():
        key = f"rpc_interfaces.{name}" if name else "node_to_node_interface"
        sockets[name] = BoundSocket.bind(
            Address.parse(address), protocol=protocol, key=f"network.{key}"
        )
        cleanup.callback(sockets[name].socket.close)
    return sockets


def write_addresses(
    file: ConfigurationFile, sockets: Mapping[str, BoundSocket]
) -> None:
    """Write the files that tell others the real ports."""
    output = file.output_files
    if output.node_to_node_address_file:
        write_atomically(
            Path(output.node_to_node_address_file),
            dumps({"node_to_node_interface": str(sockets[NODE_TO_NODE].address)}),
        )
    if output.rpc_addresses_file:
        write_atomically(
            Path(output.rpc_addresses_file),
            dumps(
                {
                    name: str(bound.address)
                    for name, bound in sockets.items()
                    if name != NODE_TO_NODE
                }
            ),
        )


def executable_digest(program: Path) -> str:
    """Give the hex SHA-256 of the program that was started, links resolved.

    Raises:
        ConfigurationRefused: it cannot be read.
    """
    resolved = program.resolve()
    try:
        return hashlib.sha256(resolved.read_bytes()).hexdigest()
    except OSError as error:
        raise ConfigurationRefused(
            f"cannot measure {resolved}: {error.strerror}; "
            "start the node by the path of its program"
        ) from None


def _node_to_node(file: ConfigurationFile, bound: Address) -> NodeToNodeInterface:
    published = file.network.node_to_node_interface.published_address
    return NodeToNodeInterface(
        bind_address=str(bound),
        published_address=str(resolve_published(published, bound)),
    )


def _open_ledger(file: ConfigurationFile, journal: Journal) -> LedgerStore:
    store = LedgerStore(
        Path(file.ledger.directory),
        read_only_directories=[
            Path(name) for name in file.ledger.read_only_directories
        ],
    )
    if file.command.type is CommandType.START:
        store.create()
    else:
        store.open(journal)
    return store


def _make_directory(name: str, key: str) -> None:
    try:
        Path(name).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationRefused(
            f"cannot create {name}: {error.strerror}; correct {key}"
        ) from None


def _journal(stream: BinaryIO, file: ConfigurationFile, level: LogLevel) -> Journal:
    return Journal(stream, level=level, form=LogFormat(file.logging.format))


def _link(app: str, kind: EnclaveKind, in_process: LinkMaker | None) -> EnclaveLink:
    if kind is EnclaveKind.PROCESS:
        return ProcessLink(app)
    if in_process is None:
        raise ConfigurationRefused(
            "this program cannot run the enclave in its own process; "
            "leave out --enclave in-process"
        )
    return in_process(app)


def _unreadable(path: Path, error: Exception) -> ConfigurationRefused:
    if isinstance(error, OSError):
        return ConfigurationRefused(
            f"cannot read configuration file {path}: "
            f"{(error.strerror or str(error)).lower()}; correct --config, or give "
            "--config-timeout to wait for it"
        )
    return ConfigurationRefused(str(error))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415  # optional: absent on Windows
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
