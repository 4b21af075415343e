"""The tools that make and check images and manifests.

The person who runs the tests installs Debian's packages. The checker of manifests is in
a separate environment, with its own lock, since its dependencies are not ours.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import pytest

from ccfpy.base.json import JsonObject

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
HERE = Path(__file__).resolve().parent
ENVIRONMENT = ROOT / ".venv-kubernetes"
LOCK = HERE / "kubernetes.lock"
VERSIONS = ("1.30", "1.33", "1.37")
"""The versions of Kubernetes for which manifests must be valid."""
INSTALL_TIMEOUT_S = 240
TIMEOUT_S = 120


def run(
    *words: str | Path,
    stdin: bytes = b"",
    cwd: Path | None = None,
    extra: Mapping[str, str] | None = None,
    timeout_s: float = TIMEOUT_S,
) -> subprocess.CompletedProcess[bytes]:
    """Run a program to its end, with a few more variables."""
    return subprocess.run(
        [str(word) for word in words],
        input=stdin,
        cwd=cwd,
        env={**os.environ, **(extra or {})},
        capture_output=True,
        timeout=timeout_s,
        check=False,
    )


def ok(done: subprocess.CompletedProcess[bytes]) -> str:
    """Run a program that must succeed; return its output."""
    said = done.stdout.decode(errors="replace")
    wrong = done.stderr.decode(errors="replace")
    assert done.returncode == 0, f"{done.args}\n{said}\n{wrong}"
    return said


def need(*programs: str) -> None:
    """Skip a test if a program is missing; in CI, which installs it, fail the test."""
    for program in programs:
        if shutil.which(program) is None:
            missing(f"{program} is not here: apt-get install {program}")


def missing(message: str) -> NoReturn:
    """Skip a test if a requirement is missing; in CI, where it must exist, fail the
    test."""
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def manifests(folder: Path) -> list[JsonObject]:
    """Build a kustomization, check it, and return its resources.

    Fails the test if Kubernetes does not accept a resource, in each of ``VERSIONS``.
    """
    need("kustomize")
    built = run("kustomize", "build", folder)
    ok(built)
    resources: list[JsonObject] = json.loads(_judge(built.stdout, VERSIONS))
    return resources


def read_yaml(file: Path) -> JsonObject:
    """Read a file of one YAML document."""
    (document,) = json.loads(_judge(file.read_bytes(), ()))
    read: JsonObject = document
    return read


def _judge(manifests: bytes, versions: Sequence[str]) -> str:
    program = HERE / "judge_manifests.py"
    return ok(run(_python(), "-I", program, *versions, stdin=manifests))


def _python() -> Path:
    """Return the Python that has the checker of manifests; its environment is made
    once."""
    python = ENVIRONMENT / "bin" / "python"
    marker = ENVIRONMENT / "installed"  # the Makefile's: whoever comes first makes it
    if not (marker.is_file() and marker.stat().st_mtime >= LOCK.stat().st_mtime):
        if not python.is_file():
            _install(sys.executable, "-m", "venv", ENVIRONMENT)
        words = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _install(python, *words, "--require-hashes", "-r", LOCK)
        marker.touch()
    return python


def _install(*words: str | Path) -> None:
    done = run(*words, timeout_s=INSTALL_TIMEOUT_S)
    if done.returncode != 0:
        last = (done.stderr.decode().strip().splitlines() or ["no reason given"])[-1]
        missing(f"what judges manifests cannot be installed: {last}")


def objects(value: object) -> Sequence[JsonObject]:
    """Return a value that must be a JSON list of objects."""
    assert isinstance(value, list), value
    assert all(isinstance(item, dict) for item in value), value
    return value
