"""Which nodes the service trusts, and what code it lets join.

Nodes are trusted and retired by constitutions, in JavaScript; here is what the node
itself writes when a service is created or a node joins.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import assert_never

from ccfpy.base.ids import NodeId
from ccfpy.kv.tx import Tx
from ccfpy.service.refusal import Refused
from ccfpy.service.tables import join_policy, nodes
from ccfpy.service.tables.join_policy import CodeStatus
from ccfpy.service.tables.nodes import NodeInfo, NodeStatus, QuoteFormat


def retire_active_nodes(tx: Tx) -> None:
    """Retire every node, when a recovered service begins with nodes of its own."""
    infos = nodes.INFO.of(tx)
    for node_id, info in list(infos.items()):
        if info.status is not NodeStatus.RETIRED:
            infos.put(node_id, replace(info, status=NodeStatus.RETIRED))


def trusted_nodes(tx: Tx) -> Mapping[NodeId, NodeInfo]:
    """Give the nodes that hold the service's secrets.

    A retired node still counts until its retirement is final everywhere.
    """
    infos = nodes.INFO.of(tx)
    trusted: dict[NodeId, NodeInfo] = {}
    for node_id, info in infos.items():
        if info.status is NodeStatus.TRUSTED:
            trusted[node_id] = info
        elif info.status is NodeStatus.RETIRED:
            final = infos.get_globally_committed(node_id)
            if final is not None and not final.retired_committed:
                trusted[node_id] = info
    return trusted


def record_retirements(tx: Tx) -> bool:
    """Record of each node whose retirement is committed that it is final.

    From then on every primary knows that the node is not needed; tell whether there
    was any.
    """
    infos = nodes.INFO.of(tx)
    found = False
    for node_id, info in sorted(infos.items()):
        final = infos.get_globally_committed(node_id)
        is_retired = final is not None and final.status is NodeStatus.RETIRED
        if is_retired and not info.retired_committed:
            infos.put(node_id, replace(info, retired_committed=True))
            found = True
    return found


def trust_measurement(tx: Tx, platform: QuoteFormat, measurement: bytes) -> None:
    """Let code with this measurement join.

    Raises:
        Refused: the measurement of a virtual node is not text.
    """
    allowed = CodeStatus.ALLOWED_TO_JOIN
    match platform:
        case QuoteFormat.INSECURE_VIRTUAL:
            try:
                text = measurement.decode()
            except UnicodeDecodeError as error:
                raise Refused("a virtual measurement must be text") from error
            join_policy.VIRTUAL_MEASUREMENTS.of(tx).put(text, allowed)
        case QuoteFormat.OE_SGX_V1:
            join_policy.SGX_MEASUREMENTS.of(tx).put(measurement.hex(), allowed)
        case QuoteFormat.AMD_SEV_SNP_V1:
            join_policy.SNP_MEASUREMENTS.of(tx).put(measurement.hex(), allowed)
        case _:
            assert_never(platform)


def trust_host_data(
    tx: Tx, platform: QuoteFormat, host_data: bytes, security_policy: str = ""
) -> None:
    """Let nodes whose host vouched for this digest join.

    Args:
        tx: where to write.
        platform: SGX quotes have no host data.
        host_data: the digest.
        security_policy: on SNP, the text whose digest it is, if known.
    """
    match platform:
        case QuoteFormat.INSECURE_VIRTUAL:
            join_policy.VIRTUAL_HOST_DATA.of(tx).insert(host_data.hex())
        case QuoteFormat.AMD_SEV_SNP_V1:
            policies = join_policy.SNP_HOST_DATA.of(tx)
            policies.put(host_data.hex(), security_policy)
        case QuoteFormat.OE_SGX_V1:
            pass
        case _:
            assert_never(platform)
