"""The configuration file of one node of a local service, and where its files are.

The layout is that of CCF's sandbox: ``<workspace>/<label>_<number>`` is a node's
folder, and ``<workspace>/<label>_common`` holds all participants' keys and the
service's certificate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ccfpy.base.json import Json, JsonObject
from ccfpy.client.keys import SERVICE_CERTIFICATE, KeyFiles
from ccfpy.crypto.ec import Curve

INTERFACE = "primary_rpc_interface"
HTTP2_INTERFACE = "rpc_interface_of_http2"
"""Listed after the other interface: our commands ask the first in a file."""
HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceOptions:
    """What all nodes of a service have in common.

    Attributes:
        workspace: the folder for everything.
        app: a sample's name or a path.
        members: names of the founding members.
        users: names of those it is opened for.
        curve: of members' and users' keys.
        constitution: scripts, in order.
        election_timeout_ms: how long a backup hears nothing before it starts an
            election.
        message_timeout_ms: between two messages of an idle primary.
        signature_delay_ms: how long a transaction may wait to be signed.
        chunk_size: when a ledger file is closed, such as ``20KB``.
        join_retry_ms: between two requests of a node that joins.
        forwarding_timeout_ms: how long a backup waits for the primary's answer.
        service_validity_days: of the service's first certificate.
        cose_claims: issuer and subject that the service's COSE signatures claim, and
            so receipts.
        extra: entries of every configuration file to add or replace; in a section, the
            entries that it names.
        program: how a node is started; its options follow.
        has_http2: nodes speak HTTP/2 at the port of their placement, and HTTP/1.1,
            which our own commands speak, at a port that the system chooses.
        common: where keys and certificates are, if not in the workspace.
    """

    workspace: Path
    app: str
    constitution: Sequence[Path]
    program: Sequence[str]
    members: Sequence[str] = ("member0",)
    users: Sequence[str] = ("user0",)
    curve: Curve = Curve.SECP256R1
    label: str = "sandbox"
    election_timeout_ms: int = 1000
    message_timeout_ms: int = 100
    signature_delay_ms: int = 100
    chunk_size: str = "5MB"
    join_retry_ms: int = 200
    forwarding_timeout_ms: int = 3000
    log_level: str = "info"
    service_validity_days: int = 90
    cose_claims: tuple[str, str] = ("", "")
    extra: Mapping[str, Json] = field(default_factory=dict)
    has_http2: bool = False
    common: Path | None = None

    @property
    def shared(self) -> Path:
        """The folder of keys, certificates and addresses."""
        return self.common or self.workspace / f"{self.label}_common"

    @property
    def service_certificate(self) -> Path:
        """The certificate that clients trust."""
        return self.shared / SERVICE_CERTIFICATE

    def folder(self, number: int) -> Path:
        """Return the folder in which a node works."""
        return self.workspace / f"{self.label}_{number}"

    def ledger(self, number: int) -> Path:
        """Return the folder of a node's ledger."""
        return self.folder(number) / f"{number}.ledger"

    def keys(self, name: str) -> KeyFiles:
        """Return the files of a participant's keys."""
        return KeyFiles(folder=self.shared, name=name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where one node runs.

    Attributes:
        host: the address it listens on and is known by.
        port: the port for clients, or 0 for any.
        prefix: the command before its program, such as ``ip netns exec NAME``.
        program: how it is started, if not as the other nodes.
        metrics: where it serves metrics, as ``HOST:PORT``; nowhere by default.
        traces: the URL of the collector to which it sends traces; none by default.
    """

    host: str = HOST
    port: int = 0
    prefix: Sequence[str] = ()
    program: Sequence[str] | None = None
    metrics: str | None = None
    traces: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Remains:
    """What is left of a service.

    Attributes:
        identity: its certificate.
        ledger: a folder of its ledger's files, of which the recovering node has a copy.
        read_only: folders of files that are committed.
        snapshots: a folder of its snapshots, if they are to be used.
        sealed: a folder of ledger secrets that a node sealed, to be used in place of
            members' shares.
    """

    identity: Path
    ledger: Path
    read_only: Sequence[Path] = ()
    snapshots: Path | None = None
    sealed: Path | None = None


def founder(options: ServiceOptions, placement: Placement) -> JsonObject:
    """Write the configuration of the node that begins the service, number 0."""
    members: list[Json] = []
    for name in options.members:
        keys = options.keys(name)
        member: JsonObject = {"certificate_file": str(keys.certificate.resolve())}
        if keys.encryption_public_key.exists():
            path = keys.encryption_public_key.resolve()
            member["encryption_public_key_file"] = str(path)
        members.append(member)
    start: JsonObject = {
        "constitution_files": [str(path.resolve()) for path in options.constitution],
        "members": members,
        "service_configuration": {
            "recovery_threshold": 0,
            "maximum_node_certificate_validity_days": 365,
            "maximum_service_certificate_validity_days": 365,
        },
        "initial_service_certificate_validity_days": options.service_validity_days,
        "service_subject_name": "CN=ccfpy service",
        "cose_signatures": dict(
            zip(("issuer", "subject"), options.cose_claims, strict=True)
        ),
    }
    return _configuration(options, placement, 0, {"type": "Start", "start": start})


def joiner(
    options: ServiceOptions, placement: Placement, number: int, *, target: str
) -> JsonObject:
    """Write the configuration of a node that joins.

    Args:
        options: the service.
        placement: where the node runs.
        number: of the node.
        target: where a node of the service answers, as ``HOST:PORT``.
    """
    join: JsonObject = {
        "target_rpc_address": target,
        "retry_timeout": f"{options.join_retry_ms}ms",
    }
    return _configuration(options, placement, number, {"type": "Join", "join": join})


def recoverer(
    options: ServiceOptions, placement: Placement, number: int, remains: Remains
) -> JsonObject:
    """Write the configuration of a node that recovers a lost service."""
    recover: JsonObject = {
        "previous_service_identity_file": str(remains.identity.resolve()),
        "initial_service_certificate_validity_days": options.service_validity_days,
    }
    if remains.sealed is not None:
        place = str(remains.sealed.resolve())
        recover["previous_sealed_ledger_secret_location"] = place
    command: JsonObject = {"type": "Recover", "recover": recover}
    written = _configuration(options, placement, number, command)
    ledger, snapshots = written["ledger"], written["snapshots"]
    assert isinstance(ledger, dict), "it was just made"
    assert isinstance(snapshots, dict), "likewise"
    ledger["read_only_directories"] = [
        str(path.resolve()) for path in remains.read_only
    ]
    if remains.snapshots is not None:
        snapshots["read_only_directory"] = str(remains.snapshots.resolve())
    return written


def _interfaces(options: ServiceOptions, placement: Placement) -> JsonObject:
    common: JsonObject = {"forwarding_timeout_ms": options.forwarding_timeout_ms}
    wanted = {"bind_address": f"{placement.host}:{placement.port}"}
    if not options.has_http2:
        return {INTERFACE: {**wanted, **common}}
    return {
        INTERFACE: {"bind_address": f"{placement.host}:0", **common},
        HTTP2_INTERFACE: {**wanted, **common, "app_protocol": "HTTP2"},
    }


def _configuration(
    options: ServiceOptions, placement: Placement, number: int, command: JsonObject
) -> JsonObject:
    is_local = placement.host in (HOST, "localhost")
    names: list[Json] = ["iPAddress:127.0.0.1", "dNSName:localhost"] if is_local else []
    sections: JsonObject = {
        "network": {
            "node_to_node_interface": {"bind_address": f"{placement.host}:0"},
            "rpc_interfaces": _interfaces(options, placement),
        },
        "node_certificate": {"subject_alt_names": names, "initial_validity_days": 90},
        "command": {"service_certificate_file": SERVICE_CERTIFICATE, **command},
        "consensus": {
            "message_timeout": f"{options.message_timeout_ms}ms",
            "election_timeout": f"{options.election_timeout_ms}ms",
        },
        "ledger": {
            "directory": options.ledger(number).name,
            "chunk_size": options.chunk_size,
        },
        "snapshots": {"directory": f"{number}.snapshots"},
        "ledger_signatures": {
            "tx_count": 5000,
            "delay": f"{options.signature_delay_ms}ms",
        },
        "output_files": {
            "node_certificate_file": f"{number}.pem",
            "node_to_node_address_file": f"{number}.node_address",
            "rpc_addresses_file": f"{number}.rpc_addresses",
        },
    }
    for name, entry in options.extra.items():
        section = sections.get(name)
        if isinstance(section, dict) and isinstance(entry, dict):
            sections[name] = section | entry
        else:
            sections[name] = entry
    return sections
