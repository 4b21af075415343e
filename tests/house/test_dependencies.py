"""Each library has its reason, its one place and its hash."""

import re
import subprocess
import sys
import tomllib

import pytest

from tests.house.tree import ROOT, modules

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
DEPENDENCIES: list[str] = PYPROJECT["project"]["dependencies"]
EXTRAS: dict[str, list[str]] = PYPROJECT["project"]["optional-dependencies"]
DEV = EXTRAS["dev"]
OPTIONAL = [item for name in EXTRAS if name != "dev" for item in EXTRAS[name]]

PLACES = {
    "cryptography": (
        "ccfpy/crypto/",
        "ccfpy/testing/entropy.py",
        "ccfpy/devtools/token_signer.py",
        "apps/scitt/",
    ),
    "cbor2": ("ccfpy/crypto/",),
    "OpenSSL": ("ccfpy/http/openssl.py", "ccfpy/http/tls_calls.py"),
    "httptools": ("ccfpy/http/",),
    "h2": ("ccfpy/http/http2_library.py",),
    "msgpack": ("ccfpy/boundary/wire.py",),
    "msgspec": ("ccfpy/base/msgspec_models.py",),
    "wasmtime": ("ccfpy/js/quickjs/native.py",),
    "orjson": ("ccfpy/", "apps/"),
    "aiohttp": ("ccfpy/client/", "ccfpy/cli/", "ccfpy/console/", "ccfpy/host/"),
    "pydantic": ("ccfpy/host/", "ccfpy/cli/", "ccfpy/base/pydantic_models.py"),
    "pydantic_core": ("ccfpy/host/", "ccfpy/cli/"),
    "sortedcontainers": ("ccfpy/",),
    "typer": ("ccfpy/cli/",),
    "rich": ("ccfpy/cli/",),
    "uvloop": ("ccfpy/host/", "ccfpy/enclave/"),
    "distributed": ("ccfpy/audit/cluster.py",),
    "opentelemetry": ("ccfpy/host/traces.py",),
    "pyarrow": ("ccfpy/audit/parquet.py",),
    "pkcs11": ("ccfpy/client/signers/pkcs11.py",),
    "numpy": ("apps/inference/",),
    "onnxruntime": ("apps/inference/engine.py",),
    "pytest": ("ccfpy/testing/plugin.py",),
    "mypy_extensions": ("ccfpy/base/compiling.py",),
}
"""Where each library may be imported, by the name under which it is imported."""

DISTRIBUTIONS = {
    "OpenSSL": ["pyOpenSSL"],
    "pydantic_core": ["pydantic"],
    "pkcs11": ["python-pkcs11"],
    "opentelemetry": ["opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http"],
}
"""Libraries whose packages have other names than their module."""

CHECKED_ONLY = {"mypy_extensions"}
"""Libraries that come with the type checker, which alone imports them."""


def _name(requirement: str) -> str:
    match = re.match(r"[\w.-]+", requirement)
    assert match is not None
    return match[0]


def _third_party() -> dict[str, set[str]]:
    """Map each third-party module imported by what we ship to its importers."""
    known = {*sys.stdlib_module_names, "ccfpy", "apps"}
    importers: dict[str, set[str]] = {}
    for module in modules("ccfpy", "apps"):
        for name in {
            imported.split(".")[0] for imported in module.outline.imports
        } - known:
            importers.setdefault(name, set()).add(module.path)
    return importers


def test_each_library_is_imported_in_its_one_place() -> None:
    strayed = [
        f"{path} imports {library}"
        for library, paths in _third_party().items()
        for path in sorted(paths)
        if not path.startswith(PLACES.get(library, ("nowhere",)))
    ]
    assert not strayed


def test_every_dependency_is_used_and_everything_used_is_a_dependency() -> None:
    used = {
        package.lower()
        for name in _third_party().keys() - CHECKED_ONLY
        for package in DISTRIBUTIONS.get(name, [name])
    }
    wanted = {_name(requirement).lower() for requirement in (*DEPENDENCIES, *OPTIONAL)}
    assert used == wanted


def test_every_dependency_gives_its_reason() -> None:
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    bare = [
        requirement
        for requirement in (*DEPENDENCIES, *OPTIONAL, *DEV)
        if not any(requirement in line and "# " in line for line in lines)
    ]
    assert not bare


def test_the_locks_hold_every_dependency_with_its_hashes() -> None:
    for lock, wanted in {
        "requirements.lock": DEPENDENCIES,
        "requirements-dev.lock": [*DEPENDENCIES, *OPTIONAL, *DEV],
    }.items():
        text = (ROOT / lock).read_text()
        pinned = re.findall(
            r"^([\w.-]+)==[^\\\n]+\\\n +--hash=sha256:", text, re.MULTILINE
        )
        assert len(pinned) == len(re.findall(r"^[\w.-]+==", text, re.MULTILINE)), lock
        missing = {_name(item).lower() for item in wanted} - set(pinned)
        assert not missing, f"{lock}: run make lock"


def test_both_locks_pin_the_same_versions() -> None:
    def pins(lock: str) -> set[str]:
        return set(
            re.findall(r"^[\w.-]+==\S+", (ROOT / lock).read_text(), re.MULTILINE)
        )

    assert pins("requirements.lock") <= pins("requirements-dev.lock")


LOADED = """
import importlib, sys
before = set(sys.modules)
for name in sys.argv[1:]:
    importlib.import_module(name)
found = {name.split(".")[0] for name in set(sys.modules) - before}
print(*sorted(found - set(sys.stdlib_module_names)))
"""


@pytest.mark.parametrize(
    ("package", "libraries"), [("consensus", set()), ("kv", {"sortedcontainers"})]
)
def test_what_other_programs_may_use_alone_needs_no_other_library(
    package: str, libraries: set[str]
) -> None:
    names = [each.name for each in modules("ccfpy") if each.package == package]
    assert names
    said = subprocess.run(
        [sys.executable, "-c", LOADED, *names],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert set(said.split()) == {"ccfpy", *libraries}
