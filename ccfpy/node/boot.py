"""What every node does when it boots, whether it starts a service or joins one.

The node makes its keys and its evidence, writes the files that others wait for, and
becomes a `RunningNode` with an empty store. `startup.start` and `startup.join` continue
from there.
"""

import ipaddress

from ccfpy.attestation import virtual
from ccfpy.base import json, limits
from ccfpy.base.errors import ConfigurationRefused
from ccfpy.base.ids import is_hex_id
from ccfpy.base.json import Json
from ccfpy.base.net_address import unbracketed
from ccfpy.base.ports import Attestation, Entropy
from ccfpy.boundary.configuration import (
    ConsensusConfiguration,
    NodeConfiguration,
    RpcInterface,
)
from ccfpy.boundary.effects import IdentityMade, SendToPeer
from ccfpy.boundary.events import Boot
from ccfpy.consensus.raft import Raft
from ccfpy.consensus.raft_state import Jitter, Settings
from ccfpy.crypto import certs
from ccfpy.crypto.ec import Curve
from ccfpy.endpoints.context import CoseClaims
from ccfpy.kv.store import Store
from ccfpy.ledger.secrets import LedgerSecrets
from ccfpy.node.channels import Channels
from ccfpy.node.channels.channels import ChannelSettings
from ccfpy.node.identity import (
    NodeEvidence,
    NodeIdentity,
    Sealing,
    ServiceCredentials,
    ServiceIdentity,
    security_policy_of,
)
from ccfpy.node.outbox import Outbox
from ccfpy.node.parts import NodeParts
from ccfpy.node.ports import HostClock
from ccfpy.node.replication.ledger_tail import EntryLimits, LedgerTail
from ccfpy.node.replication.replication import Replication, tracer_of
from ccfpy.node.running import RunningNode
from ccfpy.node.sessions.client import SessionCounts, interfaces_of
from ccfpy.service.evidence import quotes
from ccfpy.service.genesis import FirstNode
from ccfpy.service.tables.nodes import (
    NET_INTERFACE,
    NetInterface,
    NodeInfo,
    QuoteFormat,
    QuoteInfo,
)


def identity_of(boot: Boot, parts: NodeParts) -> NodeIdentity:
    """Make this node's keys and self-signed certificate.

    Raises:
        ConfigurationRefused: the host speaks nonsense.
        Malformed: a certificate cannot be made as it is configured.
    """
    if not is_hex_id(boot.executable_digest):
        raise ConfigurationRefused("the digest of the executable is no digest")
    configuration = boot.configuration
    wanted = configuration.node_certificate
    return NodeIdentity.generate(
        parts.entropy,
        curve=Curve(wanted.curve_id),
        subject=wanted.subject_name,
        sans=wanted.subject_alt_names or _published_hosts(configuration.rpc_interfaces),
        not_before=clock_of(boot).now,
        validity_days=wanted.initial_validity_days,
    )


def clock_of(boot: Boot) -> HostClock:
    """Return the time at which the host says the node boots."""
    return HostClock(monotonic_ms=boot.monotonic_ms, unix_us=boot.unix_us)


def running_node(
    boot: Boot,
    parts: NodeParts,
    *,
    identity: NodeIdentity,
    credentials: ServiceCredentials | None,
    secrets: LedgerSecrets,
) -> RunningNode:
    """Make a node with an empty store, and leave the files that name it.

    Args:
        boot: what the host said.
        parts: what the node had before.
        identity: this node's.
        credentials: of the service that it founds; a node that joins has none yet.
        secrets: the service's ledger secrets, as far as they are known.
    """
    configuration, outbox = boot.configuration, parts.outbox
    own_evidence = NodeEvidence(parts.platform, bytes.fromhex(boot.executable_digest))
    evidence = own_evidence.of_node(identity.key.public_key.der)
    outbox.put(_files(identity, credentials, evidence))
    channels = _channels(boot, parts, identity)
    replication = Replication(
        raft=_raft(configuration.consensus, parts, identity),
        tail=_tail(configuration, secrets, outbox),
        peers=channels,
        outbox=outbox,
    )
    return RunningNode(
        parts,
        configuration=configuration,
        time=clock_of(boot),
        identity=identity,
        credentials=credentials,
        evidence=own_evidence,
        quote_info=_quote_info(evidence),
        replication=replication,
        channels=channels,
        session_counts=SessionCounts(
            interfaces=interfaces_of(
                configuration,
                parts.clock.monotonic_ns,
                parts.app.protocols(),
                body_bytes_max=parts.app.body_bytes_max,
            )
        ),
        sealing=Sealing(
            parts.platform,
            bytes.fromhex(boot.executable_digest),
            is_on=configuration.seals_ledger_secrets,
            entropy=parts.entropy,
            outbox=outbox,
        ),
    )


def founding_node(  # noqa: PLR0913  # each has its name
    boot: Boot,
    parts: NodeParts,
    *,
    identity: NodeIdentity,
    subject: str,
    validity_days: int,
    secrets: LedgerSecrets,
    cose_claims: CoseClaims,
) -> RunningNode:
    """Make a node that begins a service: a new one, or one in a lost one's place.

    The service's key is new, on this node's curve, and endorses this node.

    Args:
        boot: of the node.
        parts: of the node.
        identity: of the node.
        subject: of the service's certificate.
        validity_days: of that certificate.
        secrets: the service's ledger secrets, as far as they are known.
        cose_claims: what the service's COSE signatures claim of themselves.

    Raises:
        ConfigurationRefused: the host speaks nonsense.
        Malformed: a certificate cannot be made as it is configured.
    """
    settings = boot.configuration.node_certificate
    now = clock_of(boot).now
    service = ServiceIdentity.generate(
        parts.entropy,
        curve=Curve(settings.curve_id),
        subject=subject,
        not_before=now,
        validity_days=validity_days,
    )
    endorsed = certs.endorse_request(
        identity.request,
        issuer_key=service.key,
        issuer_cert=service.certificate,
        not_before=now,
        validity_days=settings.initial_validity_days,
        entropy=parts.entropy,
    )
    return running_node(
        boot,
        parts,
        identity=identity,
        credentials=ServiceCredentials(
            service=service, endorsed=endorsed, cose_claims=cose_claims
        ),
        secrets=secrets,
    )


def _quote_info(evidence: Attestation) -> QuoteInfo:
    return QuoteInfo(
        format=QuoteFormat(evidence.format),
        quote=evidence.quote,
        endorsements=evidence.endorsements,
    )


def _files(
    identity: NodeIdentity,
    credentials: ServiceCredentials | None,
    evidence: Attestation,
) -> IdentityMade:
    is_virtual = evidence.format == virtual.FORMAT
    return IdentityMade(
        node_id=identity.node_id,
        node_certificate=identity.self_signed.pem.encode(),
        service_certificate=(
            credentials.service.certificate.pem.encode() if credentials else None
        ),
        attestation=evidence.quote if is_virtual else None,
        measurement=(
            virtual.VirtualEvidence.parse(evidence.quote).measurement_file()
            if is_virtual
            else None
        ),
    )


def _channels(boot: Boot, parts: NodeParts, identity: NodeIdentity) -> Channels:
    return Channels(
        key=identity.key,
        entropy=parts.entropy,
        send=lambda to, kind, payload: parts.outbox.put(
            SendToPeer(to=to, kind=int(kind), payload=payload)
        ),
        log=parts.outbox,
        now_ms=boot.monotonic_ms,
        settings=ChannelSettings(
            message_limit=boot.configuration.node_to_node_message_limit
        ),
    )


def _tail(
    configuration: NodeConfiguration, secrets: LedgerSecrets, outbox: Outbox
) -> LedgerTail:
    return LedgerTail(
        store=Store(),
        secrets=secrets,
        bounds=EntryLimits(
            chunk_bytes=configuration.ledger_chunk_bytes,
            entry_bytes_max=min(configuration.entry_bytes_max, limits.ENTRY_BYTES_MAX),
        ),
        outbox=outbox,
    )


def _raft(
    configured: ConsensusConfiguration,
    parts: NodeParts,
    identity: NodeIdentity,
) -> Raft:
    raft = Raft(
        identity.node_id,
        _consensus(configured),
        jitter=_jitter(parts.entropy),
        tracer=tracer_of(parts.outbox, lambda: raft.state, is_on=configured.trace),
    )
    return raft


def _consensus(configured: ConsensusConfiguration) -> Settings:
    return Settings(
        message_timeout_ms=configured.message_timeout_ms,
        election_timeout_ms=configured.election_timeout_ms,
        uncommitted_tx_max=configured.uncommitted_tx_max,
        is_pre_vote_enabled=configured.pre_vote,
    )


def _jitter(entropy: Entropy) -> Jitter:
    return lambda most: int.from_bytes(entropy.random_bytes(8)) % (most + 1)


def node_info(running: RunningNode) -> NodeInfo:
    """Return this node's record, as it asks to be entered."""
    configuration = running.configuration
    to_nodes = configuration.node_to_node
    identity = running.identity
    return NodeInfo(
        node_to_node_interface=NetInterface(
            bind_address=to_nodes.bind_address,
            published_address=to_nodes.published_address,
        ),
        rpc_interfaces={
            interface.name: NET_INTERFACE.read(json.loads(interface.declared))
            for interface in configuration.rpc_interfaces
        },
        will_locally_seal_ledger_secrets=running.sealing.is_on,
        quote_info=running.quote_info,
        encryption_pub_key=identity.encryption_key.public_key.pem,
        certificate_signing_request=identity.request,
        public_key=identity.key.public_key.pem,
        node_data=json_of(configuration.node_data),
    )


def first_node(running: RunningNode) -> FirstNode:
    """Return this node as the first of a service, new or recovered.

    Raises:
        Malformed: its evidence is none.
        VerificationFailed: its evidence is not to be believed.
        ConfigurationRefused: the configured security policy is not text.
    """
    identity, quote = running.identity, running.quote_info
    policy = running.configuration.attestation.security_policy
    is_guest = quote.format is QuoteFormat.AMD_SEV_SNP_V1
    return FirstNode(
        node_id=identity.node_id,
        certificate=running.credentials.endorsed.pem,
        info=node_info(running),
        evidence=quotes.read(quote, unix_time_s=running.time.unix_us // 1_000_000),
        security_policy=security_policy_of(policy) if is_guest and policy else "",
    )


def _published_hosts(interfaces: tuple[RpcInterface, ...]) -> tuple[str, ...]:
    """Return each interface's published host once, as certificates name hosts."""
    hosts = dict.fromkeys(
        unbracketed(i.published_address.rpartition(":")[0]) for i in interfaces
    )
    return tuple(f"{_kind_of(host)}:{host}" for host in hosts)


def _kind_of(host: str) -> str:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "dNSName"
    return "iPAddress"


def json_of(text: bytes | None) -> Json:
    """Read a JSON file's content, if there is one.

    Raises:
        Malformed: it is not JSON.
    """
    return None if text is None else json.loads(text)


def text_of(data: bytes, what: str) -> str:
    """Read a text file's content.

    Raises:
        ConfigurationRefused: it is not text.
    """
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise ConfigurationRefused(
            f"{what} is not UTF-8 text at byte {error.start}"
        ) from error
