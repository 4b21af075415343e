"""How a node begins a service: its identity, and the first transactions.

The create transaction is 2.1; the signature that makes it final, and with it the
node's certificate, is 2.2.
"""

from ccfpy.base.errors import ConfigurationRefused, Malformed, VerificationFailed
from ccfpy.base.ids import FIRST_VIEW, TxId
from ccfpy.base.vocabulary import RecoveryRole
from ccfpy.boundary.configuration import StartConfiguration
from ccfpy.boundary.events import Boot
from ccfpy.endpoints.context import CoseClaims
from ccfpy.ledger.secrets import LedgerSecret, LedgerSecrets
from ccfpy.node.boot import first_node, founding_node, identity_of, json_of, text_of
from ccfpy.node.parts import NodeParts
from ccfpy.node.running import RunningNode
from ccfpy.service import genesis
from ccfpy.service.members import NewMember
from ccfpy.service.refusal import Refused
from ccfpy.service.tables.service import ServiceConfiguration


def start(boot: Boot, parts: NodeParts) -> RunningNode:
    """Begin a new service with this node as its only one.

    Raises:
        ConfigurationRefused: there is nothing to start, or the host speaks nonsense.
        Malformed: a certificate cannot be made as it is configured.
    """
    section = boot.configuration.start
    if section is None:
        raise ConfigurationRefused("command.start is missing")
    running = founding_node(
        boot,
        parts,
        identity=identity_of(boot, parts),
        subject=section.service_subject_name,
        validity_days=section.initial_service_certificate_validity_days,
        secrets=LedgerSecrets([(1, LedgerSecret.generate(parts.entropy))]),
        cose_claims=CoseClaims(
            section.cose_signatures.issuer, section.cose_signatures.subject
        ),
    )
    running.sealing.keep(*running.tail.secrets.latest)
    parts.outbox.info(f"Created new node {running.identity.node_id}")
    return running


def create_service(running: RunningNode) -> None:
    """Order the create transaction and sign it.

    Raises:
        ConfigurationRefused: the configured service cannot be.
    """
    section = running.configuration.start
    assert section is not None, "the boot checked it"
    running.admit_members()
    claims_digest = running.parts.app.create_claims(_constitution_of(section))
    replication = running.replication
    replication.begin()
    tx = running.begin(read_only=False)
    try:
        genesis.create(
            tx,
            genesis.CreateInfo(
                service_certificate=running.service_identity.certificate.pem,
                create_txid=TxId(FIRST_VIEW, 1),
                node=first_node(running),
                service_data=json_of(running.configuration.service_data),
                genesis=_genesis(section),
            ),
        )
    except (Refused, Malformed, VerificationFailed) as error:
        raise ConfigurationRefused(str(error)) from error
    replication.commit(tx, claims_digest)
    running.outbox.info("Created service")
    running.become_part_of_network()
    running.sign()


def _constitution_of(section: StartConfiguration) -> str:
    """Return the source of the service's first constitution.

    Raises:
        ConfigurationRefused: it is not text.
    """
    return text_of(section.constitution, "the constitution")


def _genesis(section: StartConfiguration) -> genesis.GenesisInfo:
    given = section.service_configuration
    return genesis.GenesisInfo(
        members=tuple(
            NewMember(
                cert=text_of(member.certificate, "a member's certificate"),
                encryption_pub_key=(
                    text_of(member.encryption_public_key, "a member's encryption key")
                    if member.encryption_public_key is not None
                    else None
                ),
                member_data=json_of(member.data),
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
        constitution=_constitution_of(section),
    )
