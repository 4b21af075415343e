import json
import socket
from pathlib import Path

import pytest

from ccfpy.cli.errors import CommandFailed, Misused
from ccfpy.cli.local_node import (
    CONFIG_FILE,
    Layout,
    NodeOptions,
    parse_node,
    require_free,
    write_node_folder,
)
from ccfpy.client.keyfiles import generate_keys
from ccfpy.client.share import constitution
from ccfpy.crypto.ec import Curve
from ccfpy.host.config import parse_configuration


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("local://127.0.0.1:8000", ("127.0.0.1", 8000)),
        ("localhost:0", ("localhost", 0)),
    ],
)
def test_a_node_is_named_as_ccfs_sandbox_names_it(
    text: str, place: tuple[str, int]
) -> None:
    assert parse_node(text) == place


@pytest.mark.parametrize(
    "text", ["", "8000", "local://", "local://x", "ssh://x:1", "x:y", "x:65536"]
)
def test_anything_else_is_misuse(text: str) -> None:
    with pytest.raises(Misused):
        parse_node(text)


def test_a_port_is_free_until_somebody_listens() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        listener.listen()
        with pytest.raises(CommandFailed, match=f"port {port} .* is taken.*--node"):
            require_free("127.0.0.1", port)
    require_free("127.0.0.1", port)
    with pytest.raises(CommandFailed, match="cannot listen on"):
        require_free("203.0.113.1", 0)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A workspace with one member's keys."""
    made = Layout(workspace=tmp_path)
    generate_keys(made.keys("member0"), curve=Curve.SECP256R1, with_encryption_key=True)
    return made


OPTIONS = NodeOptions(constitution=constitution("default"))


def test_a_nodes_folder_holds_what_its_configuration_names(layout: Layout) -> None:
    path = write_node_folder(layout, OPTIONS)
    assert path == layout.node / CONFIG_FILE
    parsed = parse_configuration(path.read_bytes(), name=path.name)
    start = parsed.command.start
    assert start is not None
    assert parsed.network.rpc_interfaces["primary_rpc_interface"].bind_address == (
        "127.0.0.1:8000"
    )
    (member,) = start.members
    assert member.encryption_public_key_file == "member0_enc_pubk.pem"
    for name in (member.certificate_file, *start.constitution_files):
        assert (layout.node / name).is_file()
    assert not list(layout.node.glob("*_privk.pem"))


def test_a_member_without_encryption_key_takes_no_part_in_recovery(
    layout: Layout,
) -> None:
    layout.keys("member0").encryption_public_key.unlink()
    config = json.loads(write_node_folder(layout, OPTIONS).read_bytes())
    (member,) = config["command"]["start"]["members"]
    assert member == {"certificate_file": "member0_cert.pem"}


def test_a_folder_of_an_earlier_run_is_replaced_and_of_somebody_else_kept(
    layout: Layout,
) -> None:
    write_node_folder(layout, OPTIONS)
    old = layout.node / "0.ledger"
    old.mkdir()
    write_node_folder(layout, OPTIONS)
    assert not old.exists()
    (layout.node / CONFIG_FILE).unlink()
    with pytest.raises(CommandFailed, match="no node's folder"):
        write_node_folder(layout, OPTIONS)
    assert (layout.node / "actions.js").is_file()
