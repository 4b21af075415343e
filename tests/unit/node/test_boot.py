"""The certificate that every node makes when it boots."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from ccfpy.boundary.effects import IdentityMade, Stop
from ccfpy.crypto.certs import Certificate
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
    configuration = make_node().boot.configuration
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
