"""The compose file: its parts fit each other, and it works as its page says."""

import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ccfpy.boundary.configuration import CommandType
from tests.deploy import starting
from tests.deploy.containers import current_image, environment, podman
from tests.deploy.templates import configuration, port, share, variables
from tests.deploy.tools import DEPLOY, ROOT, need, ok, read_yaml, run
from tests.lab.ports import free_ports
from tests.pages import BLOCK, Desk

FILE = DEPLOY / "compose/compose.yaml"
NODES = ("node-0", "node-1", "node-2")
PAGE = ROOT / "docs/howto/deploy-in-containers.md"
_DEFAULT = re.compile(r"\$\{\w+:-([^}]*)\}")


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    services = read_yaml(FILE)["services"]
    assert isinstance(services, dict)
    return services


def _template(service: dict[str, Any]) -> str:
    """Return the configuration's template that a node receives."""
    (name,) = [word for word in service["command"] if word.startswith("/etc/ccfpy/")]
    (source,) = [
        str(volume).partition(":")[0]
        for volume in service["volumes"]
        if volume.split(":")[1] == name
    ]
    return (FILE.parent / source).read_text()


def _environment(service: dict[str, Any]) -> dict[str, str]:
    return {
        name: _DEFAULT.sub(r"\1", value)
        for name, value in service["environment"].items()
    }


def test_the_tool_takes_it(tmp_path: Path) -> None:
    need("podman-compose")
    said = ok(run("podman-compose", "-f", FILE, "config", cwd=tmp_path))
    for name in ("keys", "open", *NODES):
        assert f"\n  {name}:\n" in said


def test_no_container_may_do_more_than_it_needs(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "privileged" not in service, name
        for published in service.get("ports", []):
            assert published.startswith("127.0.0.1:"), name


@pytest.mark.parametrize("name", NODES)
def test_ccfpy_takes_the_configuration_of(name: str, services: dict[str, Any]) -> None:
    service = services[name]
    variables_of = _environment(service)
    template = _template(service)
    assert variables(template) == set(variables_of)
    made = configuration(template, variables_of)
    (interface,) = made.network.rpc_interfaces.values()
    assert interface.published_address.partition(":")[0] == name
    assert made.network.node_to_node_interface.published_address.startswith(f"{name}:")
    published = {int(it.rpartition(":")[2]) for it in service["ports"]}
    assert published == {port(interface.bind_address)}
    assert made.output_files.pid_file.startswith("/run/ccfpy/")
    places = {volume.split(":")[1] for volume in service["volumes"]}
    assert {"/common", "/var/lib/ccfpy"} <= places
    if made.command.type is CommandType.JOIN:
        join = made.command.join
        assert join is not None
        assert join.target_rpc_address.partition(":")[0] in set(NODES) - {name}
    else:
        assert made.command.start is not None
        for script in made.command.start.constitution_files:
            assert share(script, ROOT).is_file()


def test_one_begins_and_the_others_join(services: dict[str, Any]) -> None:
    kinds = [
        configuration(_template(services[it]), _environment(services[it])).command.type
        for it in NODES
    ]
    assert kinds == [CommandType.START, CommandType.JOIN, CommandType.JOIN]
    assert services["open"]["command"] == list(NODES)


def podman_program(folder: Path) -> Path:
    """Make a podman that asks again if no process has begun; return its folder."""
    found = shutil.which("podman")
    assert found is not None
    words = shlex.join([sys.executable, "-I", starting.__file__, found])
    program = folder / "bin" / "podman"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
    program.chmod(0o755)
    return program.parent


class Composed:
    """The how-to, up to the current block, with a separate project and image."""

    def __init__(self, image: str, folder: Path) -> None:
        self.project = f"ccfpy-test-{os.getpid()}"
        self.image = image
        self.desk = Desk(folder)
        (folder / "deploy").symlink_to(DEPLOY)
        variables = environment() | {"CCFPY_IMAGE": image}
        for number, free in enumerate(free_ports(len(NODES))):
            variables[f"CCFPY_PORT_{number}"] = str(free)
        for name, value in variables.items():
            self.type_in(f"export {name}={shlex.quote(value)}")
        self.type_in(f"export PATH={podman_program(folder)}:$PATH")

    def blocks(self, *notes: str) -> list[str]:
        """Return the page's commands, with this project's names in them."""
        own = (
            ("localhost/ccfpy", self.image),
            ("podman-compose ", f"podman-compose -p {self.project} "),
            ("ccfpy_", f"{self.project}_"),
        )
        found = []
        for language, note, text in BLOCK.findall(PAGE.read_text()):
            if language == "sh" and note in notes:
                for word, other in own:
                    text = text.replace(word, other)  # noqa: PLW2901
                found.append(text)
        return found

    def type_in(self, text: str) -> str:
        """Type a block, which must succeed; return its output."""
        done = self.desk.type_in(text)
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def container(self, service: str) -> str:
        """Return a service's container."""
        return f"{self.project}_{service}_1"


@pytest.fixture(scope="module")
def composed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composed]:
    """Three nodes, as on the page, until the page ends."""
    need("podman-compose")
    composed = Composed(current_image(), tmp_path_factory.mktemp("desk"))
    (down,) = composed.blocks("down")
    try:
        for block in composed.blocks(""):
            composed.type_in(block)
        yield composed
    finally:
        composed.type_in(down)


def test_the_page_works_as_it_is_written(composed: Composed) -> None:
    """It begins a service, opens it, writes, and replaces a node."""
    said = podman("logs", composed.container("open"))
    assert said == "the service is open; 3 nodes keep its ledger\n"
    status = json.loads(composed.type_in("$consortium network status --json"))
    assert status["service_status"] == "Open"
    nodes = status["nodes"]
    assert {it for node in nodes for it in node["addresses"]} == {
        f"{name}:8000" for name in NODES
    }
    assert [it["status"] for it in nodes] == ["Trusted"] * len(NODES)


def test_what_was_written_to_one_is_read_from_another(composed: Composed) -> None:
    read = "$consortium call '/app/log/private?id=1' --as user0"
    assert "contained" in composed.type_in(f"{read} --url https://node-2:8000")


def test_a_node_is_two_processes_and_the_enclave_is_closed(composed: Composed) -> None:
    """The runtime's filter of system calls lets the enclave add its own."""
    container = composed.container("node-1")
    seen = podman("top", container, "pid", "ppid", "user", "seccomp", "args")
    host, enclave = seen.strip().splitlines()[1:]
    assert host.split()[:4] == ["1", "0", "ccfpy", "filter"]
    assert enclave.split()[1:4] == ["1", "ccfpy", "filter"]
    assert "-m ccfpy.enclave" in enclave
    said = podman("logs", container)
    (line,) = [it for it in said.splitlines() if "Landlock" in it]
    for layer in ("no_new_privs", "Landlock(", "no capabilities", "seccomp"):
        assert layer in line
    assert "no seccomp" not in line
    assert "no Landlock" not in line


def test_whoever_watches_containers_hears_whether_a_node_is_ready(
    composed: Composed, services: dict[str, Any]
) -> None:
    for name in NODES:
        check = services[name]["healthcheck"]["test"]
        assert check[0] == "CMD"
        podman("exec", composed.container(name), *check[1:])


def test_a_signal_stops_a_node_in_good_order(composed: Composed) -> None:
    container = composed.container("node-2")
    podman("stop", "--time", "15", container)
    ended = podman("inspect", "--format", "{{.State.ExitCode}}", container)
    assert ended.strip() == "0"
