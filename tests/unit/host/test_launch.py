"""The additions to the configuration before the enclave receives it."""

import io
import json
from pathlib import Path

import pytest

from ccfpy.base.errors import ConfigurationRefused
from ccfpy.boundary.configuration import NodeConfiguration, NodeToNodeInterface
from ccfpy.host.config import parse_configuration
from ccfpy.host.launch import Launch, with_sealed_secrets
from ccfpy.host.log import Journal
from ccfpy.host.startup import resolve
from ccfpy.testing.disk import MemoryDisk

PLACE = "saved/sealed"
IDENTITY = b"of the lost service"


class World:
    """A node about to start."""

    def __init__(self, folder: Path, command: dict[str, object]) -> None:
        self.disk = MemoryDisk()
        self.log = io.BytesIO()
        (folder / "lost.pem").write_bytes(IDENTITY)
        value = {
            "network": {
                "node_to_node_interface": {"bind_address": "127.0.0.1:0"},
                "rpc_interfaces": {"first": {"bind_address": "127.0.0.1:0"}},
            },
            "command": command,
        }
        text = json.dumps(value).encode()
        self.launch = Launch(
            file=parse_configuration(text, name="c.json"),
            text=text,
            journal=Journal(self.log),
            program=Path("node"),
            disk=self.disk,
        )

    @classmethod
    def recovering(cls, folder: Path, place: str | None) -> "World":
        recover = {"previous_service_identity_file": str(folder / "lost.pem")}
        if place is not None:
            recover["previous_sealed_ledger_secret_location"] = place
        return cls(folder, {"type": "Recover", "recover": recover})

    @property
    def configuration(self) -> NodeConfiguration:
        address = NodeToNodeInterface(bind_address="a:1", published_address="a:1")
        return resolve(
            self.launch.file, interfaces=(), node_to_node=address, environment={}
        )

    def put(self, name: str, data: bytes) -> None:
        self.disk.put(Path(PLACE) / name, data)

    def sealed(self) -> tuple[tuple[int, bytes], ...] | None:
        told = with_sealed_secrets(self.launch, self.configuration).recover
        assert told is not None
        assert told.previous_service_identity == IDENTITY
        return told.previous_sealed_secrets


def test_a_recovery_is_given_what_an_earlier_node_sealed(tmp_path: Path) -> None:
    world = World.recovering(tmp_path, PLACE)
    world.put("1.sealed.json", b"first")
    world.put("30.sealed.json", b"after a rekey")
    world.put("notes.txt", b"an operator's")
    assert world.sealed() == ((30, b"after a rekey"), (1, b"first"))
    assert (
        "Skipped: saved/sealed/notes.txt is no sealed" in world.log.getvalue().decode()
    )


def test_that_there_is_nothing_in_it_is_told_and_not_that_nothing_was_asked(
    tmp_path: Path,
) -> None:
    world = World.recovering(tmp_path, PLACE)
    world.disk.make_directory(Path(PLACE))
    assert world.sealed() == ()
    assert World.recovering(tmp_path, None).sealed() is None


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    world = World.recovering(tmp_path, PLACE)
    with pytest.raises(ConfigurationRefused, match="previous_sealed_ledger_secret_loc"):
        world.sealed()


def test_who_does_not_recover_is_given_nothing(tmp_path: Path) -> None:
    (tmp_path / "service.pem").write_text("a service")
    command: dict[str, object] = {
        "type": "Join",
        "service_certificate_file": str(tmp_path / "service.pem"),
        "join": {"target_rpc_address": "127.0.0.1:80"},
    }
    world = World(tmp_path, command)
    before = world.configuration
    assert with_sealed_secrets(world.launch, before) == before
