"""How a node begins a service: its identity, the service's, and the first transactions.

The create transaction is 2.1; the signature that makes it final, and with it the
node's certificate, is 2.2.
"""

import ipaddress
import re
from dataclasses import dataclass

from ccfpy.attestation.virtual import MEASUREMENT, VirtualEvidence
from ccfpy.base import json, limits
from ccfpy.base.errors import ConfigurationRefused, Malformed
from ccfpy.base.ids import FIRST_VIEW, TxId, is_hex_id
from ccfpy.base.json import Json
from ccfpy.base.ports import Clock, Entropy
from ccfpy.boundary.configuration import (
    Authority,
    NodeConfiguration,
    RedirectionKind,
    RpcInterface,
    StartConfiguration,
)
from ccfpy.boundary.configuration import Redirection as ConfiguredRedirection
from ccfpy.boundary.effects import IdentityMade
from ccfpy.boundary.events import Boot
from ccfpy.consensus.solo import SoloConsensus
from ccfpy.crypto import certs
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import Curve
from ccfpy.endpoints.session import Interface, Redirect, RedirectTarget
from ccfpy.http.refusals import ParserLimits
from ccfpy.kv.store import Store
from ccfpy.ledger.secrets import LedgerSecret, LedgerSecrets
from ccfpy.node.certificates import PresentedCertificates
from ccfpy.node.identity import NodeIdentity, ServiceIdentity
from ccfpy.node.lifecycle import NodeState, advance
from ccfpy.node.outbox import Outbox
from ccfpy.node.replica import HostClock, Replica
from ccfpy.node.sequence import Sequence, SequenceLimits
from ccfpy.node.sessions import InterfaceSessions
from ccfpy.node.signing import SignatureTimer
from ccfpy.service import genesis
from ccfpy.service.members import NewMember
from ccfpy.service.refusal import Refused
from ccfpy.service.tables.members import RecoveryRole
from ccfpy.service.tables.nodes import (
    NET_INTERFACE,
    NetInterface,
    NodeInfo,
    QuoteFormat,
    QuoteInfo,
)
from ccfpy.service.tables.service import ServiceConfiguration


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Randomness, and elapsed time for deadlines inside a step."""

    entropy: Entropy
    clock: Clock


def start(boot: Boot, ports: Ports, outbox: Outbox) -> Replica:
    """Begin a new service with this node as its only one.

    Raises:
        ConfigurationRefused: there is nothing to start, or the host speaks nonsense.
        Malformed: a certificate cannot be made as it is configured.
    """
    configuration = boot.configuration
    section = configuration.start
    if section is None:
        raise ConfigurationRefused("command.start is missing")
    if not is_hex_id(boot.executable_digest):
        raise ConfigurationRefused("the digest of the executable is no digest")
    time = HostClock(monotonic_ms=boot.monotonic_ms, unix_us=boot.unix_us)
    identity = _node_identity(configuration, time, ports.entropy)
    service_identity = ServiceIdentity.generate(
        ports.entropy,
        curve=Curve(configuration.node_certificate.curve_id),
        subject=section.service_subject_name,
        not_before=time.now,
        validity_days=section.initial_service_certificate_validity_days,
    )
    evidence = VirtualEvidence.of(
        public_key_der=identity.key.public_key.der,
        executable_digest=boot.executable_digest,
    )
    outbox.put(
        IdentityMade(
            node_id=identity.node_id,
            node_certificate=identity.self_signed.pem.encode(),
            service_certificate=service_identity.certificate.pem.encode(),
            attestation=evidence.quote(),
            measurement=evidence.measurement_file(),
        )
    )
    secrets = LedgerSecrets([(1, LedgerSecret.generate(ports.entropy))])
    replica = Replica(
        configuration=configuration,
        entropy=ports.entropy,
        js_clock=ports.clock,
        time=time,
        outbox=outbox,
        identity=identity,
        service_identity=service_identity,
        quote=evidence.quote(),
        certificates=PresentedCertificates(identity),
        sequence=Sequence(
            store=Store(),
            consensus=SoloConsensus(view=FIRST_VIEW),
            secrets=secrets,
            bounds=SequenceLimits(
                chunk_bytes=configuration.ledger_chunk_bytes,
                uncommitted_max=configuration.consensus.uncommitted_tx_max,
                entry_bytes_max=min(
                    configuration.entry_bytes_max, limits.ENTRY_BYTES_MAX
                ),
            ),
            outbox=outbox,
        ),
        timer=SignatureTimer(
            tx_count=configuration.ledger_signatures.tx_count,
            delay_ms=configuration.ledger_signatures.delay_ms,
            now_ms=boot.monotonic_ms,
        ),
    )
    identity.endorsed = _endorse(identity, service_identity, configuration, time, ports)
    outbox.info(f"Created new node {identity.node_id}")
    return replica


def create_service(replica: Replica, boot: Boot, claims_digest: bytes | None) -> None:
    """Order the create transaction and sign it.

    Raises:
        ConfigurationRefused: the configured service cannot be.
    """
    section = replica.configuration.start
    assert section is not None
    sequence = replica.sequence
    tx = sequence.begin(read_only=False)
    try:
        genesis.create(
            tx,
            genesis.CreateInfo(
                service_certificate=replica.service_identity.certificate.pem,
                create_txid=TxId(FIRST_VIEW, 1),
                node=_first_node(replica, boot),
                service_data=_json(replica.configuration.service_data),
                genesis=_genesis(section),
            ),
        )
    except (Refused, Malformed) as error:
        raise ConfigurationRefused(str(error)) from error
    sequence.commit(tx, claims_digest)
    replica.outbox.info("Created service")
    replica.state = advance(replica.state, NodeState.PART_OF_NETWORK)
    replica.sign()


def _genesis(section: StartConfiguration) -> genesis.GenesisInfo:
    given = section.service_configuration
    return genesis.GenesisInfo(
        members=tuple(
            NewMember(
                cert=_text(member.certificate, "a member's certificate"),
                encryption_pub_key=(
                    _text(member.encryption_public_key, "a member's encryption key")
                    if member.encryption_public_key is not None
                    else None
                ),
                member_data=_json(member.data),
                recovery_role=(
                    RecoveryRole(member.recovery_role) if member.recovery_role else None
                ),
            )
            for member in section.members
        ),
        configuration=ServiceConfiguration(
            recovery_threshold=given.recovery_threshold,
            maximum_node_certificate_validity_days=(
                given.maximum_node_certificate_validity_days
            ),
            maximum_service_certificate_validity_days=(
                given.maximum_service_certificate_validity_days
            ),
            recent_cose_proposals_window_size=given.recent_cose_proposals_window_size,
        ),
        constitution=constitution_of(section),
    )


def _first_node(replica: Replica, boot: Boot) -> genesis.FirstNode:
    identity = replica.identity
    assert identity.endorsed is not None
    return genesis.FirstNode(
        node_id=identity.node_id,
        certificate=identity.endorsed.pem,
        info=node_info(replica),
        measurement=MEASUREMENT.encode(),
        host_data=bytes.fromhex(boot.executable_digest),
    )


def node_info(replica: Replica) -> NodeInfo:
    """Give this node's record as it asks to be entered."""
    configuration = replica.configuration
    to_nodes = configuration.node_to_node
    identity = replica.identity
    return NodeInfo(
        node_to_node_interface=NetInterface(
            bind_address=to_nodes.bind_address,
            published_address=to_nodes.published_address,
        ),
        rpc_interfaces={
            interface.name: NET_INTERFACE.read(json.loads(interface.declared))
            for interface in configuration.rpc_interfaces
        },
        quote_info=QuoteInfo(
            format=QuoteFormat.INSECURE_VIRTUAL, quote=replica.quote, endorsements=b""
        ),
        encryption_pub_key=identity.encryption_key.public_key.pem,
        certificate_signing_request=identity.request,
        public_key=identity.key.public_key.pem,
        node_data=_json(configuration.node_data),
    )


def _node_identity(
    configuration: NodeConfiguration, time: HostClock, entropy: Entropy
) -> NodeIdentity:
    wanted = configuration.node_certificate
    return NodeIdentity.generate(
        entropy,
        curve=Curve(wanted.curve_id),
        subject=wanted.subject_name,
        sans=wanted.subject_alt_names or _published_hosts(configuration.rpc_interfaces),
        not_before=time.now,
        validity_days=wanted.initial_validity_days,
    )


def _published_hosts(interfaces: tuple[RpcInterface, ...]) -> tuple[str, ...]:
    """Name each interface's published host once, as certificates name hosts."""
    hosts = dict.fromkeys(i.published_address.rpartition(":")[0] for i in interfaces)
    return tuple(f"{_kind_of(host)}:{host}" for host in hosts)


def _kind_of(host: str) -> str:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "dNSName"
    return "iPAddress"


def _endorse(
    identity: NodeIdentity,
    service_identity: ServiceIdentity,
    configuration: NodeConfiguration,
    time: HostClock,
    ports: Ports,
) -> Certificate:
    return certs.endorse_request(
        identity.request,
        issuer_key=service_identity.key,
        issuer_cert=service_identity.certificate,
        not_before=time.now,
        validity_days=configuration.node_certificate.initial_validity_days,
        entropy=ports.entropy,
    )


def interfaces_of(configuration: NodeConfiguration) -> dict[str, InterfaceSessions]:
    """Give each interface its rules.

    Raises:
        ConfigurationRefused: an accepted endpoint is not a regular expression.
    """
    return {
        interface.name: InterfaceSessions(
            configuration=interface,
            rules=_rules(interface),
            limits=ParserLimits(
                body_bytes_max=interface.http.body_bytes_max,
                header_bytes_max=interface.http.header_bytes_max,
                headers_max=interface.http.headers_count_max,
            ),
        )
        for interface in configuration.rpc_interfaces
    }


def _rules(interface: RpcInterface) -> Interface:
    accepted = interface.accepted_endpoints
    redirections = interface.redirections
    try:
        patterns = None if accepted is None else tuple(map(re.compile, accepted))
    except re.error as error:
        raise ConfigurationRefused(
            f"accepted_endpoints of {interface.name}: {error}"
        ) from error
    return Interface(
        name=interface.name,
        unsecured=interface.authority is Authority.UNSECURED,
        accepted_endpoints=patterns,
        redirect_to_primary=(
            _redirect(redirections.to_primary, "primary") if redirections else None
        ),
        redirect_to_backup=(
            _redirect(redirections.to_backup, "backup") if redirections else None
        ),
    )


def _redirect(configured: ConfiguredRedirection | None, role: str) -> Redirect:
    """Resolve one kind; an interface that redirects at all has a default for both."""
    if configured is None:
        return Redirect(role=role)
    if configured.kind is RedirectionKind.STATIC_ADDRESS:
        return Redirect(kind=RedirectTarget.STATIC_ADDRESS, address=configured.address)
    return Redirect(role=configured.role or role)


def _json(text: bytes | None) -> Json:
    return None if text is None else json.loads(text)


def constitution_of(section: StartConfiguration) -> str:
    """Give the source of the service's first constitution.

    Raises:
        ConfigurationRefused: it is not text.
    """
    return _text(section.constitution, "the constitution")


def _text(data: bytes, what: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise ConfigurationRefused(
            f"{what} is not UTF-8 text at byte {error.start}"
        ) from error
