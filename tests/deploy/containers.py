"""Builds images and runs containers for tests, as this machine allows.

The working runtime depends on the machine: crun does not run if both versions of
control groups exist, and runc does not run if none exists. The tests use the first
runtime that starts a container. If no runtime does, the tests that run containers are
skipped, with the reason.
"""

import faulthandler
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.starting import ATTEMPTS_MAX, run_podman
from tests.deploy.tools import DEPLOY, ROOT, TIMEOUT_S, need, ok, run
from tests.house.tree import files

BASE = "localhost/ccfpy-test-base"
IMAGE = "localhost/ccfpy-test"
VARIANTS = ("", "inference")
"""The images that are built: of a node alone, and of a node that runs models too."""
SOURCES = "ccfpy.sources"
"""The label that names the sources of an image."""
COPIED = (
    *("ccfpy", "governance", "apps", "deploy"),
    *(".gitignore", "LICENSE", "README.md", "pyproject.toml", "requirements.lock"),
    "requirements-inference.lock",
)
"""The files that the Containerfile copies, and those that build it."""
RUNTIMES = ("crun", "runc")
BUILD_S = 600
QUIET = {"PODMAN_IGNORE_CGROUPSV1_WARNING": "1"}


@cache
def environment() -> dict[str, str]:
    """Return the variables with which podman runs containers here.

    Skips the test if podman cannot run containers.
    """
    need("podman", "buildah", "mmdebstrap")
    build_base()
    reasons: dict[str, str] = {}
    for _ in range(ATTEMPTS_MAX):
        for runtime in filter(shutil.which, RUNTIMES):
            settings = Path(tempfile.gettempdir()) / f"ccfpy-test-{runtime}.conf"
            settings.write_text(f'[engine]\nruntime = "{runtime}"\n')
            chosen = QUIET | {"CONTAINERS_CONF_OVERRIDE": str(settings)}
            words = ("run", "--rm", f"{BASE}:run", "/usr/bin/python3", "-c", "0")
            tried = run("podman", *words, extra=chosen)
            if tried.returncode == 0:
                return chosen
            reasons[runtime] = tried.stderr.decode(errors="replace").strip()
    pytest.skip(f"no container starts on this machine: {reasons}")


def ask_podman(
    *words: str | Path, timeout_s: float = TIMEOUT_S
) -> subprocess.CompletedProcess[bytes]:
    """Run podman to its end, with a runtime that works here."""
    return run_podman(
        "podman",
        [str(word) for word in words],
        variables={**os.environ, **environment()},
        timeout_s=timeout_s,
    )


def podman(*words: str | Path, timeout_s: float = TIMEOUT_S) -> str:
    """Run podman, which must succeed; return its output."""
    return ok(ask_podman(*words, timeout_s=timeout_s))


def inspect(kind: str, name: str) -> dict[str, Any]:
    """Return podman's description of an image or a container."""
    (found,) = json.loads(podman(kind, "inspect", name))
    known: dict[str, Any] = found
    return known


def exists(image: str) -> bool:
    """Return whether there is such an image."""
    return run("podman", "image", "exists", image, extra=QUIET).returncode == 0


def sources() -> list[Path]:
    """List the files that an image is made of."""
    return [it for it in files() if it.relative_to(ROOT).parts[0] in COPIED]


def sources_digest(paths: Sequence[Path]) -> str:
    """Return a digest of files, including their names."""
    digest = hashlib.sha256()
    for path in paths:
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(ROOT)} {content}\n".encode())
    return digest.hexdigest()


def build_base(prefix: str = BASE) -> None:
    """Make the base images, unless they exist."""
    if not exists(f"{prefix}:run") or not exists(f"{prefix}:build"):
        make_base(prefix)


def make_base(prefix: str, variant: str = "") -> None:
    """Make the base images of Debian's packages, and the variant's."""
    variables = QUIET | {"VARIANT": variant}
    ok(run(DEPLOY / "image/base", prefix, extra=variables, timeout_s=BUILD_S))


def build(
    tag: str, folder: Path, *, digest: str, base: str = BASE, variant: str = ""
) -> None:
    """Build an image of a copy of the sources."""
    program, label = folder / "deploy/image/build", f"{SOURCES}={digest}"
    variables = QUIET | {"BASE": base, "VARIANT": variant}
    done = run(program, tag, "--label", label, extra=variables, timeout_s=BUILD_S)
    ok(done)


def copy_sources(folder: Path) -> str:
    """Copy the files of an image, so that they stay unchanged; return their digest."""
    paths = sources()
    for path in paths:
        copy = folder / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    return sources_digest(paths)


def tag_of(digest: str, variant: str = "") -> str:
    """Return the name of the image of some sources."""
    name = f"{IMAGE}-{variant}" if variant else IMAGE
    return f"{name}:{digest[:12]}"


def image_made(variant: str) -> str:
    """Return an image of the current sources that somebody has made.

    Skips the test if nobody has: the image takes minutes, also where tests are many.
    """
    environment()
    tag = tag_of(sources_digest(sources()), variant)
    if not exists(tag):
        pytest.skip(f"{tag} is not here: make image-check VARIANT={variant}")
    return tag


def current_image() -> str:
    """Return an image of the current sources; build it unless it exists."""
    environment()
    tag = tag_of(sources_digest(sources()))
    if not exists(tag):
        faulthandler.cancel_dump_traceback_later()  # this takes long, and has a bound
        with tempfile.TemporaryDirectory() as place:
            build(tag, Path(place), digest=copy_sources(Path(place)))
        _forget_all_but(tag)
    return tag


def _forget_all_but(tag: str) -> None:
    """Remove the images of earlier sources, unless a container still uses them."""
    words = ["--format", "{{.Repository}}:{{.Tag}}", IMAGE]
    for image in ok(run("podman", "images", *words, extra=QUIET)).split():
        if image != tag:
            run("podman", "image", "rm", image, extra=QUIET)
