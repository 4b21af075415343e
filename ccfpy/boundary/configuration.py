"""The configuration that the host sends a node at boot, read and resolved.

The host has parsed CCF's JSON file, read the files that it names and bound the sockets.
So files are present as their contents, addresses are the bound ones, and durations and
sizes are plain numbers. All of it is untrusted. Certificates, keys and the constitution
are opaque bytes, which trusted code parses itself.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from ccfpy.base import limits
from ccfpy.base.vocabulary import RecoveryRole


class CommandType(StrEnum):
    """How the node starts (``command.type``)."""

    START = "Start"
    JOIN = "Join"
    RECOVER = "Recover"


class InterfaceAuthority(StrEnum):
    """Who endorses the certificate that an interface presents."""

    NODE = "Node"
    """The node: its certificate is self-signed and available at once."""
    SERVICE = "Service"
    """The service: sessions are refused until the endorsement is committed."""
    UNSECURED = "Unsecured"
    """Nobody: plain HTTP without TLS."""


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
    """The node to which an interface redirects requests that its node cannot serve.

    Attributes:
        role: ``primary`` or ``backup``, for ``NodeByRole``; if ``None``, the role that
            the request needs.
        interface: the interface of the target node, for ``NodeByRole``; if ``None``,
            the one with the name of the interface that received the request.
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
    """An interface's limits on HTTP requests (``http_configuration``).

    Attributes:
        body_bytes_max: if ``None``, the application's limit applies.
    """

    body_bytes_max: int | None = None
    header_bytes_max: int = limits.HTTP_HEADER_BYTES_MAX
    headers_count_max: int = limits.HTTP_HEADERS_MAX
    concurrent_streams_max: int = 100
    initial_window_bytes: int = 64 * limits.KIB
    frame_bytes_max: int = 16 * limits.KIB


HTTP_PROTOCOLS: Final = ("HTTP1", "HTTP2")
"""Values of ``app_protocol`` for interfaces that serve an application's endpoints."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RpcInterface:
    """An address where clients connect, and its settings.

    Attributes:
        name: the key in ``network.rpc_interfaces``.
        bind_address: ``host:port`` as bound; the port is never 0.
        published_address: ``host:port`` that clients are to connect to.
        protocol: ``tcp``, or ``udp`` for the experimental echo.
        app_protocol: ``HTTP1``, ``HTTP2`` or an application's own protocol.
        accepted_endpoints: regular expressions for paths of endpoints; if ``None``, all
            are accepted.
        declared: the JSON object for the record in ``nodes.info``: as configured, with
            addresses resolved and without defaults for missing options.
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
    """The contents of the node's certificate (``node_certificate``).

    Attributes:
        subject_alt_names: ``iPAddress:…`` and ``dNSName:…``; if empty, the published
            hosts of the RPC interfaces are used.
    """

    subject_name: str = "CN=CCF Node"
    subject_alt_names: tuple[str, ...] = ()
    curve_id: CurveId = CurveId.SECP384R1
    initial_validity_days: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsensusConfiguration:
    """Raft's timing (``consensus``).

    Attributes:
        uncommitted_tx_max: number of uncommitted transactions above which new ones are
            refused; 0 means no limit.
        pre_vote: whether a node asks for pre-votes before an election. Only ccfpy has
            this key; a node of CCF always asks.
        trace: whether each step is logged in the form that CCF's trace validation
            reads. Only ccfpy has this key; CCF has a build option.
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
        early: whether the primary signs as soon as it is idle and has unsigned
            transactions. Only ccfpy has this key.
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
        recovery_threshold: already derived from the members if configured as 0.
        recent_cose_proposals_window_size: number of recent proposals that are kept to
            detect replays.
    """

    recovery_threshold: int
    maximum_node_certificate_validity_days: int | None = None
    maximum_service_certificate_validity_days: int | None = None
    recent_cose_proposals_window_size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundingMember:
    """A founding member, with the contents of the files that describe the member.

    Attributes:
        certificate: PEM.
        encryption_public_key: PEM of an RSA key, for members who hold recovery shares.
        data: JSON text.
    """

    certificate: bytes
    encryption_public_key: bytes | None = None
    data: bytes | None = None
    recovery_role: RecoveryRole | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StartConfiguration:
    """Settings to start a new service (``command.start``).

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
    """Settings to join a running service (``command.join``).

    Attributes:
        service_certificate: PEM of the service to join, the only trust anchor.
        fetch_recent_snapshot: whether to fetch the target's latest snapshot before
            joining.
        fetch_snapshot_max_bytes: maximum size of that snapshot.
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
    """Settings to recover a service from its ledger (``command.recover``).

    Attributes:
        previous_service_identity: PEM of the lost service's certificate.
        previous_sealed_secrets: the version, from the file name, and the contents of
            each file that a node of the lost service sealed to this platform; ``None``
            if members' recovery shares are to be used.
    """

    previous_service_identity: bytes | None = None
    initial_service_certificate_validity_days: int = 1
    previous_sealed_secrets: tuple[tuple[int, bytes], ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttestationConfiguration:
    """Data that the host found for an SEV-SNP attestation (``attestation``).

    Attributes:
        endorsements_servers: (type, url, retries) of each server, in order of
            preference.
    """

    security_policy: bytes | None = None
    uvm_endorsements: bytes | None = None
    snp_endorsements: bytes | None = None
    endorsements_servers: tuple[tuple[str, str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeConfiguration:
    """The whole configuration of a node.

    Of ``start``, ``join`` and ``recover``, only the one for ``command`` is present.

    Attributes:
        node_data: JSON text from ``node_data_json_file``.
        service_data: JSON text from ``service_data_json_file``.
        entry_bytes_max: maximum size of a ledger entry (``memory.max_msg_size``).
        node_to_node_message_limit: number of messages after which a channel changes its
            key.
        seals_ledger_secrets: whether the node seals ledger secrets to the platform and
            the host keeps them (``output_files.sealed_ledger_secret_location``).
        logs_tracebacks: whether exceptions of an application are logged with their
            tracebacks (``logging.tracebacks``). Only ccfpy has this key.
        slow_calls_max: maximum number of slow calls of an application's code at once
            (``worker_threads``).
        wants_traces: whether the host accepts reports of requests whose callers want a
            trace; an option of the host's command line.
        serves_api_page: whether the node serves its OpenAPI documents as a page
            (``api_page``). Only ccfpy has this key.
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
