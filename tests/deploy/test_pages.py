"""The commands of the page about Kubernetes fit the manifests and ccfpy's commands.

No cluster is available here: `test_pods` does the same with podman. `test_compose` runs
the page about containers as written.
"""

import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.deploy.test_kubernetes import MADE_BY_OPERATORS, OVERLAYS, built
from tests.deploy.tools import DEPLOY, ROOT, manifests, ok, run
from tests.pages import BLOCK

PAGE = (ROOT / "docs/howto/deploy-on-kubernetes.md").read_text()
BLOCKS = BLOCK.findall(PAGE)
TYPED = "\n".join(text for language, _, text in BLOCKS if language == "sh")
CCFPY = Path(sys.executable).with_name("ccfpy")
_LINES = TYPED.replace("\\\n", " ").splitlines()


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkout that contains the page's files."""
    folder = tmp_path_factory.mktemp("checkout")
    shutil.copytree(DEPLOY / "kubernetes", folder / "deploy/kubernetes")
    for _, note, text in BLOCKS:
        if note:
            path = folder / note
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    return folder


def test_an_overlay_of_ones_own_names_the_image_everywhere(checkout: Path) -> None:
    applied = re.findall(r"kubectl apply -k (\S+)", TYPED)
    assert len(applied) == 2
    for place in applied:
        images = re.findall(r"'image': '([^']*)'", str(manifests(checkout / place)))
        assert images == [f"registry.example/ccfpy@sha256:{'0123456789abcdef' * 4}"]


def test_the_page_tells_of_every_overlay() -> None:
    told = re.findall(r"^\| `([a-z-]+)` \|", PAGE, re.MULTILINE)
    assert sorted(told) == sorted(OVERLAYS)


def test_operators_make_what_pods_wait_for() -> None:
    files: dict[str, set[str]] = {}
    for line in _LINES:
        if found := re.search(r"create configmap (\S+)", line):
            files[found[1]] = set(re.findall(r"--from-file=(\S+)", line))
    assert set(files) == MADE_BY_OPERATORS
    joining = built("none", "").configuration.command.service_certificate_file
    assert files["ccfpy-service"] == {Path(joining).name}
    founding = built("none", "start").configuration.command.start
    assert founding is not None
    needed = {Path(it.certificate_file).name for it in founding.members}
    needed |= {
        Path(it.encryption_public_key_file or "").name for it in founding.members
    }
    assert files["ccfpy-members"] == needed


def test_what_kubectl_is_told_of_is_there() -> None:
    resources = built("none", "").resources + built("none", "start").resources
    names = {f"{it['kind']}/{it['metadata']['name']}".lower() for it in resources}
    for kind, name in re.findall(
        r"\b(job|service|statefulset)[/ ](ccfpy[\w-]*)", TYPED
    ):
        assert f"{kind}/{name}" in names
    labels = re.findall(r"-l (\S+)=(\S+)", TYPED)
    pods = [built("none", part).pod["metadata"]["labels"] for part in ("", "start")]
    for key, value in labels:
        assert any(it.get(key) == value for it in pods), f"{key}={value}"
    spaces = set(re.findall(r"kubectl -n (\S+)", TYPED))
    assert spaces == {built("none", "").one("Namespace")["metadata"]["name"]}
    local = built("none", "").configuration.node_certificate.subject_alt_names
    assert "dNSName:localhost" in local, "the page forwards a port"


def test_addresses_are_those_that_nodes_publish() -> None:
    told = set(re.findall(r"(\S+\.svc:\d+)", TYPED))
    published = set()
    for part in ("", "start"):
        made = built("none", part)
        interface = made.configuration.network.rpc_interfaces["main"]
        published.add(interface.published_address.replace("ccfpy-0.", "ccfpy-2."))
    assert told == published


def test_every_command_of_ccfpy_has_the_options_it_is_given() -> None:
    commands = [line.split() for line in _LINES if line.startswith("ccfpy ")]
    assert len(commands) >= 6
    said = {
        name: ok(run(CCFPY, *name, "--help", extra={"COLUMNS": "120"}))
        for name in {tuple(words[1:3]) for words in commands}
    }
    for words in commands:
        for option in filter(lambda word: word.startswith("--"), words):
            assert option in said[tuple(words[1:3])], f"{words}"
