"""The host can read the configuration that is written for a node."""

from dataclasses import replace
from pathlib import Path

import pytest

from ccfpy.base.json import dumps
from ccfpy.boundary.configuration import CommandType
from ccfpy.client.share import constitution
from ccfpy.host.config import parse_configuration
from ccfpy.local.configuration import (
    HTTP2_INTERFACE,
    INTERFACE,
    Placement,
    Remains,
    ServiceOptions,
    founder,
    joiner,
    recoverer,
)


@pytest.fixture
def options(tmp_path: Path) -> ServiceOptions:
    return ServiceOptions(
        workspace=tmp_path,
        app="logging",
        constitution=constitution("default"),
        program=("node",),
        members=("alice", "bob"),
        election_timeout_ms=700,
        cose_claims=("scitt.example", "receipts"),
        extra={"tick_interval": "5ms"},
    )


def test_the_first_node_starts_a_service_of_its_members(
    options: ServiceOptions,
) -> None:
    options.shared.mkdir()
    options.keys("bob").encryption_public_key.write_text("key")
    text = dumps(founder(options, Placement(port=8000)))
    file = parse_configuration(text, name="0.config.json")
    assert file.command.type is CommandType.START
    assert file.command.start is not None
    assert len(file.command.start.constitution_files) == 4
    assert [
        member.encryption_public_key_file is None
        for member in file.command.start.members
    ] == [True, False]
    interface = file.network.rpc_interfaces[INTERFACE]
    assert interface.bind_address == "127.0.0.1:8000"
    assert file.consensus.election_timeout == 700_000
    assert file.tick_interval == 5_000
    assert file.ledger.directory == options.ledger(0).name
    claims = file.command.start.cose_signatures
    assert (claims.issuer, claims.subject) == ("scitt.example", "receipts")


def test_a_service_of_http_2_speaks_it_where_it_is_placed_and_http_1_beside(
    options: ServiceOptions,
) -> None:
    options.shared.mkdir()
    text = dumps(founder(replace(options, has_http2=True), Placement(port=8000)))
    interfaces = parse_configuration(text, name="0.config.json").network.rpc_interfaces
    assert [
        (name, each.app_protocol, each.bind_address)
        for name, each in interfaces.items()
    ] == [
        (INTERFACE, "HTTP1", "127.0.0.1:0"),
        (HTTP2_INTERFACE, "HTTP2", "127.0.0.1:8000"),
    ]


def test_a_further_node_joins_by_one_that_is_there(options: ServiceOptions) -> None:
    placement = Placement(host="198.18.0.2")
    text = dumps(joiner(options, placement, 3, target="198.18.0.6:8000"))
    file = parse_configuration(text, name="3.config.json")
    assert file.command.type is CommandType.JOIN
    assert file.command.join is not None
    assert file.command.join.target_rpc_address == "198.18.0.6:8000"
    assert file.network.node_to_node_interface.bind_address == "198.18.0.2:0"
    assert file.node_certificate.subject_alt_names == ()
    assert options.folder(3).name == "sandbox_3"


@pytest.mark.parametrize("has_snapshots", [True, False])
def test_a_node_recovers_what_is_left_of_a_service(
    options: ServiceOptions, *, has_snapshots: bool
) -> None:
    lost = options.folder(0)
    remains = Remains(
        identity=lost / "lost.pem",
        ledger=lost / "0.ledger",
        read_only=[lost / "committed", lost / "more"],
        snapshots=lost / "0.snapshots" if has_snapshots else None,
    )
    text = dumps(recoverer(options, Placement(), 3, remains))
    file = parse_configuration(text, name="3.config.json")
    assert file.command.type is CommandType.RECOVER
    assert file.command.recover is not None
    named = file.command.recover.previous_service_identity_file
    assert named == str(remains.identity)
    assert file.ledger.read_only_directories == tuple(map(str, remains.read_only))
    expected = str(remains.snapshots) if has_snapshots else None
    assert file.snapshots.read_only_directory == expected


def test_an_entry_of_a_section_leaves_the_others(tmp_path: Path) -> None:
    options = ServiceOptions(
        workspace=tmp_path,
        app="logging",
        constitution=(),
        program=("node",),
        signature_delay_ms=70,
        service_validity_days=9,
        extra={"ledger_signatures": {"early": True}},
    )
    text = dumps(founder(options, Placement()))
    file = parse_configuration(text, name="0.config.json")
    assert file.ledger_signatures.early
    assert file.ledger_signatures.delay == 70_000
    assert file.command.start is not None
    assert file.command.start.initial_service_certificate_validity_days == 9
