"""Measures what an enclave is made of: files read and digested before anything runs.

Of ccfpy, the packages that the trusted process is made of; of an application, every
file that lies with it, whether it is imported or not. Python's caches are left out:
whoever can write them could change the measurement too, on a machine that is simulated.
"""

import hashlib
import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import ccfpy
from ccfpy.attestation.bundle import Bundle, Files, files_digest
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
)
"""The parts of ccfpy that run in the trusted process; the others never do."""

LIBRARIES = (
    "cbor2",
    "cryptography",
    "h2",
    "hpack",
    "httptools",
    "hyperframe",
    "msgpack",
    "orjson",
    "pyOpenSSL",
    "sortedcontainers",
    "wasmtime",
)
"""What it runs on besides, from other people: measured by name and version alone."""

_UNMEASURED = {"__pycache__", "node_modules"}
_PROSE = ".md"


class NotMeasured(CcfpyError):
    """Something to be measured cannot be read; the text names it."""


def measure(
    application: Path,
    *,
    interface: bytes | None = None,
    configuration: JsonObject | None = None,
) -> Bundle:
    """Measure an enclave.

    Args:
        application: its Python file or package.
        interface: the digest of all that its host may call on it; a node's if not said.
        configuration: what it is bound to besides.

    Raises:
        NotMeasured: a file of it cannot be read.
    """
    return Bundle(
        framework=framework_digest(),
        dependencies=dependencies(),
        application=application_files(application),
        interface=node_interface() if interface is None else interface,
        configuration=configuration or {},
    )


def framework_digest() -> bytes:
    """Give the digest of ccfpy's own files, as far as they run in an enclave."""
    root = Path(ccfpy.__file__).resolve().parent
    return files_digest(
        {
            path.relative_to(root).as_posix(): _digest(path)
            for name in FRAMEWORK
            for path in _files(root / name)
            if path.suffix != _PROSE
        }
    )


def application_files(application: Path) -> Files:
    """Give the digests of an application's files, by their paths within it.

    Raises:
        NotMeasured: one cannot be read.
    """
    root = application.parent if application.is_file() else application
    return {
        path.relative_to(root).as_posix(): _digest(path) for path in _files(application)
    }


def dependencies() -> dict[str, str]:
    """Give the versions of the interpreter and of the libraries beneath."""
    versions = {platform.python_implementation(): platform.python_version()}
    for name in LIBRARIES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "absent"
    return versions


def node_interface() -> bytes:
    """Give the digest of all that a node and its host can say to each other."""
    return sha256(describe_boundary().encode())


def _files(place: Path) -> Iterator[Path]:
    """Give a file, or all below a folder but caches and what is hidden."""
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
