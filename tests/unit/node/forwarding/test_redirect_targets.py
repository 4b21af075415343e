"""The node that a redirect names."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from ccfpy.base.ids import NodeId
from ccfpy.base.vocabulary import NodeStatus
from ccfpy.kv.tx import Tx
from ccfpy.node.forwarder import RedirectResolver
from ccfpy.service.tables import nodes
from ccfpy.service.tables.nodes import NetInterface
from ccfpy.testing.node import InProcessNode

FIRST, SECOND, THIRD, PENDING = (NodeId(c * 64) for c in "1234")


@pytest.fixture
def tx(node: InProcessNode) -> Tx:
    """A transaction that sees three trusted nodes, and one that is not."""
    running = node.trusted.running
    assert running is not None
    tx = running.begin(read_only=False)
    infos = nodes.INFO.of(tx)
    (info,) = (found for _, found in infos.items())
    infos.remove(running.node_id)
    for node_id, names in (
        (FIRST, {"main": "first:1"}),
        (SECOND, {"main": "second:1", "side": "second:2"}),
        (THIRD, {"main": "third:1", "side": "third:2"}),
        (PENDING, {"main": "pending:1"}),
    ):
        is_trusted = node_id != PENDING
        infos.put(
            node_id,
            replace(
                info,
                rpc_interfaces=_interfaces(names),
                status=NodeStatus.TRUSTED if is_trusted else NodeStatus.PENDING,
            ),
        )
    return tx


def _interfaces(addresses: Mapping[str, str]) -> dict[str, NetInterface]:
    return {
        name: NetInterface(bind_address="0.0.0.0:0", published_address=address)
        for name, address in addresses.items()
    }


@pytest.mark.parametrize(
    ("interface", "primary", "address"),
    [
        ("main", FIRST, "first:1"),
        ("main", SECOND, "second:1"),
        ("side", SECOND, "second:2"),
        ("side", FIRST, None),
        ("main", PENDING, None),
        ("main", None, None),
    ],
)
def test_the_primary_is_named_if_it_is_known_and_has_the_interface(
    tx: Tx, interface: str, primary: NodeId | None, address: str | None
) -> None:
    found = RedirectResolver().address_of(
        tx, role="primary", interface=interface, primary=primary
    )
    assert found == address


@pytest.mark.parametrize(
    ("interface", "backups"),
    [
        ("main", {"second:1", "third:1"}),
        ("side", {"second:2", "third:2"}),
        ("none", {None}),
    ],
)
def test_backups_that_have_the_interface_take_turns(
    tx: Tx, interface: str, backups: set[str | None]
) -> None:
    redirection = RedirectResolver()
    named = [
        redirection.address_of(tx, role="backup", interface=interface, primary=FIRST)
        for _ in range(4)
    ]
    assert set(named) == backups
    assert named[:2] == named[2:]
