"""Starting a node: claim files, bind sockets, start the enclave, in that order.

The order is CCF's, and other programs wait for its files: the pid file, the
directories, the address files, then the certificates (see ``node_host``). A refused
start removes the pid file, so that it can be tried again.
"""

import asyncio
import contextlib
import hashlib
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ccfpy.base.errors import ConfigurationRefused
from ccfpy.base.json import dumps
from ccfpy.boundary.configuration import (
    CommandType,
    NodeConfiguration,
    NodeToNodeInterface,
)
from ccfpy.boundary.events import Boot, Tick
from ccfpy.host.arguments import ExitCode
from ccfpy.host.blob_store import BlobStore
from ccfpy.host.config import ConfigurationFile
from ccfpy.host.connecting import Address, resolve_published
from ccfpy.host.disk import REAL_DISK, Disk
from ccfpy.host.enclave_link import EnclaveLink
from ccfpy.host.ledger_store import LedgerStore
from ccfpy.host.listeners import BoundSocket, HostUnknown
from ccfpy.host.log import Journal
from ccfpy.host.metrics_server import MetricsAddress
from ccfpy.host.node_host import NodeHost
from ccfpy.host.output_files import PidFileExists, claim_pid_file, write_atomically
from ccfpy.host.sealed_files import SealedFiles, read_sealed
from ccfpy.host.snapshot_store import SnapshotStore
from ccfpy.host.startup import declared_interfaces, resolve, rpc_interface
from ccfpy.host.storage import Storage
from ccfpy.host.traces import OtlpExporter

NODE_TO_NODE = ""
"""The key of the nodes' own socket among those of the interfaces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What a node is started with.

    Attributes:
        file: the configuration.
        text: the configuration as it was written.
        program: what is measured as the node's program.
        sync_ledger: have the disk confirm each signature.
        metrics: where metrics are served, if they are.
        traces: where traces are sent, if they are.
        disk: where the ledger and snapshots are kept.
    """

    file: ConfigurationFile
    text: bytes
    journal: Journal
    program: Path
    sync_ledger: bool = False
    metrics: MetricsAddress | None = None
    traces: str | None = None
    disk: Disk = REAL_DISK


def start(launch: Launch, link: EnclaveLink) -> int:
    """Claim the files and sockets of a node and run it; give the exit code.

    Raises:
        ConfigurationRefused: something the node needs is not to be had.
    """
    file, journal = launch.file, launch.journal
    _allow_more_files()
    pid_file = Path(file.output_files.pid_file)
    try:
        claim_pid_file(pid_file)
    except PidFileExists as refusal:
        journal.fatal(refusal.remedy, file="launch")
        # CCF's tests read the last line.
        journal.fatal(str(refusal), file="launch")
        return ExitCode.FILE_ERROR
    with contextlib.ExitStack() as cleanup:
        try:
            storage = _open_storage(launch)
            cleanup.callback(storage.close)
            sockets = bind_sockets(file, cleanup, journal)
            metrics = _bind_metrics(launch, cleanup)
            exporter = _exporter(launch)
            write_addresses(file, sockets)
            boot = _boot(launch, sockets)
        except BaseException:
            # It may lie on the disk that has just failed.
            with contextlib.suppress(OSError):
                pid_file.unlink(missing_ok=True)
            raise
        host = NodeHost(
            file, link=link, storage=storage, journal=journal, exporter=exporter
        )
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.get_loop().set_exception_handler(host.loop_failed)
            with _threads_failing_to(host.thread_failed):
                return runner.run(host.run(boot, sockets, metrics=metrics))


@contextlib.contextmanager
def _threads_failing_to(
    failed: Callable[[BaseException | None], None],
) -> Iterator[None]:
    """Pass an error that ends a thread to ``failed``, instead of printing it."""
    before = threading.excepthook
    threading.excepthook = lambda args: failed(args.exc_value)
    try:
        yield
    finally:
        threading.excepthook = before


def _allow_more_files() -> None:
    """Raise the number of files that this process may open to the allowed maximum.

    The system's usual 1,024 are fewer than the connections that an interface accepts by
    default, and a node that can open no file of its ledger ends.
    """
    try:
        import resource  # noqa: PLC0415  # absent on Windows
    except ImportError:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # macOS says that there is no bound, and refuses to have none.
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _bind_metrics(
    launch: Launch, cleanup: contextlib.ExitStack
) -> socket.socket | None:
    """Bind the address of metrics, if there is one, and log where it is."""
    address = launch.metrics
    if address is None:
        return None
    bound, where = address.bind()
    cleanup.callback(bound.close)
    cleanup.callback(address.remove)
    launch.journal.info(f"Serving metrics at {where}", file="launch")
    return bound


def _exporter(launch: Launch) -> OtlpExporter | None:
    """Return what sends traces, if they are sent, and log where to."""
    if launch.traces is None:
        return None
    exporter = OtlpExporter(launch.traces)
    launch.journal.info(f"Sending traces to {launch.traces}", file="launch")
    if exporter.complaint is not None:
        launch.journal.fail(f"Traces: {exporter.complaint}", file="launch")
    return exporter


def _boot(launch: Launch, sockets: Mapping[str, BoundSocket]) -> Callable[[Tick], Boot]:
    configuration = _resolve(launch, sockets)
    digest = executable_digest(launch.program)

    def boot(now: Tick) -> Boot:
        return Boot(
            configuration=configuration,
            executable_digest=digest,
            host_pid=os.getpid(),
            monotonic_ms=now.monotonic_ms,
            unix_us=now.unix_us,
        )

    return boot


def _resolve(launch: Launch, sockets: Mapping[str, BoundSocket]) -> NodeConfiguration:
    file = launch.file
    sections = file.network.rpc_interfaces
    configuration = resolve(
        file,
        interfaces=tuple(
            rpc_interface(name, sections[name], sockets[name].address, declared)
            for name, declared in declared_interfaces(launch.text).items()
        ),
        node_to_node=_node_to_node(file, _for_nodes(file, sockets)),
        environment=os.environ,
    )
    configuration = replace(configuration, wants_traces=launch.traces is not None)
    return with_sealed_secrets(launch, configuration)


def with_sealed_secrets(
    launch: Launch, configuration: NodeConfiguration
) -> NodeConfiguration:
    """Add what an earlier node sealed, where a recovery is to use it.

    Raises:
        ConfigurationRefused: there is no such folder.
    """
    section, told = launch.file.command.recover, configuration.recover
    if section is None or told is None:
        return configuration
    place = section.previous_sealed_ledger_secret_location
    if place is None:
        return configuration

    def skipped(why: str) -> None:
        launch.journal.info(f"Skipped: {why}", file="launch")

    files = read_sealed(Path(place), skipped=skipped, disk=launch.disk)
    return replace(configuration, recover=replace(told, previous_sealed_secrets=files))


def bind_sockets(
    file: ConfigurationFile, cleanup: contextlib.ExitStack, journal: Journal
) -> dict[str, BoundSocket]:
    """Bind every interface; the nodes' own first, under ``NODE_TO_NODE``.

    ``cleanup`` closes them. As in CCF, a node may come up without the nodes' own, if
    its host is not known: it is alone then, and serves its clients as far as it can.

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
        try:
            sockets[name] = BoundSocket.bind(
                Address.parse(address), protocol=protocol, key=f"network.{key}"
            )
        except HostUnknown as unknown:
            if name != NODE_TO_NODE:
                raise
            journal.fail(f"No other node can reach this one: {unknown}", file="launch")
            continue
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
            dumps({"node_to_node_interface": str(_for_nodes(file, sockets))}),
        )
    if output.rpc_addresses_file:
        addresses = {name: str(bound.address) for name, bound in sockets.items()}
        addresses.pop(NODE_TO_NODE, None)
        write_atomically(Path(output.rpc_addresses_file), dumps(addresses))


def executable_digest(program: Path) -> str:
    """Return the hex SHA-256 of the program that was started, links resolved.

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


def _for_nodes(file: ConfigurationFile, sockets: Mapping[str, BoundSocket]) -> Address:
    """Return the address for other nodes, whether or not it is bound."""
    bound = sockets.get(NODE_TO_NODE)
    if bound is not None:
        return bound.address
    return Address.parse(file.network.node_to_node_interface.bind_address)


def _node_to_node(file: ConfigurationFile, bound: Address) -> NodeToNodeInterface:
    published = file.network.node_to_node_interface.published_address
    return NodeToNodeInterface(
        bind_address=str(bound),
        published_address=str(resolve_published(published, bound)),
    )


def _open_storage(launch: Launch) -> Storage:
    """Find or make the directories, and take up what has to be."""
    file, journal = launch.file, launch.journal
    ledger = LedgerStore(
        Path(file.ledger.directory),
        report=journal,
        read_only_directories=[
            Path(name) for name in file.ledger.read_only_directories
        ],
        sync_committable=launch.sync_ledger,
        disk=launch.disk,
    )
    match file.command.type:
        case CommandType.START:
            ledger.create()
        case CommandType.JOIN:
            ledger.prepare()
        case CommandType.RECOVER:
            ledger.open()
    read_only = file.snapshots.read_only_directory
    snapshots = SnapshotStore(
        Path(file.snapshots.directory),
        report=journal,
        read_only_directory=None if read_only is None else Path(read_only),
        disk=launch.disk,
    )
    snapshots.prepare()
    blobs = BlobStore(report=journal, disk=launch.disk)
    blobs.clear()
    place = file.output_files.sealed_ledger_secret_location
    sealed = SealedFiles(
        None if place is None else Path(place), report=journal, disk=launch.disk
    )
    sealed.prepare()
    return Storage(
        ledger,
        snapshots,
        blobs,
        sealed,
        journal=journal,
        slow_us=file.slow_io_logging_threshold,
    )


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415  # optional: absent on Windows
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
