"""The configuration file's schema: what is taken, and each way to be refused."""

import json
from copy import deepcopy
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import ConfigurationRefused
from ccfpy.boundary.configuration import CommandType, CurveId, InterfaceAuthority
from ccfpy.host.config import (
    ConfigurationFile,
    parse_configuration,
    with_default_pre_vote,
)

MINIMAL: dict[str, object] = {
    "network": {
        "node_to_node_interface": {"bind_address": "127.0.0.1:0"},
        "rpc_interfaces": {"primary_rpc_interface": {"bind_address": "127.0.0.1:0"}},
    },
    "command": {
        "type": "Start",
        "start": {"members": [], "constitution_files": ["constitution.js"]},
    },
}
FULL: dict[str, object] = {
    "network": {
        "node_to_node_interface": {
            "bind_address": "127.1.2.3:0",
            "published_address": "",
        },
        "rpc_interfaces": {
            "primary_rpc_interface": {
                "bind_address": "127.1.2.3:0",
                "published_address": "127.1.2.3:0",
                "protocol": "tcp",
                "app_protocol": "HTTP1",
                "max_open_sessions_soft": 1000,
                "max_open_sessions_hard": 1010,
                "http_configuration": {
                    "max_body_size": "1048576",
                    "max_header_size": "16384",
                    "max_headers_count": 256,
                },
                "endorsement": {"authority": "Node"},
                "accepted_endpoints": ["/app/.*"],
                "forwarding_timeout_ms": 3000,
                "redirections": {
                    "to_primary": {"kind": "NodeByRole", "target": {"role": "primary"}},
                    "to_backup": {
                        "kind": "StaticAddress",
                        "target": {"address": "127.0.0.1:1"},
                    },
                },
                "unknown_here": "is tolerated",
            }
        },
    },
    "node_certificate": {
        "subject_name": "CN=CCF Node",
        "subject_alt_names": ["iPAddress:127.0.0.1"],
        "curve_id": "Secp256R1",
        "initial_validity_days": 1,
    },
    "node_data_json_file": None,
    "attestation": {
        "snp_endorsements_servers": [{"url": "$HOST", "max_retries_count": 1}],
        "snp_security_policy_file": "None",
        "snp_uvm_endorsements_file": None,
    },
    "service_data_json_file": None,
    "command": {
        "type": "Join",
        "service_certificate_file": "service_cert.pem",
        "start": {"members": None, "constitution_files": "None", "what": "ever"},
        "join": {"retry_timeout": "1s", "target_rpc_address": "127.0.0.1:8000"},
        "recover": {"previous_service_identity_file": "None"},
    },
    "ledger": {
        "directory": "0.ledger",
        "read_only_directories": [],
        "chunk_size": "20KB",
    },
    "snapshots": {"directory": "s", "tx_count": 10, "read_only_directory": None},
    "logging": {"host_level": "Info", "format": "Text"},
    "consensus": {
        "message_timeout": "100ms",
        "election_timeout": "4000ms",
        "max_uncommitted_tx_count": 0,
    },
    "ledger_signatures": {"tx_count": 5000, "delay": "100ms"},
    "jwt": {"key_refresh_interval": "1800s"},
    "output_files": {
        "node_certificate_file": "0.pem",
        "pid_file": "node.pid",
        "node_to_node_address_file": "0.node_address",
        "rpc_addresses_file": "0.rpc_addresses",
    },
    "tick_interval": "1ms",
    "slow_io_logging_threshold": "10ms",
    "client_connection_timeout": "2s",
    "idle_connection_timeout": None,
    "node_client_interface": "127.100.0.0",
    "worker_threads": 0,
    "memory": {
        "circuit_size": "16MB",
        "max_msg_size": "67108864",
        "max_fragment_size": "256KB",
    },
    "ignore_first_sigterm": True,
    "node_to_node_message_limit": 30,
    "historical_cache_soft_limit": "512MB",
}


def _parse(value: object) -> ConfigurationFile:
    return parse_configuration(json.dumps(value), name="c.json")


def _with(path: str, value: object, *, base: dict[str, object]) -> object:
    """Return a configuration in which the key at ``path`` has another value."""
    changed = deepcopy(base)
    place: object = changed
    *parents, last = path.split("/")
    for key in parents:
        mapping = cast("dict[str, object]", place)
        place = mapping.setdefault(key, {})
    mapping = cast("dict[str, object]", place)
    if value is ...:
        del mapping[last]
    else:
        mapping[last] = value
    return changed


def test_the_least_configuration_gets_ccfs_defaults() -> None:
    file = _parse(MINIMAL)
    assert file.command.type is CommandType.START
    assert file.ledger.directory == "ledger"
    assert file.ledger.chunk_size == 5 << 20
    assert file.snapshots.tx_count == 10_000
    assert file.consensus.election_timeout == 5_000_000
    assert file.ledger_signatures.delay == 1_000_000
    assert file.idle_connection_timeout == 60_000_000
    assert file.output_files.node_certificate_file == "nodecert.pem"
    assert file.output_files.pid_file == "node.pid"
    assert file.node_certificate.curve_id is CurveId.SECP384R1
    interface = file.network.rpc_interfaces["primary_rpc_interface"]
    assert interface.endorsement.authority is InterfaceAuthority.SERVICE
    assert interface.http_configuration.max_body_size is None
    assert interface.accepted_endpoints is None


@pytest.mark.parametrize("is_on", [True, False])
@pytest.mark.parametrize("written", [None, True, False])
def test_the_command_line_says_of_pre_vote_what_the_file_does_not(
    *, is_on: bool, written: bool | None
) -> None:
    value = dict(MINIMAL)
    if written is not None:
        value["consensus"] = {"pre_vote": written}
    file = with_default_pre_vote(_parse(value), is_on=is_on)
    assert file.consensus.pre_vote is (is_on if written is None else written)
    assert file.consensus.message_timeout == 100_000


def test_everything_that_is_configured_is_taken() -> None:
    file = _parse(FULL)
    assert file.command.type is CommandType.JOIN
    assert file.command.start is None
    assert file.command.recover is None
    assert file.command.join is not None
    assert file.command.join.retry_timeout == 1_000_000
    assert file.idle_connection_timeout is None
    assert file.ignore_first_sigterm
    assert file.memory.max_msg_size == 64 << 20
    interface = file.network.rpc_interfaces["primary_rpc_interface"]
    assert interface.http_configuration.max_header_size == 16 << 10
    assert interface.redirections is not None


@pytest.mark.parametrize("named", ["Start", "Join", "Recover"])
def test_only_the_named_section_is_looked_at(named: str) -> None:
    sections = {
        "start": {"members": [], "constitution_files": []},
        "join": {"target_rpc_address": "127.0.0.1:1"},
        "recover": {"previous_service_identity_file": "old.pem"},
    }
    command: dict[str, object] = dict.fromkeys(sections, "None")
    command |= {"type": named, named.lower(): sections[named.lower()]}
    file = _parse(MINIMAL | {"command": command})
    present = {key for key in sections if getattr(file.command, key) is not None}
    assert present == {named.lower()}


INTERFACE = "network/rpc_interfaces/primary_rpc_interface"
MEMBER = {"certificate_file": "m.pem"}
REFUSED: list[tuple[str, object, str]] = [
    ("network", ..., "'network' is missing; add it"),
    ("command", ..., "'command' is missing; add it"),
    ("command/type", ..., "'command.type' is missing; add it"),
    (
        "command/type",
        "Begin",
        "'command.type' should be 'Start', 'Join' or 'Recover', not 'Begin'",
    ),
    ("command/start", ..., "'command' has the type 'Start' but no section 'start'"),
    ("command/start", None, "'command' has the type 'Start' but no section 'start'"),
    ("command/start/members", ..., "'command.start.members' is missing; add it"),
    (
        "command/start/members",
        [MEMBER | {"name": "me"}],
        "'command.start.members[0].name' is not a known key; remove it",
    ),
    (
        "command/start/members",
        [MEMBER | {"recovery_role": "Boss"}],
        (
            "'command.start.members[0].recovery_role' should be 'NonParticipant', "
            "'Participant' or 'Owner', not 'Boss'"
        ),
    ),
    (
        "command/start/constitution_files",
        "a.js",
        "'command.start.constitution_files' should be a list in square brackets",
    ),
    (
        "command/start/service_configuration",
        {},
        "'command.start.service_configuration.recovery_threshold' is missing",
    ),
    (
        "command/start/service_configuration",
        {"recovery_threshold": -1},
        "recovery_threshold' should be at least 0, not -1",
    ),
    (
        "command/start/initial_service_certificate_validity_days",
        0,
        "initial_service_certificate_validity_days' should be at least 1, not 0",
    ),
    ("ledgr", {}, "'ledgr' is not a known key; remove it or correct its spelling"),
    ("ledger/chunk_size", 5, "'ledger.chunk_size' should be a size in quotes"),
    ("ledger/chunk_size", "5XB", "'ledger.chunk_size' is not a size: '5XB'; write"),
    ("ledger/chunk_size", "{}", "'ledger.chunk_size' is not a size: '{}'; write"),
    ("ledger/directory", 5, "'ledger.directory' should be text in quotes, not 5"),
    ("ledger", [], "'ledger' should be an object in braces, not []"),
    ("ledger", None, "'ledger' should be an object in braces, not None"),
    ("tick_interval", "soon", "'tick_interval' is not a time: 'soon'; write a whole"),
    ("tick_interval", None, "'tick_interval' should be a time in quotes"),
    (
        "worker_threads",
        "2",
        "'worker_threads' should be a whole number without quotes, not '2'",
    ),
    (
        "worker_threads",
        1.5,
        "'worker_threads' should be a whole number without quotes, not 1.5",
    ),
    ("worker_threads", 101, "'worker_threads' should be at most 100, not 101"),
    (
        "worker_threads",
        True,
        "'worker_threads' should be a whole number without quotes, not True",
    ),
    (
        "ignore_first_sigterm",
        "true",
        "'ignore_first_sigterm' should be true or false, without quotes, not 'true'",
    ),
    ("logging/format", "Xml", "'logging.format' should be 'Text' or 'Json', not 'Xml'"),
    (
        f"{INTERFACE}/bind_address",
        ...,
        "'network.rpc_interfaces.primary_rpc_interface.bind_address' is missing",
    ),
    (f"{INTERFACE}/protocol", "sctp", "protocol' should be 'tcp' or 'udp', not 'sctp'"),
    (f"{INTERFACE}/endorsement", {}, "endorsement.authority' is missing; add it"),
    (
        f"{INTERFACE}/endorsement",
        {"authority": "ACME"},
        "endorsement.authority' is 'ACME', which is no longer supported; use",
    ),
    (
        f"{INTERFACE}/http_configuration",
        {"max_body": "1MB"},
        "http_configuration.max_body' is not a known key",
    ),
    (
        f"{INTERFACE}/http_configuration",
        {"max_concurrent_streams_count": 1 << 31},
        "max_concurrent_streams_count' should be at most 2147483647",
    ),
    (
        f"{INTERFACE}/http_configuration",
        {"initial_window_size": "2GB"},
        "initial_window_size' should be less than '2GB'",
    ),
    (
        f"{INTERFACE}/http_configuration",
        {"max_frame_size": "16383"},
        "max_frame_size' should be from '16KB' to '16MB'",
    ),
    (
        f"{INTERFACE}/http_configuration",
        {"max_frame_size": "16777217"},
        "max_frame_size' should be from '16KB' to '16MB'",
    ),
    (
        f"{INTERFACE}/redirections",
        {"to_primary": {"kind": "StaticAddress"}},
        'to_primary\' needs a "target" with exactly one key, "address"',
    ),
    (
        f"{INTERFACE}/redirections",
        {"to_backup": {"kind": "NodeByRole", "target": {"role": "chief"}}},
        'to_backup\' takes a "target" with the keys "role", which',
    ),
    (
        "snapshots/tx_count",
        0,
        "'snapshots.tx_count' should be at least 1, not 0",
    ),
]


@pytest.mark.parametrize(("path", "value", "reason"), REFUSED)
def test_a_file_that_breaks_the_schema_is_one_sentence(
    path: str, value: object, reason: str
) -> None:
    with pytest.raises(ConfigurationRefused) as refusal:
        _parse(_with(path, value, base=MINIMAL))
    text = str(refusal.value)
    assert text.startswith(
        "Error validating JSON schema for configuration file c.json: "
    )
    assert reason in text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("written", "meant"),
    [("16KB", 16_384), ("16777215", 16_777_215), ("16MB", 16_777_215)],
)
def test_a_frame_has_the_sizes_that_the_protocol_can_express(
    written: str, meant: int
) -> None:
    http = {
        "max_frame_size": written,
        "initial_window_size": str((1 << 31) - 1),
        "max_concurrent_streams_count": (1 << 31) - 1,
    }
    file = _parse(_with(f"{INTERFACE}/http_configuration", http, base=MINIMAL))
    (interface,) = file.network.rpc_interfaces.values()
    assert interface.http_configuration.max_frame_size == meant
    assert interface.http_configuration.initial_window_size == (1 << 31) - 1
    assert interface.http_configuration.max_concurrent_streams_count == (1 << 31) - 1


@pytest.mark.parametrize("text", ["", "{", "nonsense", '{"a":1}}', b"\xff"])
def test_what_is_not_json_is_refused_in_ccfs_words(text: str | bytes) -> None:
    with pytest.raises(
        ConfigurationRefused, match=r"Error parsing configuration file c\.json: not"
    ):
        parse_configuration(text, name="c.json")


@pytest.mark.parametrize("value", [5, None, "x", [], [MINIMAL]])
def test_a_file_that_is_no_object_is_refused(value: object) -> None:
    with pytest.raises(ConfigurationRefused, match="the file should be an object"):
        _parse(value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
PATHS = st.sampled_from(
    [
        *FULL,
        *(
            f"{key}/{inner}"
            for key, section in FULL.items()
            if isinstance(section, dict)
            for inner in section
        ),
    ]
)


@given(PATHS, JSON)
def test_any_value_anywhere_is_taken_or_refused(path: str, value: object) -> None:
    changed = _with(path, value, base=FULL)
    try:
        file = _parse(changed)
    except ConfigurationRefused:
        return
    assert isinstance(file, ConfigurationFile)
