"""The image with inference in a container, from a model's file to a verified answer.

The page is run as it is written, with an image that ``make image-check
VARIANT=inference`` has made. Without that image the run is skipped. The test
`test_inference_attested` goes the same way without containers.
"""

import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ccfpy.boundary.configuration import CommandType
from tests.deploy.containers import environment, image_made
from tests.deploy.templates import configuration, port, share, variables
from tests.deploy.test_compose import podman_program
from tests.deploy.tools import DEPLOY, ROOT, need, ok, read_yaml, run
from tests.lab.ports import free_ports
from tests.pages import BLOCK, Desk

FOLDER = DEPLOY / "compose"
FILE = FOLDER / "inference.yaml"
TEMPLATE = FOLDER / "inference.json"
PAGE = ROOT / "docs/howto/deploy-confidential-inference.md"


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    services = read_yaml(FILE)["services"]
    assert isinstance(services, dict)
    return services


def test_the_tool_takes_the_file_of_inference(tmp_path: Path) -> None:
    need("podman-compose")
    said = ok(run("podman-compose", "-f", FILE, "config", cwd=tmp_path))
    for name in ("keys", "node-0", "open"):
        assert f"\n  {name}:\n" in said


def test_a_container_with_a_model_may_do_no_more(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
    (published,) = services["node-0"]["ports"]
    assert published.startswith("127.0.0.1:")


def test_ccfpy_takes_the_configuration_of_the_node(services: dict[str, Any]) -> None:
    node = services["node-0"]
    template = TEMPLATE.read_text()
    assert variables(template) == {"NODE"}
    made = configuration(template, node["environment"])
    assert made.command.type is CommandType.START
    assert made.command.start is not None
    scripts = made.command.start.constitution_files
    for script in scripts:
        assert share(script, ROOT).is_file()
    names = [script.rpartition("/")[2] for script in scripts]
    assert names[0] == names[2] == "actions.js"
    assert names[1] == "simulated_attestation_actions.js"
    (interface,) = made.network.rpc_interfaces.values()
    assert port(interface.bind_address) == int(node["ports"][0].rpartition(":")[2])


def test_the_node_runs_what_was_signed_on_the_machine_that_was_made(
    services: dict[str, Any],
) -> None:
    (script,) = services["keys"]["command"]
    node = services["node-0"]
    signed = node["command"][-1]
    assert f"--out {signed}" in script
    assert node["command"][1:3] == ["--wait-for", signed], "it is made last"
    assert f"--machine {node['environment']['CCFPY_SIMULATED_PLATFORM']}" in script
    assert node["environment"]["CCF_PLATFORM_OVERRIDE"] == "Simulated"


# The page, in containers


class Emulated:
    """The page's commands, with a project, a port and an image of their own."""

    def __init__(self, image: str, desk: Desk) -> None:
        self.project = f"ccfpy-inference-test-{os.getpid()}"
        self.desk = desk
        self._image = image
        for name in ("deploy", "ccfpy"):
            (desk.folder / name).symlink_to(ROOT / name)
        said = environment() | {
            "CCFPY_IMAGE": image,
            "CCFPY_PORT_0": str(free_ports(1)[0]),
        }
        for name, value in said.items():
            self.type_in(f"export {name}={shlex.quote(value)}")
        self.type_in(f"export PATH={podman_program(desk.folder)}:$PATH")

    def blocks(self) -> Iterator[tuple[str, str, str]]:
        """Yield the page's blocks, with this project's names in them."""
        for language, note, text in BLOCK.findall(PAGE.read_text()):
            for word, other in (
                ("localhost/ccfpy-inference", self._image),
                ("podman-compose -f", f"podman-compose -p {self.project} -f"),
                ("ccfpy-inference_", f"{self.project}_"),
            ):
                text = text.replace(word, other)  # noqa: PLW2901
            yield language, note, text

    def type_in(self, text: str, *, code: int = 0) -> str:
        """Type a block, which must exit with this code; return its output."""
        done = self.desk.type_in(text, as_on_a_terminal=True)
        assert done.returncode == code, f"{text}\n{done.stdout}"
        return done.stdout


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return what the page's commands print, until the page ends."""
    need("podman-compose")
    image = image_made("inference")
    emulated = Emulated(image, Desk(tmp_path_factory.mktemp("desk")))
    emulated.desk.folder.chmod(0o755)  # containers read it as another user
    blocks = [*emulated.blocks()]
    (down,) = [text for _, note, text in blocks if note == "down"]
    printed = []
    try:
        for language, note, text in blocks:
            if language == "sh" and note in ("", "fails"):
                code = 1 if note == "fails" else 0
                printed.append(emulated.type_in(text, code=code))
            elif language == "python":
                (emulated.desk.folder / note).write_text(text)
        yield "".join(printed)
    finally:
        emulated.type_in(down)


def test_the_page_leads_from_a_models_file_to_a_verified_answer(said: str) -> None:
    assert "the service is open; 1 nodes keep its ledger\n" in said
    assert "\npython\n" in said, "the label of the question"


def test_another_policy_is_told_what_differs(said: str) -> None:
    assert (
        "the machine's firmware is too old: expected part 0 at 2 or later, found 1\n"
        in said
    )
    assert "the host data is none that is expected: expected " in said
    assert "nothing says what the enclave's evidence must be; name a policy" in said
