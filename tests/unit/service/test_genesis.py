"""The create transaction writes what a service begins with, and nothing else."""

from dataclasses import replace
from typing import Any

import pytest

from ccfpy.attestation.virtual import VirtualEvidence
from ccfpy.base.ids import NodeId, TxId
from ccfpy.base.vocabulary import NodeStatus, ServiceStatus
from ccfpy.kv.store import Store
from ccfpy.kv.tx import Tx
from ccfpy.ledger.signature import NodeSignature
from ccfpy.service.evidence.quotes import VirtualQuote
from ccfpy.service.genesis import (
    CreateInfo,
    FirstNode,
    GenesisInfo,
    create,
)
from ccfpy.service.members import NewMember
from ccfpy.service.records import Refused
from ccfpy.service.tables import nodes, service
from ccfpy.service.tables.nodes import NetInterface, NodeInfo, QuoteFormat, QuoteInfo
from ccfpy.service.tables.service import SIGNATURES, ServiceConfiguration, ServiceInfo

EVIDENCE = VirtualEvidence(measurement="measured", host_data="00" * 32, report_data=b"")
NODE = FirstNode(
    node_id=NodeId("n1"),
    certificate="NODE CERT",
    info=NodeInfo(
        node_to_node_interface=NetInterface(bind_address="h:1"),
        quote_info=QuoteInfo(
            format=QuoteFormat.INSECURE_VIRTUAL, quote=b"{}", endorsements=b""
        ),
        encryption_pub_key="PEM",
    ),
    evidence=VirtualQuote(EVIDENCE),
)


@pytest.fixture
def info(people: tuple[Any, ...]) -> CreateInfo:
    new = NewMember(
        cert=people[0].certificate, encryption_pub_key=people[0].encryption_pub_key
    )
    return CreateInfo(
        service_certificate="CERT",
        create_txid=TxId(2, 1),
        node=NODE,
        service_data={"a": 1},
        genesis=GenesisInfo(
            members=(new,),
            configuration=ServiceConfiguration(recovery_threshold=1),
            constitution="export function validate() {}",
        ),
    )


@pytest.mark.slow
def test_a_fresh_service_writes_exactly_ccfs_maps(tx: Tx, info: CreateInfo) -> None:
    create(tx, info)
    assert sorted(tx.writes) == [
        "public:ccf.gov.constitution",
        "public:ccf.gov.members.acks",
        "public:ccf.gov.members.certs",
        "public:ccf.gov.members.encryption_public_keys",
        "public:ccf.gov.members.info",
        "public:ccf.gov.nodes.endorsed_certificates",
        "public:ccf.gov.nodes.info",
        "public:ccf.gov.nodes.virtual.host_data",
        "public:ccf.gov.nodes.virtual.measurements",
        "public:ccf.gov.service.config",
        "public:ccf.gov.service.info",
    ]
    assert service.INFO.of(tx).raw.get(bytes(8)) == (
        b'{"cert":"CERT","current_service_create_txid":"2.1","recovery_count":0,'
        b'"service_data":{"a":1},"status":"Opening"}'
    )
    first = nodes.INFO.of(tx).get(NODE.node_id)
    assert first is not None
    assert first.status is NodeStatus.TRUSTED
    assert first.code_digest == b"measured".hex()
    created = service.INFO.of(tx).get()
    assert created is not None
    assert created.cert == "CERT"


def test_a_recovered_service_keeps_its_predecessor_in_mind(
    store: Store, info: CreateInfo
) -> None:
    tx = store.begin()
    create(tx, info)
    signature = NodeSignature(
        node=NODE.node_id, txid=TxId(2, 2), root=b"\x01" * 32, signature=b""
    )
    SIGNATURES.of(tx).put(signature)
    store.commit(tx)
    tx = store.begin()
    second = replace(NODE, node_id=NodeId("n2"))
    recovered = CreateInfo(
        service_certificate="CERT 2", create_txid=TxId(4, 3), node=second
    )
    create(tx, recovered)
    now = service.INFO.of(tx).get()
    assert now is not None
    assert now.status is ServiceStatus.RECOVERING
    assert now.recovery_count == 1
    assert now.previous_service_identity_version == 1
    assert service.PREVIOUS_IDENTITY.of(tx).get() == "CERT"
    assert service.PREVIOUS_LAST_SIGNED_ROOT.of(tx).get() == "01" * 32
    statuses = {node_id: node.status for node_id, node in nodes.INFO.of(tx).items()}
    assert statuses == {"n1": NodeStatus.RETIRED, "n2": NodeStatus.TRUSTED}
    assert "public:ccf.gov.constitution" not in tx.writes


def test_a_service_that_signed_nothing_cannot_be_recovered(
    tx: Tx, info: CreateInfo
) -> None:
    create(tx, info)
    again = replace(info, genesis=None)
    with pytest.raises(Refused, match="any signed transactions"):
        create(tx, again)


def test_a_service_of_unknown_origin_cannot_be_recovered(
    tx: Tx, info: CreateInfo
) -> None:
    service.INFO.of(tx).put(ServiceInfo(cert="OLD"))
    with pytest.raises(Refused, match="current_service_create_txid recorded"):
        create(tx, replace(info, genesis=None))


def test_a_platform_without_host_data_lets_none_in(tx: Tx, info: CreateInfo) -> None:
    none = VirtualQuote(replace(EVIDENCE, host_data=None))
    create(tx, replace(info, node=replace(NODE, evidence=none)))
    assert "public:ccf.gov.nodes.virtual.host_data" not in tx.writes


def test_a_configuration_is_never_replaced(tx: Tx, info: CreateInfo) -> None:
    service.CONFIGURATION.of(tx).put(ServiceConfiguration(recovery_threshold=2))
    with pytest.raises(Refused, match="configuration already exists"):
        create(tx, info)
