"""Measures what an enclave is made of: files read and digested before anything runs.

Measured are the packages of ccfpy in the trusted process, and every file in an
application's folder, whether it is imported or not. Python's caches are left out: on a
simulated machine a person who can write caches could change the measurement too.
The mark of a debug build is not measured: it is the word of the signer, who writes it
into the manifest (`attestation/manifest.py`) as a part of the enclave's identity
(`attestation/identity.py`).
"""

import contextlib
import hashlib
import platform
import re
import ssl
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import ccfpy
from ccfpy.attestation.manifest import Bundle, Files, files_digest
from ccfpy.base.errors import CcfpyError
from ccfpy.base.json import JsonObject
from ccfpy.boundary.schema import describe_boundary
from ccfpy.crypto.hashing import sha256

FRAMEWORK = (
    "__init__.py",
    "app.py",
    "attestation",
    "base",
    "boundary",
    "consensus",
    "crypto",
    "enclave",
    "endpoints",
    "gov",
    "http",
    "js",
    "kv",
    "ledger",
    "node",
    "service",
    "toolkit/__init__.py",
    "toolkit/enclave",
    "toolkit/interfaces",
)
"""The parts of ccfpy that run in a trusted process; the others never do."""

COMPILED = "ccfpy_compiled__mypyc"
"""How the name of the library begins, beside the package, that holds what of them is
compiled."""

LIBRARIES = (
    "cbor2",
    "cryptography",
    "h2",
    "httptools",
    "msgpack",
    "orjson",
    "pyopenssl",
    "sortedcontainers",
    "wasmtime",
)
"""What it runs on besides, from other people, with what that needs in turn: measured by
name and version alone."""

INTERPRETER = "python"
"""The name under which the measured versions list the interpreter's kind and
version."""
OPENSSL = "openssl"
"""The name of the OpenSSL that Python found, which hashes, and ends TLS (ADR 16)."""

_UNMEASURED = {"__pycache__", "node_modules"}
_PROSE = ".md"
_INIT = "__init__.py"
_REQUIREMENT = re.compile(r"[A-Za-z0-9][\w.-]*")
_EXTRA = re.compile(r";.*\bextra\b")


class NotMeasured(CcfpyError):
    """Something to be measured cannot be read; the text names it."""


def measure(
    application: Path,
    *,
    interface: bytes | None = None,
    configuration: JsonObject | None = None,
    packages: Iterable[str] = (),
) -> Bundle:
    """Measure an enclave.

    Args:
        application: its Python file or package.
        interface: the digest of the enclave's interface; by default a node's.
        configuration: further data to which the measurement is bound.
        packages: installed packages of the application beyond ccfpy's libraries.

    Raises:
        NotMeasured: a file of it cannot be read.
    """
    return Bundle(
        framework=framework_digest(),
        dependencies=dependencies(packages),
        application=application_files(application),
        interface=node_interface() if interface is None else interface,
        configuration=configuration or {},
    )


def framework_digest() -> bytes:
    """Return the digest of ccfpy's own files, as far as they run in an enclave."""
    root = Path(ccfpy.__file__).resolve().parent
    compiled = {path.name: _digest(path) for path in root.parent.glob(f"{COMPILED}.*")}
    return files_digest(
        compiled
        | {
            path.relative_to(root).as_posix(): _digest(path)
            for name in FRAMEWORK
            for path in _files(root / name)
            if path.suffix != _PROSE
        }
    )


def application_files(application: Path) -> Files:
    """Return the digests of an application's files, by their paths within it.

    Packages around it run when it is imported: their ``__init__.py`` count too.

    Raises:
        NotMeasured: one cannot be read.
    """
    root = application.parent if application.is_file() else application
    files = {
        path.relative_to(root).as_posix(): _digest(path) for path in _files(application)
    }
    around, up = (root, "") if application.is_file() else (root.parent, "../")
    while (around / _INIT).is_file():
        files[f"{up}{_INIT}"] = _digest(around / _INIT)
        around, up = around.parent, f"../{up}"
    return files


def dependencies(packages: Iterable[str] = ()) -> dict[str, str]:
    """Return the versions of the interpreter, its OpenSSL and the libraries beneath.

    Args:
        packages: further ones, by the names under which they are installed; what they
            need in turn is found.
    """
    interpreter = f"{platform.python_implementation()} {platform.python_version()}"
    versions = {INTERPRETER: interpreter, OPENSSL: ssl.OPENSSL_VERSION}
    for name in sorted(_closure([*LIBRARIES, *packages]) - versions.keys()):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "absent"
    return versions


def package_name(name: str) -> str:
    """Write a package's name the one way (PyPA's *name normalization*)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _closure(packages: Iterable[str]) -> set[str]:
    """Return packages with all that they need, as far as it is installed."""
    found: set[str] = set()
    waiting = [package_name(package) for package in packages]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        with contextlib.suppress(PackageNotFoundError):
            waiting += [it for it in map(_needed, requires(name) or ()) if it]
    return found


def _needed(requirement: str) -> str | None:
    """Return the package of a requirement, unless it is an extra or not installed."""
    match = _REQUIREMENT.match(requirement)
    if match is None or _EXTRA.search(requirement):
        return None
    try:
        version(match[0])
    except PackageNotFoundError:
        return None
    return package_name(match[0])


def node_interface() -> bytes:
    """Return the digest of all that a node and its host can say to each other."""
    return sha256(describe_boundary().encode())


def _files(place: Path) -> Iterator[Path]:
    """Yield a file, or all files below a folder except caches and hidden ones."""
    if place.is_file():
        yield place
        return
    for path in sorted(place.rglob("*")):
        names = path.relative_to(place).parts
        hidden = any(name in _UNMEASURED or name.startswith(".") for name in names)
        if not hidden and path.is_file():
            yield path


def _digest(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        raise NotMeasured(
            f"cannot measure {path}: {(error.strerror or str(error)).lower()}"
        ) from error
