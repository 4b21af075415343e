"""The image: its content, its user, and that it needs no further rights."""

import json
import re
from collections.abc import Iterator

import pytest

from tests.deploy.containers import BASE, current_image, inspect, podman
from tests.deploy.tools import DEPLOY, ROOT, run

PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)
IMAGE_BYTES_MAX = 200_000_000
CONTAINED = (
    *("--read-only", "--read-only-tmpfs=false", "--cap-drop", "all"),
    *("--security-opt", "no-new-privileges"),
)
"""The requirements of Kubernetes' strictest standard for a container."""


@pytest.fixture(scope="module")
def image() -> Iterator[str]:
    return (yield current_image())


def _inside(image: str, program: str) -> str:
    """Run a line of Python in the image."""
    python = "/opt/ccfpy/bin/python"
    words = ("run", "--rm", *CONTAINED, "--network", "none", "--entrypoint", python)
    return podman(*words, image, "-I", "-c", program)


def test_it_is_small_and_belongs_to_no_time(image: str) -> None:
    known = inspect("image", image)
    assert known["Size"] < IMAGE_BYTES_MAX
    assert known["Created"].startswith("1970-01-01T00:00:00")
    told = json.dumps([known["Annotations"], known.get("History")])
    assert BASE not in told, "what a base is called is this machine's matter"


def test_it_runs_as_nobody_in_particular(image: str) -> None:
    settings = inspect("image", image)["Config"]
    assert settings["User"] == "10001:10001"
    assert settings["WorkingDir"] == "/var/lib/ccfpy"
    assert (
        _inside(image, "import os; print(os.getuid(), os.getgid())") == "10001 10001\n"
    )


def test_the_command_line_needs_no_file_to_be_written(image: str) -> None:
    said = podman("run", "--rm", *CONTAINED, "--network", "none", image, "--version")
    assert said.startswith("ccfpy ")
    checked = podman("run", "--rm", *CONTAINED, "--network", "none", image, "doctor")
    assert "ok   dependencies" in checked
    assert "ok   shipped files" in checked


def test_nothing_in_it_builds_or_installs(image: str) -> None:
    program = """
import os, importlib.util, json
found = {name for place in os.environ["PATH"].split(":") for name in os.listdir(place)}
modules = [m for m in ("pip", "setuptools", "hatchling", "ensurepip")
           if importlib.util.find_spec(m)]
print(json.dumps([sorted(found), modules]))
"""
    programs, modules = json.loads(_inside(image, program))
    tools = re.compile(
        r"(pip[\d.]*|apt.*|dpkg.*|gcc.*|cc|ld|as|make|perl|curl|wget|tar|hatch.*)$"
    )
    assert [name for name in programs if tools.match(name)] == []
    assert modules == []
    assert {"ccfpy", "python3"} <= set(programs)


def test_it_has_what_the_lock_says_and_no_more(image: str) -> None:
    program = """
import json
from importlib.metadata import distributions
print(json.dumps({d.metadata["Name"]: d.version for d in distributions()}))
"""
    there = json.loads(_inside(image, program))
    del there["ccfpy"]
    locked = dict(PIN.findall((ROOT / "requirements.lock").read_text()))

    def plain(versions: dict[str, str]) -> dict[str, str]:
        return {re.sub(r"[-_.]+", "-", n).lower(): v for n, v in versions.items()}

    assert plain(there).items() <= plain(locked).items()
    assert {"cryptography", "wasmtime", "uvloop"} <= set(there)


def test_it_tells_scanners_which_packages_are_in_it(image: str) -> None:
    program = """
import os
place = "/var/lib/dpkg/status.d"
for name in os.listdir(place):
    fields = dict(l.split(": ", 1) for l in open(f"{place}/{name}") if ": " in l)
    assert fields["Package"].strip() == name and fields["Version"], name
print(*sorted(os.listdir(place)))
"""
    assert {"libc6", "libssl3t64", "python3.13-minimal"} <= set(
        _inside(image, program).split()
    )


def test_all_that_python_would_compile_is_compiled(image: str) -> None:
    program = """
import importlib.util, json, pathlib, sys
bare = [str(file) for root in ("/opt/ccfpy/lib", "/usr/lib/python3.13")
        for file in pathlib.Path(root).rglob("*.py")
        if not pathlib.Path(importlib.util.cache_from_source(str(file))).exists()]
print(json.dumps(bare))
"""
    assert json.loads(_inside(image, program)) == []


def test_what_builds_is_what_is_locked_for_everybody() -> None:
    """The tools of the first stage are pins of the development lock, hashes too."""
    stage = (DEPLOY / "image/build.lock").read_text()
    locked = (ROOT / "requirements-dev.lock").read_text()
    pins = PIN.findall(stage)
    assert "hatchling" in dict(pins)
    for name, version in pins:
        block = re.compile(
            rf"^{re.escape(f'{name}=={version}')} \\\n(?:    --hash=\S+(?: \\)?\n)+",
            re.MULTILINE,
        )
        mine, theirs = block.search(stage), block.search(locked)
        assert mine, name
        assert theirs, f"{name}: make lock"
        assert set(mine[0].split()) == set(theirs[0].split())


# The variant with inference: what is locked, without building it


def _pins(name: str) -> dict[str, str]:
    return dict(PIN.findall((ROOT / name).read_text()))


def test_the_variant_adds_the_engine_of_models_and_changes_nothing() -> None:
    plain, more = _pins("requirements.lock"), _pins("requirements-inference.lock")
    assert plain.items() <= more.items()
    added = {name: more[name] for name in more.keys() - plain.keys()}
    assert {"numpy", "onnxruntime"} <= added.keys()
    assert added.items() <= _pins("requirements-dev.lock").items(), "tests run these"


def test_the_variant_has_hashes_for_all_that_it_adds() -> None:
    text = (ROOT / "requirements-inference.lock").read_text()
    for name, version in _pins("requirements-inference.lock").items():
        begin = text.index(f"{name}=={version}")
        assert "--hash=sha256:" in text[begin:].split("\n", 2)[1], name


def test_a_variant_that_there_is_not_is_refused_before_anything_is_built() -> None:
    done = run(DEPLOY / "image/build", extra={"VARIANT": "interference"})
    assert done.returncode == 2
    told = (
        "there is no variant 'interference'; leave VARIANT out, or set it to inference"
    )
    assert done.stderr.decode() == f"{told}\n"


def test_each_lock_of_the_image_reaches_the_build() -> None:
    build = (DEPLOY / "image/build").read_text()
    locks = set(re.findall(r"lock=(\S+)", build))
    assert locks == {"requirements.lock", "requirements-inference.lock"}
    let_in = (DEPLOY / "image/Containerfile.containerignore").read_text().splitlines()
    assert {f"!{lock}" for lock in locks} <= set(let_in)
