"""How a service begins: what its configuration must hold, and what the ledger gets."""

from collections.abc import Callable
from dataclasses import replace

from ccfpy.base import json
from ccfpy.base.vocabulary import RecoveryRole
from ccfpy.boundary.configuration import (
    FoundingMember,
    StartConfiguration,
)
from ccfpy.boundary.effects import Stop
from ccfpy.crypto.certs import Certificate
from ccfpy.ledger.entry import Transaction
from ccfpy.testing.node import InProcessNode, Person


def refusal(
    node: InProcessNode,
    change: Callable[[StartConfiguration], StartConfiguration],
) -> str:
    """Boot a twin with a changed start section; return the reason for its stop."""
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
        member: FoundingMember = replace(start.members[0], **changes)  # type: ignore[arg-type]  # named fields
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
