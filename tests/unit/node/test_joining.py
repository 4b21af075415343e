"""How a node that joins behaves, from its boot until it is part of the service."""

from dataclasses import replace

from ccfpy.base.ids import SessionId
from ccfpy.boundary.configuration import (
    Authority,
    CommandType,
    JoinConfiguration,
    NodeConfiguration,
)
from ccfpy.boundary.effects import CloseSession, IdentityMade, Stop
from ccfpy.boundary.events import SessionOpened
from ccfpy.testing.node import InProcessNode, listener


def joining(node: InProcessNode) -> NodeConfiguration:
    """Give the configuration of a node that joins the service of ``node``."""
    return replace(
        node.boot.configuration,
        command=CommandType.JOIN,
        start=None,
        join=JoinConfiguration(
            target_rpc_address="127.0.0.1:8000",
            service_certificate=node.service_certificate.encode(),
        ),
    )


def test_a_missing_section_is_named(node: InProcessNode) -> None:
    configuration = replace(joining(node), join=None)
    effects = node.twin().step([replace(node.boot, configuration=configuration)])
    assert isinstance(effects[-1], Stop)
    assert effects[-1].reason == "command.join is missing"


def test_a_joiner_leaves_its_own_certificate_and_no_service_of_its_own(
    node: InProcessNode,
) -> None:
    effects = node.twin().step([replace(node.boot, configuration=joining(node))])
    made = next(effect for effect in effects if isinstance(effect, IdentityMade))
    assert made.service_certificate is None
    assert made.node_certificate


def test_an_interface_of_the_service_has_no_certificate_before_the_join(
    node: InProcessNode,
) -> None:
    configuration = replace(
        joining(node),
        rpc_interfaces=(
            listener("by_service"),
            listener("by_node", port=8001, authority=Authority.NODE),
        ),
    )
    joiner = node.twin()
    joiner.step([replace(node.boot, configuration=configuration)])
    by_service, by_node = SessionId(1), SessionId(2)
    effects = joiner.step(
        [
            SessionOpened(session=by_service, interface="by_service", peer="a:1"),
            SessionOpened(session=by_node, interface="by_node", peer="a:2"),
        ]
    )
    assert effects == [CloseSession(session=by_service)]
