"""How a service begins: what its configuration must hold, and what the ledger gets."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from ccfpy.base import json
from ccfpy.boundary.configuration import (
    NewMember,
    NodeConfiguration,
    RecoveryRole,
    Redirection,
    RedirectionKind,
    Redirections,
    StartConfiguration,
)
from ccfpy.boundary.effects import Stop
from ccfpy.crypto.certs import Certificate
from ccfpy.endpoints.session import RedirectTarget
from ccfpy.ledger.entry import Transaction
from ccfpy.node import boot
from ccfpy.testing.node import InProcessNode, Person, listener


def refusal(
    node: InProcessNode,
    change: Callable[[StartConfiguration], StartConfiguration],
) -> str:
    """Boot a twin with a changed start section; give the reason it stops for."""
    configuration = node.boot.configuration
    assert configuration.start is not None
    changed = replace(configuration, start=change(configuration.start))
    effects = node.twin().step([replace(node.boot, configuration=changed)])
    stop = effects[-1]
    assert isinstance(stop, Stop)
    assert stop.exit_code != 0
    return stop.reason


def first_member(
    **changes: object,
) -> Callable[[StartConfiguration], StartConfiguration]:
    def change(start: StartConfiguration) -> StartConfiguration:
        member: NewMember = replace(start.members[0], **changes)  # type: ignore[arg-type]  # named fields
        return replace(start, members=(member, *start.members[1:]))

    return change


def test_a_member_needs_a_certificate(new_node: InProcessNode) -> None:
    assert "certificate" in refusal(new_node, first_member(certificate=b"none"))


def test_a_members_data_must_be_json(new_node: InProcessNode) -> None:
    assert "JSON" in refusal(new_node, first_member(data=b"{"))


def test_a_recovery_role_needs_a_key(new_node: InProcessNode) -> None:
    reason = refusal(
        new_node,
        first_member(encryption_public_key=None, recovery_role=RecoveryRole.OWNER),
    )
    assert "no encryption public key is specified" in reason


def test_texts_must_be_text(new_node: InProcessNode) -> None:
    latin = "é".encode("latin-1")
    changes = {
        "a member's certificate": first_member(certificate=latin),
        "a member's encryption key": first_member(encryption_public_key=latin),
        "the constitution": lambda start: replace(start, constitution=latin),
    }
    for what, change in changes.items():
        assert refusal(new_node, change) == f"{what} is not UTF-8 text at byte 0"


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


def test_a_missing_section_is_named(new_node: InProcessNode) -> None:
    configuration = replace(new_node.boot.configuration, start=None)
    effects = new_node.twin().step(
        [replace(new_node.boot, configuration=configuration)]
    )
    assert isinstance(effects[-1], Stop)
    assert effects[-1].reason == "command.start is missing"


def test_the_first_entry_records_the_node_as_it_asked(
    new_node: InProcessNode, members: tuple[Person, ...]
) -> None:
    writes = Transaction.parse(new_node.host.entries[0]).domain.write_set
    (node_id,) = writes["public:ccf.gov.nodes.info"]
    info = json.loads_object(writes["public:ccf.gov.nodes.info"][node_id] or b"")
    assert info["status"] == "Trusted"
    interfaces = info["rpc_interfaces"]
    assert isinstance(interfaces, dict)
    assert interfaces["primary_rpc_interface"] == {
        "bind_address": "127.0.0.1:8000",
        "published_address": "127.0.0.1:8000",
    }
    endorsed = writes["public:ccf.gov.nodes.endorsed_certificates"][node_id] or b""
    Certificate.from_pem(endorsed).verify_signed_by(
        Certificate.from_pem(new_node.service_certificate)
    )
    assert {m.id.encode() for m in members} == set(
        writes["public:ccf.gov.members.certs"]
    )


def test_certificates_name_each_published_host_once(
    make_node: Callable[[], InProcessNode],
) -> None:
    configuration: NodeConfiguration = make_node().boot.configuration
    certificate = Certificate.from_pem(make_node().host.identity.node_certificate)  # type: ignore[union-attr]  # booted
    assert certificate.sans == ("iPAddress:127.0.0.1",)
    assert len(configuration.rpc_interfaces) == 1


def test_interfaces_get_their_rules(new_node: InProcessNode) -> None:
    elsewhere = Redirection(kind=RedirectionKind.STATIC_ADDRESS, address="host:1")
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
    assert rules.redirect_to_primary.kind is RedirectTarget.STATIC_ADDRESS
    assert rules.redirect_to_primary.address == "host:1"
    assert rules.redirect_to_backup is not None
    assert rules.redirect_to_backup.role == "backup"


@pytest.mark.parametrize("role", [None, "backup"])
def test_a_redirection_by_role_goes_to_the_usual_one_unless_it_says(
    new_node: InProcessNode, role: str | None
) -> None:
    by_role = Redirection(kind=RedirectionKind.NODE_BY_ROLE, role=role)
    redirecting = replace(listener(), redirections=Redirections(to_primary=by_role))
    configuration = replace(new_node.boot.configuration, rpc_interfaces=(redirecting,))
    (interface,) = boot.interfaces_of(configuration).values()
    target = interface.rules.redirect_to_primary
    assert target is not None
    assert target.kind is RedirectTarget.NODE_BY_ROLE
    assert target.role == (role or "primary")


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
