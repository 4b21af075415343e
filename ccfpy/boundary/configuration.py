"""What a node is told when it boots: the configuration file, read and resolved.

The host has parsed CCF's JSON file, read the files it names and bound the sockets, so
paths are contents here, addresses are real and units are plain numbers. All of it comes
from outside the enclave: what matters to trust (certificates, keys, the constitution)
is opaque bytes that trusted code parses itself and, on joining, peers vote on.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from ccfpy.base import limits
from ccfpy.base.vocabulary import RecoveryRole


class CommandType(StrEnum):
    """How the node begins (``command.type``)."""

    START = "Start"
    JOIN = "Join"
    RECOVER = "Recover"


class InterfaceAuthority(StrEnum):
    """Who vouches for the certificate that an interface presents."""

    NODE = "Node"
    """The node alone: self-signed, ready at once."""
    SERVICE = "Service"
    """The service: no session until its endorsement is committed."""
    UNSECURED = "Unsecured"
    """Nobody: plain HTTP."""


class CurveId(StrEnum):
    """The curve of the node's identity key (``node_certificate.curve_id``)."""

    SECP384R1 = "Secp384R1"
    SECP256R1 = "Secp256R1"


class RedirectKind(StrEnum):
    """How the target of a redirect is found (``include/ccf/redirect.h``)."""

    NODE_BY_ROLE = "NodeByRole"
    STATIC_ADDRESS = "StaticAddress"


@dataclass(frozen=True, slots=True, kw_only=True)
class RedirectTarget:
    """The node to which an interface redirects what its own node cannot serve.

    Attributes:
        role: ``primary`` or ``backup``, for ``NodeByRole``; the role that the request
            needs if none.
        interface: of the target node, for ``NodeByRole``; the caller's own if none.
        address: ``host:port``, for ``StaticAddress``.
    """

    kind: RedirectKind
    role: str | None = None
    interface: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirections:
    """An interface's redirections; without any, requests are forwarded."""

    to_primary: RedirectTarget | None = None
    to_backup: RedirectTarget | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpConfiguration:
    """An interface's bounds on HTTP requests (``http_configuration``).

    Attributes:
        body_bytes_max: as the application says, if ``None``.
    """

    body_bytes_max: int | None = None
    header_bytes_max: int = limits.HTTP_HEADER_BYTES_MAX
    headers_count_max: int = limits.HTTP_HEADERS_MAX
    concurrent_streams_max: int = 100
    initial_window_bytes: int = 64 * limits.KIB
    frame_bytes_max: int = 16 * limits.KIB


HTTP_PROTOCOLS: Final = ("HTTP1", "HTTP2")
"""What ``app_protocol`` says of interfaces that serve an application's endpoints."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RpcInterface:
    """A place where clients connect.

    Attributes:
        name: its key in ``network.rpc_interfaces``.
        bind_address: ``host:port`` as bound; the port is the real one.
        published_address: ``host:port`` told to clients.
        protocol: ``tcp``, or ``udp`` for the experimental echo.
        app_protocol: ``HTTP1``, ``HTTP2`` or an application's own.
        accepted_endpoints: regular expressions over endpoint path templates, or nothing
            to accept all.
        declared: its JSON object as configured, addresses resolved, options that were
            left out still left out: what ``nodes.info`` records.
    """

    name: str
    bind_address: str
    published_address: str
    protocol: str = "tcp"
    app_protocol: str = "HTTP1"
    sessions_soft_max: int = limits.SESSIONS_SOFT_MAX
    sessions_hard_max: int = limits.SESSIONS_HARD_MAX
    http: HttpConfiguration = field(default_factory=HttpConfiguration)
    authority: InterfaceAuthority = InterfaceAuthority.SERVICE
    accepted_endpoints: tuple[str, ...] | None = None
    forwarding_timeout_ms: int = 3000
    redirections: Redirections | None = None
    declared: bytes = b"{}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeToNodeInterface:
    """Where other nodes connect."""

    bind_address: str
    published_address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeCertificateConfiguration:
    """How the node's certificate is to read (``node_certificate``).

    Attributes:
        subject_alt_names: ``iPAddress:…`` and ``dNSName:…``; empty means the published
            hosts of the RPC interfaces.
    """

    subject_name: str = "CN=CCF Node"
    subject_alt_names: tuple[str, ...] = ()
    curve_id: CurveId = CurveId.SECP384R1
    initial_validity_days: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsensusConfiguration:
    """Raft's timing (``consensus``).

    Attributes:
        uncommitted_tx_max: beyond it new transactions are refused; 0 is no limit.
        pre_vote: ask whether an election could be won before holding it. The key is
            ours; a node of CCF always asks.
        trace: log each step in the form that CCF's trace validation reads. The key is
            ours; CCF is compiled to do so.
    """

    message_timeout_ms: int = 100
    election_timeout_ms: int = 5000
    uncommitted_tx_max: int = 10_000
    pre_vote: bool = True
    trace: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerSignaturesConfiguration:
    """How often the primary signs (``ledger_signatures``).

    Attributes:
        early: sign as soon as there is something to sign and nothing else to do; ours.
    """

    tx_count: int = limits.SIGNATURE_TX_COUNT
    delay_ms: int = limits.SIGNATURE_DELAY_MS
    early: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CoseSignaturesConfiguration:
    """The claims of the ledger's COSE signatures (``cose_signatures``)."""

    issuer: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InitialServiceConfiguration:
    """The service's first configuration (``start.service_configuration``).

    Attributes:
        recovery_threshold: already derived from the members when configured as 0.
        recent_cose_proposals_window_size: proposals remembered against replay.
    """

    recovery_threshold: int
    maximum_node_certificate_validity_days: int | None = None
    maximum_service_certificate_validity_days: int | None = None
    recent_cose_proposals_window_size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundingMember:
    """A founding member; contents of the files that describe it.

    Attributes:
        certificate: PEM.
        encryption_public_key: PEM of an RSA key, for those who hold recovery shares.
        data: JSON text.
    """

    certificate: bytes
    encryption_public_key: bytes | None = None
    data: bytes | None = None
    recovery_role: RecoveryRole | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StartConfiguration:
    """Begin a new service (``command.start``).

    Attributes:
        constitution: the constitution files joined by newlines, in order.
    """

    members: tuple[FoundingMember, ...]
    constitution: bytes
    service_configuration: InitialServiceConfiguration
    service_subject_name: str = "CN=CCF Service"
    initial_service_certificate_validity_days: int = 1
    cose_signatures: CoseSignaturesConfiguration = field(
        default_factory=CoseSignaturesConfiguration
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinConfiguration:
    """Join a running service (``command.join``).

    Attributes:
        service_certificate: PEM of the service to join, the only anchor of trust.
        fetch_recent_snapshot: ask the target for its latest snapshot before joining.
        fetch_snapshot_max_bytes: a larger one is not taken.
    """

    target_rpc_address: str
    service_certificate: bytes
    retry_timeout_ms: int = 1000
    follow_redirect: bool = True
    fetch_recent_snapshot: bool = True
    fetch_snapshot_max_attempts: int = 3
    fetch_snapshot_retry_interval_ms: int = 1000
    fetch_snapshot_max_bytes: int = limits.SNAPSHOT_BYTES_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverConfiguration:
    """Recover a service from its ledger (``command.recover``).

    Attributes:
        previous_service_identity: PEM of the service that was lost.
        previous_sealed_secrets: the files that a node of it left for this platform,
            each with the version that its name states; nothing if members' shares are
            to be used.
    """

    previous_service_identity: bytes | None = None
    initial_service_certificate_validity_days: int = 1
    previous_sealed_secrets: tuple[tuple[int, bytes], ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttestationConfiguration:
    """What the host found for the attestation of an SEV-SNP guest (``attestation``).

    Attributes:
        endorsements_servers: (type, url, retries) of each, in order of preference.
    """

    security_policy: bytes | None = None
    uvm_endorsements: bytes | None = None
    snp_endorsements: bytes | None = None
    endorsements_servers: tuple[tuple[str, str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeConfiguration:
    """The whole of it. Exactly the section that ``command`` names is present.

    Attributes:
        node_data: JSON text from ``node_data_json_file``.
        service_data: JSON text from ``service_data_json_file``.
        entry_bytes_max: ``memory.max_msg_size``; one ledger entry may not be larger.
        node_to_node_message_limit: messages before a channel changes its key.
        seals_ledger_secrets: the host keeps ledger secrets that are sealed to the
            platform (``output_files.sealed_ledger_secret_location``).
        logs_tracebacks: whether the log says where exceptions of an application came
            from (``logging.tracebacks``); the key is ours.
        slow_calls_max: how many calls of an application's code may be slow at once
            (``worker_threads``).
        wants_traces: the host takes reports of requests whose callers want a trace;
            an option of the host's command line.
        serves_api_page: whether the node shows its OpenAPI documents as a page
            (``api_page``); the key is ours.
    """

    command: CommandType
    node_to_node: NodeToNodeInterface
    rpc_interfaces: tuple[RpcInterface, ...]
    start: StartConfiguration | None = None
    join: JoinConfiguration | None = None
    recover: RecoverConfiguration | None = None
    node_certificate: NodeCertificateConfiguration = field(
        default_factory=NodeCertificateConfiguration
    )
    consensus: ConsensusConfiguration = field(default_factory=ConsensusConfiguration)
    ledger_signatures: LedgerSignaturesConfiguration = field(
        default_factory=LedgerSignaturesConfiguration
    )
    ledger_chunk_bytes: int = limits.LEDGER_CHUNK_BYTES
    snapshot_tx_count: int = 10_000
    jwt_key_refresh_interval_ms: int = 30 * 60 * 1000
    attestation: AttestationConfiguration = field(
        default_factory=AttestationConfiguration
    )
    node_data: bytes | None = None
    service_data: bytes | None = None
    entry_bytes_max: int = limits.FRAME_BYTES_MAX
    node_to_node_message_limit: int = 23_726_566
    historical_cache_bytes_max: int = 512 * limits.MIB
    created_at_ahead_max_ms: int = limits.CREATED_AT_AHEAD_MS
    seals_ledger_secrets: bool = False
    logs_tracebacks: bool = False
    slow_calls_max: int = limits.SLOW_CALLS_MAX
    wants_traces: bool = False
    serves_api_page: bool = False
