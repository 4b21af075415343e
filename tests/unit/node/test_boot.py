"""What every node does when it boots: its certificate, its interfaces' rules."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from ccfpy.boundary.configuration import (
    NodeConfiguration,
    Redirections,
    RedirectKind,
    RedirectTarget,
)
from ccfpy.boundary.effects import IdentityMade, Stop
from ccfpy.crypto.certs import Certificate
from ccfpy.node import boot
from ccfpy.testing.node import InProcessNode, listener


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"subject_name": "nobody"}, "not a subject name: 'nobody'"),
        ({"subject_alt_names": ("here",)}, "not a subject alternative name: 'here'"),
        ({"initial_validity_days": 10**9}, "no certificate holds 1000000000 days"),
    ],
)
def test_a_certificate_that_cannot_be_made_is_refused_in_one_sentence(
    new_node: InProcessNode, change: dict[str, object], reason: str
) -> None:
    wanted = replace(new_node.boot.configuration.node_certificate, **change)  # type: ignore[arg-type]  # named fields
    configuration = replace(new_node.boot.configuration, node_certificate=wanted)
    effects = new_node.twin().step(
        [replace(new_node.boot, configuration=configuration)]
    )
    assert isinstance(effects[-1], Stop)
    assert effects[-1].reason.startswith(reason)


def test_what_the_host_says_of_itself_must_make_sense(new_node: InProcessNode) -> None:
    for lie in ({"unix_us": 2**62}, {"executable_digest": "zz"}):
        effects = new_node.twin().step([replace(new_node.boot, **lie)])
        assert isinstance(effects[-1], Stop)
        assert effects[-1].exit_code != 0


def test_certificates_name_each_published_host_once(
    make_node: Callable[[], InProcessNode],
) -> None:
    configuration: NodeConfiguration = make_node().boot.configuration
    certificate = Certificate.from_pem(make_node().host.identity.node_certificate)  # type: ignore[union-attr]  # booted
    assert certificate.sans == ("iPAddress:127.0.0.1",)
    assert len(configuration.rpc_interfaces) == 1


def test_certificates_name_an_ipv6_address_without_its_brackets(
    new_node: InProcessNode,
) -> None:
    configuration = replace(
        new_node.boot.configuration,
        rpc_interfaces=(replace(listener(), published_address="[::1]:8000"),),
    )
    effects = new_node.twin().step(
        [replace(new_node.boot, configuration=configuration)]
    )
    made = next(e for e in effects if isinstance(e, IdentityMade))
    certificate = Certificate.from_pem(made.node_certificate)
    assert certificate.sans == ("iPAddress:::1",)


def test_interfaces_get_their_rules(new_node: InProcessNode) -> None:
    elsewhere = RedirectTarget(kind=RedirectKind.STATIC_ADDRESS, address="host:1")
    redirecting = replace(
        listener(accepted_endpoints=("/node/.*",)),
        redirections=Redirections(to_primary=elsewhere),
    )
    configuration = replace(new_node.boot.configuration, rpc_interfaces=(redirecting,))
    (interface,) = boot.interfaces_of(configuration).values()
    rules = interface.rules
    assert rules.accepts("/node/state")
    assert not rules.accepts("/app/state")
    assert rules.redirect_to_primary is not None
    assert rules.redirect_to_primary.kind is RedirectKind.STATIC_ADDRESS
    assert rules.redirect_to_primary.address == "host:1"
    assert rules.redirect_to_backup is not None
    assert rules.redirect_to_backup.kind is RedirectKind.NODE_BY_ROLE
    assert rules.redirect_to_backup.role is None


def test_an_interface_may_wait_longer_for_what_it_forwards(
    new_node: InProcessNode,
) -> None:
    patient = replace(listener(), forwarding_timeout_ms=9000)
    configuration = replace(new_node.boot.configuration, rpc_interfaces=(patient,))
    (interface,) = boot.interfaces_of(configuration).values()
    assert interface.rules.forwarding_timeout_ms == 9000


@pytest.mark.parametrize("role", [None, "backup"])
def test_a_redirect_by_role_is_taken_as_configured(
    new_node: InProcessNode, role: str | None
) -> None:
    by_role = RedirectTarget(kind=RedirectKind.NODE_BY_ROLE, role=role, interface="two")
    redirecting = replace(listener(), redirections=Redirections(to_primary=by_role))
    configuration = replace(new_node.boot.configuration, rpc_interfaces=(redirecting,))
    (interface,) = boot.interfaces_of(configuration).values()
    target = interface.rules.redirect_to_primary
    assert target is not None
    assert target.kind is RedirectKind.NODE_BY_ROLE
    assert target.role == role
    assert target.interface == "two"


def test_an_accepted_endpoint_must_be_a_regular_expression(
    new_node: InProcessNode,
) -> None:
    broken = listener(accepted_endpoints=("(",))
    configuration = replace(new_node.boot.configuration, rpc_interfaces=(broken,))
    effects = new_node.twin().step(
        [replace(new_node.boot, configuration=configuration)]
    )
    assert isinstance(effects[-1], Stop)
    assert "accepted_endpoints of primary_rpc_interface" in effects[-1].reason


def test_a_protocol_that_nobody_serves_is_refused_at_the_start(
    new_node: InProcessNode,
) -> None:
    custom = replace(listener(), app_protocol="MYPROTOCOL")
    configuration = replace(new_node.boot.configuration, rpc_interfaces=(custom,))
    effects = new_node.twin().step(
        [replace(new_node.boot, configuration=configuration)]
    )
    assert isinstance(effects[-1], Stop)
    assert effects[-1].reason.endswith(
        "app_protocol of primary_rpc_interface: nobody serves 'MYPROTOCOL'; "
        "this node serves HTTP1 and HTTP2"
    )


@pytest.mark.parametrize(
    ("protocol", "app_protocol"), [("tcp", "HTTP1"), ("tcp", "HTTP2"), ("udp", "QUIC")]
)
def test_protocols_that_are_served_or_echoed_are_taken(
    new_node: InProcessNode, protocol: str, app_protocol: str
) -> None:
    served = replace(listener(), protocol=protocol, app_protocol=app_protocol)
    configuration = replace(new_node.boot.configuration, rpc_interfaces=(served,))
    assert set(boot.interfaces_of(configuration)) == {served.name}


@pytest.mark.parametrize("host", ["example.com", "localhost"])
def test_a_host_that_is_no_address_is_a_name(
    new_node: InProcessNode, host: str
) -> None:
    named = replace(listener(), published_address=f"{host}:443")
    configuration = replace(new_node.boot.configuration, rpc_interfaces=(named,))
    effects = new_node.twin().step(
        [replace(new_node.boot, configuration=configuration)]
    )
    made = next(e for e in effects if hasattr(e, "node_certificate"))
    certificate = Certificate.from_pem(made.node_certificate)
    assert certificate.sans == (f"dNSName:{host}",)
