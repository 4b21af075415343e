"""Clients that generators make of our documents: in TypeScript and in Python.

The client in TypeScript is ours, and its types are generated.
"""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from ccfpy.client.keys import KeyFiles, generate_keys
from tests.e2e.running import Running
from tests.e2e.test_typescript_app import environment
from tests.interop.environments import HERE, install_locked, missing
from tests.lab.ports import free_ports

CLIENT = Path(__file__).resolve().parents[2] / "clients/typescript"
DEADLINE_S = 120
DOCUMENTS: Mapping[str, str] = {
    "src/types/node.ts": "/node/api",
    "src/types/gov.ts": "/gov/api?api-version=2024-07-01&format=openapi3",
    "test/types/logging.ts": "/app/api",
}
PYTHON_DOCUMENTS: Mapping[str, str] = {
    "app": "/app/api",
    "node": "/node/api",
    "gov": DOCUMENTS["src/types/gov.ts"],
}


@pytest.fixture
def npm() -> None:
    """Require what ``make typescript`` installs."""
    lock, marker = CLIENT / "package-lock.json", CLIENT / "node_modules/installed"
    if not marker.is_file() or marker.stat().st_mtime < lock.stat().st_mtime:
        missing("the client in TypeScript is not there: run make typescript")


def _described(service: Running) -> dict[str, str]:
    return {
        "url": service.url,
        "service": str(service.options.service_certificate),
        "user": str(service.options.shared / "user0"),
    }


def _run(*words: str | Path, **more: str) -> None:
    done = subprocess.run(
        words,
        cwd=CLIENT,
        env={**environment(), **more},
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"


@pytest.mark.usefixtures("npm")
def test_the_types_in_typescript_are_those_of_our_documents(
    service: Running, tmp_path: Path
) -> None:
    words: list[Path] = []
    with service.connect() as anybody:
        for number, path in enumerate(DOCUMENTS.values()):
            document = tmp_path / f"{number}.json"
            document.write_bytes(anybody.get(path).body)
            words += [document, tmp_path / f"{number}.ts"]
    _run("node", "generate.js", *words)
    for number, name in enumerate(DOCUMENTS):
        made = (tmp_path / f"{number}.ts").read_text()
        assert made == (CLIENT / name).read_text(), f"{name} is not what is served"


@pytest.mark.usefixtures("npm")
def test_the_client_in_typescript_compiles_strictly_and_works_with_a_service(
    service: Running, tmp_path: Path
) -> None:
    other = KeyFiles(folder=tmp_path, name="other")
    generate_keys(other, with_encryption_key=False)
    described = _described(service) | {
        "nobody": f"https://127.0.0.1:{free_ports()[0]}",
        "other": str(other.certificate),
    }
    _run("npm", "run", "build")
    tests = sorted((CLIENT / "dist/test").glob("*.test.js"))
    assert len(tests) == len([*CLIENT.glob("test/*.test.ts")])
    _run("node", "--test", *tests, CCFPY_TEST_SERVICE=json.dumps(described))


def test_clients_in_python_are_made_without_a_warning_and_work(
    service: Running, tmp_path: Path
) -> None:
    python = install_locked("documents", "documents.lock", "openapi-python-client")
    generate = [str(python.with_name("openapi-python-client")), "generate"]
    generate += ["--config", str(HERE / "generated.yml"), "--meta", "none"]
    with service.connect() as anybody:
        for name, path in PYTHON_DOCUMENTS.items():
            document = tmp_path / f"{name}.json"
            document.write_bytes(anybody.get(path).body)
            made = ["--output-path", str(tmp_path / name), "--fail-on-warning"]
            _run(*generate, "--path", document, *made)
    done = subprocess.run(
        [python, "-I", HERE / "use_generated.py"],
        input=json.dumps({"folder": str(tmp_path), **_described(service)}),
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "written": True,
        "read": "generated",
        "missing": "ResourceNotFound",
        "is_known": True,
    }
