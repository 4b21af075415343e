"""From the file to what the enclave is told."""

import json
from pathlib import Path

import pytest

from ccfpy.base.errors import ConfigurationRefused
from ccfpy.base.limits import CREATED_AT_AHEAD_MS
from ccfpy.base.vocabulary import RecoveryRole
from ccfpy.boundary.configuration import (
    CommandType,
    FoundingMember,
    InterfaceAuthority,
    NodeConfiguration,
    NodeToNodeInterface,
    Redirections,
    RedirectKind,
    RedirectTarget,
)
from ccfpy.host.config import MemberSection, parse_configuration
from ccfpy.host.connecting import Address
from ccfpy.host.startup import (
    declared_interfaces,
    expand_path,
    expand_variable,
    recovery_threshold,
    resolve,
    rpc_interface,
)

NODE_TO_NODE = NodeToNodeInterface(bind_address="a:1", published_address="a:1")
INTERFACE: dict[str, object] = {"bind_address": "127.0.0.1:0"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, content in {
        "m0.pem": "cert 0",
        "m1.pem": "cert 1",
        "m0_enc.pem": "key 0",
        "m0.json": '{"is_operator": true}',
        "broken.json": "{",
        "a.js": "a",
        "b.js": "b",
        "service.pem": "service",
        "node.json": '{"name": "n"}',
        "policy": "the policy",
    }.items():
        Path(name).write_text(content)
    return tmp_path


def _start(**also: object) -> dict[str, object]:
    return {
        "type": "Start",
        "start": {
            "members": [
                {
                    "certificate_file": "m0.pem",
                    "encryption_public_key_file": "m0_enc.pem",
                    "data_json_file": "m0.json",
                    "recovery_role": "Owner",
                },
                {
                    "certificate_file": "m1.pem",
                    "encryption_public_key_file": None,
                    "data_json_file": "",
                    "recovery_role": "Participant",
                },
            ],
            "constitution_files": ["a.js", "b.js"],
            "service_configuration": {"recovery_threshold": 0},
        }
        | also,
    }


def _resolve(command: object, **also: object) -> NodeConfiguration:
    value = {
        "network": {
            "node_to_node_interface": {"bind_address": "127.0.0.1:0"},
            "rpc_interfaces": {"first": INTERFACE},
        },
        "command": command,
    } | also
    return resolve(
        parse_configuration(json.dumps(value), name="c.json"),
        interfaces=(),
        node_to_node=NODE_TO_NODE,
        environment={"HOST": "amd", "DIR": "."},
    )


def test_a_start_carries_the_contents_of_its_files() -> None:
    configuration = _resolve(_start(), node_data_json_file="node.json")
    assert configuration.command is CommandType.START
    assert configuration.join is None
    assert configuration.recover is None
    start = configuration.start
    assert start is not None
    assert start.constitution == b"a\nb"
    assert start.members == (
        FoundingMember(
            certificate=b"cert 0",
            encryption_public_key=b"key 0",
            data=b'{"is_operator": true}',
            recovery_role=RecoveryRole.OWNER,
        ),
        # Without a key a member holds no share, whatever role was configured.
        FoundingMember(certificate=b"cert 1"),
    )
    assert start.service_configuration.recovery_threshold == 1
    assert configuration.node_data == b'{"name": "n"}'


def test_a_join_carries_the_certificate_it_trusts() -> None:
    configuration = _resolve(
        {
            "type": "Join",
            "service_certificate_file": "service.pem",
            "join": {"target_rpc_address": "127.0.0.1:80", "retry_timeout": "1500us"},
        },
        service_data_json_file="nowhere.json",
    )
    assert configuration.join is not None
    assert configuration.join.service_certificate == b"service"
    assert configuration.join.retry_timeout_ms == 2
    assert configuration.join.fetch_recent_snapshot
    assert configuration.service_data is None


def test_a_join_carries_how_a_snapshot_is_fetched() -> None:
    configuration = _resolve(
        {
            "type": "Join",
            "service_certificate_file": "service.pem",
            "join": {
                "target_rpc_address": "127.0.0.1:80",
                "fetch_recent_snapshot": False,
                "fetch_snapshot_max_attempts": 7,
                "fetch_snapshot_retry_interval": "20ms",
                "fetch_snapshot_max_size": "2KB",
            },
        }
    )
    joining = configuration.join
    assert joining is not None
    assert not joining.fetch_recent_snapshot
    assert joining.fetch_snapshot_max_attempts == 7
    assert joining.fetch_snapshot_retry_interval_ms == 20
    assert joining.fetch_snapshot_max_bytes == 2048


@pytest.mark.parametrize("is_on", [False, True])
def test_consensus_is_traced_only_where_the_file_asks_for_it(*, is_on: bool) -> None:
    consensus = {"trace": True} if is_on else {}
    assert _resolve(_start(), consensus=consensus).consensus.trace is is_on


def test_the_page_of_endpoints_is_off_unless_configured() -> None:
    assert not _resolve(_start()).serves_api_page
    assert _resolve(_start(), api_page=True).serves_api_page


def test_early_signatures_and_pre_votes_are_as_configured() -> None:
    usual = _resolve(_start())
    assert not usual.ledger_signatures.early
    assert usual.consensus.pre_vote
    chosen = _resolve(
        _start(), ledger_signatures={"early": True}, consensus={"pre_vote": False}
    )
    assert chosen.ledger_signatures.early
    assert not chosen.consensus.pre_vote


def test_how_far_members_clocks_may_be_ahead_is_as_configured() -> None:
    assert _resolve(_start()).created_at_ahead_max_ms == CREATED_AT_AHEAD_MS
    chosen = _resolve(_start(), created_at_tolerance="30s")
    assert chosen.created_at_ahead_max_ms == 30_000


def test_a_recovery_carries_the_identity_that_was_lost() -> None:
    configuration = _resolve(
        {
            "type": "Recover",
            "recover": {"previous_service_identity_file": "service.pem"},
        }
    )
    assert configuration.recover is not None
    assert configuration.recover.previous_service_identity == b"service"


def test_units_become_plain_numbers() -> None:
    configuration = _resolve(
        _start(),
        ledger={"chunk_size": "20KB"},
        consensus={"election_timeout": "4s", "message_timeout": "50ms"},
        ledger_signatures={"delay": "100ms"},
        memory={"max_msg_size": "16MB"},
    )
    assert configuration.ledger_chunk_bytes == 20 << 10
    assert configuration.consensus.election_timeout_ms == 4000
    assert configuration.consensus.message_timeout_ms == 50
    assert configuration.ledger_signatures.delay_ms == 100
    assert configuration.entry_bytes_max == 16 << 20


def test_attestation_files_are_read_where_they_exist() -> None:
    configuration = _resolve(
        _start(),
        attestation={
            "snp_security_policy_file": "$DIR/policy",
            "snp_uvm_endorsements_file": "None",
            "snp_endorsements_servers": [{"type": "AMD", "url": "$HOST:443"}],
        },
    )
    assert configuration.attestation.security_policy == b"the policy"
    assert configuration.attestation.uvm_endorsements is None
    assert configuration.attestation.endorsements_servers == (("AMD", "amd:443", 3),)


REFUSED: dict[str, tuple[object, dict[str, object], str]] = {
    "a member's certificate": (
        _start(members=[{"certificate_file": "none.pem"}]),
        {},
        r"cannot read 'none.pem', which command.start.members\[0\] names",
    ),
    "a member's data": (
        _start(
            members=[{"certificate_file": "m0.pem", "data_json_file": "broken.json"}]
        ),
        {},
        r"'broken.json', which command.start.members\[0\] names, is not JSON",
    ),
    "node data": (
        _start(),
        {"node_data_json_file": "none.json"},
        "'none.json', which node_data_json_file names: no such file or directory; put",
    ),
    "a certificate to trust": (
        {"type": "Join", "join": {"target_rpc_address": "127.0.0.1:80"}},
        {},
        "'service_cert.pem', which command.service_certificate_file names",
    ),
    "a target": (
        {"type": "Join", "join": {"target_rpc_address": "127.0.0.1:http"}},
        {},
        "Port 'http' is not a number",
    ),
    "an alternative name": (
        _start(),
        {"node_certificate": {"subject_alt_names": ["localhost"]}},
        r"SAN could not be parsed: localhost, must be \(iPAddress\|dNSName\):VALUE",
    ),
    "a threshold": (
        _start(service_configuration={"recovery_threshold": 2}),
        {},
        "cannot be greater than 1 when all",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_had_is_refused_with_its_remedy(name: str) -> None:
    command, also, reason = REFUSED[name]
    with pytest.raises(ConfigurationRefused, match=reason) as refusal:
        _resolve(command, **also)
    assert ";" in str(refusal.value)


def _members(*roles: str | None) -> list[MemberSection]:
    """Return members by role; ``-`` is one without an encryption key."""
    return [
        MemberSection(
            certificate_file="c",
            encryption_public_key_file=None if role == "-" else "k",
            recovery_role=None if role in (None, "-") else RecoveryRole(role),
        )
        for role in roles
    ]


@pytest.mark.parametrize(
    ("configured", "roles", "threshold"),
    [
        (0, (), 0),
        (0, ("-", "-"), 0),
        (0, (None, None, "-"), 2),
        (0, ("Participant", "Owner"), 1),
        (0, ("Owner", "Owner"), 1),
        (0, ("NonParticipant",), 0),
        (1, ("Owner", "Owner"), 1),
        (2, (None, None, None), 2),
    ],
)
def test_a_threshold_of_zero_means_all_who_can_take_part(
    configured: int, roles: tuple[str | None, ...], threshold: int
) -> None:
    assert recovery_threshold(configured, _members(*roles)) == threshold


@pytest.mark.parametrize(
    ("configured", "roles"),
    [(1, ()), (1, ("-",)), (3, (None, None)), (2, ("Owner", "Owner"))],
)
def test_a_threshold_beyond_the_members_is_refused(
    configured: int, roles: tuple[str | None, ...]
) -> None:
    with pytest.raises(ConfigurationRefused, match=r"Recovery threshold \("):
        recovery_threshold(configured, _members(*roles))


def test_an_interface_is_told_with_real_ports_and_as_it_was_declared() -> None:
    declared: dict[str, object] = {
        "bind_address": "127.0.0.1:0",
        "published_address": "example.org:0",
        "endorsement": {"authority": "Node"},
        "http_configuration": {"max_body_size": "2MB"},
        "accepted_endpoints": ["/app/.*"],
        "redirections": {
            "to_primary": {
                "kind": "NodeByRole",
                "target": {"role": "primary", "interface": "two"},
            },
            "to_backup": {"kind": "StaticAddress", "target": {"address": "b:1"}},
        },
        "app_protocol": None,
        "unknown": 1,
    }
    del declared["app_protocol"]
    text = json.dumps(
        {
            "network": {
                "node_to_node_interface": {"bind_address": "x:0"},
                "rpc_interfaces": {"one": declared},
            },
            "command": _start(),
        }
    )
    section = parse_configuration(text, name="c").network.rpc_interfaces["one"]
    interface = rpc_interface(
        "one",
        section,
        Address("127.0.0.1", 4321),
        declared_interfaces(text.encode())["one"],
    )
    assert interface.bind_address == "127.0.0.1:4321"
    assert interface.published_address == "example.org:4321"
    assert interface.authority is InterfaceAuthority.NODE
    assert interface.http.body_bytes_max == 2 << 20
    assert interface.http.headers_count_max == 256
    assert interface.accepted_endpoints == ("/app/.*",)
    assert interface.redirections == Redirections(
        to_primary=RedirectTarget(
            kind=RedirectKind.NODE_BY_ROLE, role="primary", interface="two"
        ),
        to_backup=RedirectTarget(kind=RedirectKind.STATIC_ADDRESS, address="b:1"),
    )
    assert json.loads(interface.declared) == {
        "bind_address": "127.0.0.1:4321",
        "published_address": "example.org:4321",
        "endorsement": {"authority": "Node"},
        "http_configuration": {"max_body_size": "2MB"},
        "accepted_endpoints": ["/app/.*"],
        "redirections": declared["redirections"],
    }


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("", ""),
        ("plain/path", "plain/path"),
        ("$DIR/file", "folder/file"),
        ("/$DIR/../$DIR/file", "/folder/file"),
        ("/x/$UNSET/file", "/x/$UNSET/file"),
        ("/x/a$DIR", "/x/a$DIR"),
    ],
)
def test_parts_of_a_path_may_be_variables(text: str, expanded: str) -> None:
    assert expand_path(text, {"DIR": "folder"}) == expanded


def test_only_a_whole_word_is_a_variable() -> None:
    assert expand_variable("$A", {"A": "1"}) == "1"
    assert expand_variable("A", {"A": "1"}) == "A"
    assert expand_variable("$B", {"A": "1"}) == "$B"
