"""Nodes are retired together, trusted until that is final, and let in by platform."""

from collections.abc import Callable

import pytest

from ccfpy.base.ids import NodeId
from ccfpy.kv.store import Store
from ccfpy.kv.tx import Tx
from ccfpy.service.nodes import (
    retire_active_nodes,
    trust_host_data,
    trust_measurement,
    trusted_nodes,
)
from ccfpy.service.refusal import Refused
from ccfpy.service.tables import join_policy, nodes
from ccfpy.service.tables.nodes import (
    NetInterface,
    NodeInfo,
    NodeStatus,
    QuoteFormat,
    QuoteInfo,
)

Write = Callable[[Callable[[Tx], None]], None]
A, B, C = (NodeId(name) for name in "abc")


def node(status: NodeStatus, *, retired_committed: bool = False) -> NodeInfo:
    return NodeInfo(
        node_to_node_interface=NetInterface(bind_address="h:1"),
        quote_info=QuoteInfo(
            format=QuoteFormat.INSECURE_VIRTUAL, quote=b"{}", endorsements=b""
        ),
        encryption_pub_key="PEM",
        status=status,
        retired_committed=retired_committed,
    )


def test_a_recovered_service_retires_every_node(tx: Tx) -> None:
    infos = nodes.INFO.of(tx)
    for node_id, status in ((A, NodeStatus.TRUSTED), (B, NodeStatus.PENDING)):
        infos.put(node_id, node(status))
    infos.put(C, node(NodeStatus.RETIRED, retired_committed=True))
    retire_active_nodes(tx)
    assert {info.status for _, info in infos.items()} == {NodeStatus.RETIRED}
    kept = infos.get(C)
    assert kept is not None
    assert kept.retired_committed


def test_a_retired_node_is_trusted_until_its_retirement_is_final(
    store: Store, write: Write
) -> None:
    def begin(tx: Tx) -> None:
        infos = nodes.INFO.of(tx)
        infos.put(A, node(NodeStatus.TRUSTED))
        infos.put(B, node(NodeStatus.PENDING))
        infos.put(C, node(NodeStatus.TRUSTED))

    def retire(tx: Tx) -> None:
        nodes.INFO.of(tx).put(C, node(NodeStatus.RETIRED))

    def finish(tx: Tx) -> None:
        retired = node(NodeStatus.RETIRED, retired_committed=True)
        nodes.INFO.of(tx).put(C, retired)

    write(begin)
    store.compact(store.version)
    write(retire)
    assert set(trusted_nodes(store.begin())) == {A, C}
    write(finish)
    assert set(trusted_nodes(store.begin())) == {A, C}
    store.compact(store.version)
    assert set(trusted_nodes(store.begin())) == {A}


def test_measurements_are_trusted_on_their_platform(tx: Tx) -> None:
    trust_measurement(tx, QuoteFormat.INSECURE_VIRTUAL, b"some text")
    trust_measurement(tx, QuoteFormat.OE_SGX_V1, b"\x01")
    trust_measurement(tx, QuoteFormat.AMD_SEV_SNP_V1, b"\x02")
    assert list(join_policy.VIRTUAL_MEASUREMENTS.of(tx).keys()) == ["some text"]
    assert list(join_policy.SGX_MEASUREMENTS.of(tx).keys()) == ["01"]
    raw = join_policy.SNP_MEASUREMENTS.of(tx).raw
    assert raw.get(b"02") == b'"AllowedToJoin"'
    with pytest.raises(Refused):
        trust_measurement(tx, QuoteFormat.INSECURE_VIRTUAL, b"\xff")


def test_host_data_is_trusted_where_the_platform_has_it(tx: Tx) -> None:
    trust_host_data(tx, QuoteFormat.INSECURE_VIRTUAL, b"\x0a")
    trust_host_data(tx, QuoteFormat.AMD_SEV_SNP_V1, b"\x0b", "policy")
    trust_host_data(tx, QuoteFormat.OE_SGX_V1, b"\x0c")
    assert list(join_policy.VIRTUAL_HOST_DATA.of(tx).keys()) == ["0a"]
    assert dict(join_policy.SNP_HOST_DATA.of(tx).items()) == {"0b": "policy"}
