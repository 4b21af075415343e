"""What a node needs to join: files written once, in CCF's form, for the primary."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from ccfpy.attestation.virtual import MEASUREMENT
from ccfpy.base import json
from ccfpy.base.json import Json, JsonObject
from ccfpy.cli.errors import CommandFailed
from ccfpy.cli.join_config import (
    OWN_KEYS,
    Joining,
    accepting,
    configuration,
    is_virtual,
    target_of,
    undefined,
    without,
)
from ccfpy.client.survey import Survey
from ccfpy.host.config import parse_configuration
from tests.unit.cli.conftest import Command
from tests.unit.client.networked import UNTIL, answered, reported

BACKUP = replace(reported("a", answered(view=3)), interfaces={"main": "a.example:1"})
PRIMARY = replace(
    reported("b", answered(leads=True, view=3)),
    interfaces={"main": "b.example:1", "second": "b.example:2"},
)


def test_a_configuration_that_is_there_is_not_replaced(
    command: Command, tmp_path: Path, service_folder: Path
) -> None:
    (tmp_path / "node.json").write_text("{}")
    options = ["--listen", "127.0.0.1:1", "--common", service_folder]
    ended = command("network", "join-config", tmp_path, *options)
    assert ended.code == 2
    assert "is there already" in ended.err
    assert (tmp_path / "node.json").read_text() == "{}"


@pytest.mark.parametrize("option", ["--program", "--like"])
def test_a_file_that_is_missing_is_said_before_anybody_is_asked(
    command: Command, tmp_path: Path, service_folder: Path, option: str
) -> None:
    folder, missing = tmp_path / "new", tmp_path / "missing"
    words = ["--listen", "127.0.0.1:1", "--common", service_folder, option, missing]
    ended = command("network", "join-config", folder, *words)
    assert ended.code == 1
    assert ended.err.startswith(f"ccfpy: cannot use {missing}: no such file")
    assert not folder.exists()


def test_what_is_no_configuration_is_not_followed(
    command: Command, tmp_path: Path, service_folder: Path
) -> None:
    (tmp_path / "like.json").write_text("[]")
    words = ["--listen", "127.0.0.1:1", "--common", service_folder]
    like = ["--like", tmp_path / "like.json"]
    ended = command("network", "join-config", tmp_path / "new", *words, *like)
    assert ended.code == 2
    assert "is no configuration of a node" in ended.err


def test_the_target_is_the_primary_not_the_first_node() -> None:
    """A backup may have begun with a later snapshot than the primary's latest."""
    seen = Survey(status="Open", valid_until=UNTIL, nodes=[BACKUP, PRIMARY])
    assert target_of(seen) == ("main", "b.example:1")


def test_without_a_primary_there_is_no_target() -> None:
    for nodes in ([BACKUP], [replace(PRIMARY, interfaces={})]):
        with pytest.raises(CommandFailed, match="no primary answers"):
            target_of(Survey(status="Open", valid_until=UNTIL, nodes=nodes))


JOINING = Joining(
    host="127.0.0.1",
    port=8003,
    node_address="127.0.0.1:0",
    interface="main",
    target="127.0.0.1:8000",
    certificate="service_cert.pem",
)
RUNNING: JsonObject = {
    "network": {
        "node_to_node_interface": {"bind_address": "10.0.0.1:7000"},
        "rpc_interfaces": {
            "main": {
                "bind_address": "10.0.0.1:443",
                "published_address": "one.example:443",
                "max_open_sessions_soft": 500,
                "max_open_sessions_per_address": 5,
            },
            "second": {"bind_address": "10.0.0.1:444", "app_protocol": "HTTP2"},
        },
    },
    "node_certificate": {
        "subject_name": "CN=one",
        "subject_alt_names": ["dNSName:one.example"],
    },
    "command": {"type": "Start", "start": {"constitution_files": ["a.js"]}},
    "consensus": {"election_timeout": "4000ms", "pre_vote": False, "trace": True},
    "ledger": {"directory": "/var/one/ledger", "chunk_size": "1MB"},
    "ledger_signatures": {"tx_count": 100, "delay": "50ms", "early": True},
    "logging": {"format": "Json", "tracebacks": True},
    "snapshots": {"directory": "/var/one/snapshots", "tx_count": 77},
    "output_files": {"pid_file": "/run/one.pid"},
    "node_data_json_file": "one.json",
    "created_at_tolerance": "5min",
}


def test_own_keys_are_those_that_the_reference_marks() -> None:
    page = Path(__file__).parents[3] / "docs/reference/configuration.md"
    marked = [
        re.findall(r"`([^`]+)`", line)[0]
        for line in page.read_text().splitlines()
        if line.startswith("|") and "ccfpy's own key" in line
    ]
    named = [key.replace("network.rpc_interfaces.*", "…") for key in OWN_KEYS]
    assert sorted(named) == sorted(marked)


@pytest.mark.parametrize("like", [None, RUNNING])
@pytest.mark.parametrize("for_ccf", [False, True])
def test_a_node_takes_what_is_written(like: JsonObject | None, for_ccf: bool) -> None:
    written = configuration(JOINING, like=like, for_ccf=for_ccf)
    parse_configuration(json.dumps(written), name="node.json")
    join = written["command"]
    assert join == {
        "type": "Join",
        "service_certificate_file": "service_cert.pem",
        "join": {"target_rpc_address": "127.0.0.1:8000"},
    }


def test_a_node_follows_another_in_all_that_is_not_that_nodes_own() -> None:
    before = json.dumps(RUNNING)
    written = configuration(JOINING, like=RUNNING)
    assert json.dumps(RUNNING) == before
    assert written["consensus"] == RUNNING["consensus"]
    assert written["ledger_signatures"] == RUNNING["ledger_signatures"]
    assert written["ledger"] == {"chunk_size": "1MB"}
    assert written["snapshots"] == {"tx_count": 77}
    assert written["node_certificate"] == {
        "subject_name": "CN=one",
        "subject_alt_names": ["dNSName:localhost", "iPAddress:127.0.0.1"],
    }
    assert written["output_files"] == {"pid_file": "node.pid"}
    assert "node_data_json_file" not in written
    assert written["network"] == {
        "node_to_node_interface": {"bind_address": "127.0.0.1:0"},
        "rpc_interfaces": {
            "main": {
                "bind_address": "127.0.0.1:8003",
                "max_open_sessions_soft": 500,
                "max_open_sessions_per_address": 5,
            },
            "second": {"bind_address": "127.0.0.1:0", "app_protocol": "HTTP2"},
        },
    }


def test_a_node_of_ccf_gets_no_key_of_ccfpys_own() -> None:
    written = configuration(JOINING, like=RUNNING, for_ccf=True)
    assert written == without(written, OWN_KEYS)
    assert written["consensus"] == {"election_timeout": "4000ms"}
    assert written["logging"] == {"format": "Json"}
    text = json.dumps(written)
    assert not [key for key in OWN_KEYS if f'"{key.split(".")[-1]}"'.encode() in text]


def test_another_host_answers_for_its_published_addresses() -> None:
    joining = replace(JOINING, host="10.0.0.4")
    certificate = configuration(joining)["node_certificate"]
    assert certificate == {"subject_alt_names": []}


def test_earlier_files_lie_where_they_are_only_read() -> None:
    joining = replace(JOINING, history="/srv/history")
    assert configuration(joining, like=RUNNING)["ledger"] == {
        "chunk_size": "1MB",
        "read_only_directories": ["/srv/history"],
    }
    assert configuration(joining)["ledger"] == {
        "read_only_directories": ["/srv/history"]
    }


def virtual(measurements: list[Json], host_data: list[Json]) -> JsonObject:
    return {"virtual": {"measurements": measurements, "hostData": host_data}}


def test_what_the_policy_lacks_is_proposed_and_nothing_else() -> None:
    add_measurement: JsonObject = {
        "name": "add_virtual_measurement",
        "args": {"measurement": MEASUREMENT},
    }
    add_host_data: JsonObject = {
        "name": "add_virtual_host_data",
        "args": {"host_data": "aa"},
    }
    assert accepting(virtual([MEASUREMENT], ["aa"]), "aa") == []
    assert accepting(virtual([MEASUREMENT], ["bb"]), "aa") == [add_host_data]
    assert accepting(virtual([], ["bb"]), "aa") == [add_measurement, add_host_data]


def test_a_service_on_hardware_accepts_no_virtual_node() -> None:
    assert is_virtual(virtual([MEASUREMENT], ["aa"]))
    assert not is_virtual(virtual([], []))
    assert not is_virtual({"snp": {"measurements": ["aa"]}})


def test_an_action_that_the_constitution_lacks_is_named() -> None:
    actions = accepting(virtual([], ["bb"]), "aa")
    defined = "['add_virtual_measurement', new Action()]"
    assert undefined(actions, defined) == ["add_virtual_host_data"]
    assert undefined([], "") == []
