"""The transaction that creates a service, fresh or recovered.

A fresh service writes its members, configuration and constitution. A recovered service
keeps these and records its predecessor. Both start with one trusted node
(``src/node/rpc/node_frontend.h``, ``create``).
"""

from dataclasses import dataclass, replace

from ccfpy.base.ids import NodeId, TxId
from ccfpy.base.json import Json
from ccfpy.base.vocabulary import NodeStatus, ServiceStatus
from ccfpy.kv.tx import Tx
from ccfpy.service import members as membership
from ccfpy.service import nodes as trust
from ccfpy.service.evidence.kind import Evidence
from ccfpy.service.members import NewMember
from ccfpy.service.records import Refused
from ccfpy.service.tables import nodes, service
from ccfpy.service.tables.nodes import NodeInfo
from ccfpy.service.tables.service import (
    CONSTITUTION,
    SIGNATURES,
    ServiceConfiguration,
    ServiceInfo,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GenesisInfo:
    """What only a fresh service needs.

    Attributes:
        constitution: the source of the one module.
    """

    members: tuple[NewMember, ...]
    configuration: ServiceConfiguration
    constitution: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstNode:
    """The node that creates the service.

    Attributes:
        certificate: endorsed by the service, as PEM.
        info: its record; the status and code digest are set here.
        evidence: the node's evidence; nodes with evidence like it may join.
        security_policy: the text behind its host data, on SNP, if it is known.
    """

    node_id: NodeId
    certificate: str
    info: NodeInfo
    evidence: Evidence
    security_policy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateInfo:
    """Everything that the create transaction contains.

    Attributes:
        service_certificate: PEM.
        create_txid: the id that this transaction will have.
        genesis: ``None`` when a service is recovered.
    """

    service_certificate: str
    create_txid: TxId
    node: FirstNode
    service_data: Json = None
    genesis: GenesisInfo | None = None


def create(tx: Tx, info: CreateInfo) -> None:
    """Write everything that a service starts with.

    Raises:
        Refused: the tables hold no service that could be recovered, or one already
            has a configuration, or a member's recovery role does not fit.
    """
    _create_service(tx, info)
    trust.retire_active_nodes(tx)
    genesis = info.genesis
    if genesis is not None:
        # No recovery member is needed yet: opening the service asks for them.
        for member in genesis.members:
            membership.add_member(tx, member)
        configuration = service.CONFIGURATION.of(tx)
        if configuration.has():
            raise Refused(
                "Cannot initialise service configuration: configuration already exists"
            )
        configuration.put(genesis.configuration)
        CONSTITUTION.of(tx).put(genesis.constitution)
    _add_first_node(tx, info.node)


def _create_service(tx: Tx, info: CreateInfo) -> None:
    services = service.INFO.of(tx)
    previous = services.get()
    created_at = None
    recovery_count = 0
    if previous is not None:
        if previous.current_service_create_txid is None:
            raise Refused(
                "Starting TX for the previous service doesn't have "
                "current_service_create_txid recorded"
            )
        created_at = previous.current_service_create_txid.seqno
        signature = SIGNATURES.of(tx).get()
        if signature is None:
            raise Refused("Previous service doesn't have any signed transactions")
        service.PREVIOUS_IDENTITY.of(tx).put(previous.cert)
        service.PREVIOUS_LAST_SIGNED_ROOT.of(tx).put(signature.root.hex())
        recovery_count = (previous.recovery_count or 0) + 1
    fresh = info.genesis is not None
    services.put(
        ServiceInfo(
            cert=info.service_certificate,
            status=ServiceStatus.OPENING if fresh else ServiceStatus.RECOVERING,
            previous_service_identity_version=created_at,
            recovery_count=recovery_count,
            service_data=info.service_data,
            current_service_create_txid=info.create_txid,
        )
    )


def _add_first_node(tx: Tx, node: FirstNode) -> None:
    nodes.ENDORSED_CERTIFICATES.of(tx).put(node.node_id, node.certificate)
    recorded = replace(
        node.info,
        status=NodeStatus.TRUSTED,
        code_digest=node.evidence.measurement.hex(),
    )
    nodes.INFO.of(tx).put(node.node_id, recorded)
    node.evidence.trust(tx, security_policy=node.security_policy)
