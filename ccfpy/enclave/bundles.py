"""Applications by a path or a name, and signed ones by their manifests.

A manifest stands beside the application that it names. What it says is checked against
the bytes that are there before any of them is run.

Refuses a signed application that loaded unmeasured code.

The application's own files and the framework's files are measured. Versions of
installed packages are measured if the signer named the packages. The application is
refused after loading if it imported anything else. Its signer already vouches for what
its code does while it loads.
"""

import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from pathlib import Path

import ccfpy
from ccfpy.attestation.manifest import Manifest
from ccfpy.base.errors import CcfpyError
from ccfpy.base.limits import STATEMENT_BYTES_MAX
from ccfpy.enclave.application import ApplicationNotLoaded, find_application
from ccfpy.enclave.importing import find_code
from ccfpy.enclave.measuring import FRAMEWORK, package_name

SUFFIX = ".enclave"
"""Of a manifest's file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundApplication:
    """An application that is to be loaded.

    Attributes:
        path: its file or folder.
        manifest: the signer's manifest; nothing if the application is unsigned.
    """

    path: Path
    manifest: Manifest | None = None


def find(name: str) -> FoundApplication:
    """Find what an application's name, its path or its manifest's path stands for.

    Raises:
        ApplicationNotLoaded: there is nothing of that name, or a manifest that does not
            hold.
    """
    place = Path(name)
    if place.suffix != SUFFIX or not place.is_file():
        return FoundApplication(path=find_application(name))
    manifest = read_manifest(place)
    beside = find_code([place.resolve().parent / manifest.name])
    path = beside or find_application(manifest.name.removesuffix(".py"))
    return FoundApplication(path=path, manifest=manifest)


def read_manifest(place: Path) -> Manifest:
    """Read a manifest's file.

    Raises:
        ApplicationNotLoaded: it cannot be read, or does not hold.
    """
    try:
        with place.open("rb") as file:
            return Manifest.read(file.read(STATEMENT_BYTES_MAX + 1))
    except (OSError, CcfpyError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ApplicationNotLoaded(
            f"{place} is no signed enclave: {reason}; make it with ccfpy enclave sign"
        ) from error


def check_measured(found: FoundApplication, *, interface: bytes | None = None) -> None:
    """Measure a signed application, and check that it is what was signed.

    Args:
        found: with its manifest.
        interface: as for ``measure``.

    Raises:
        ApplicationNotLoaded: it is something else.
    """
    # Loaded for what is signed alone: others should not start later for it.
    from ccfpy.enclave.measuring import measure  # noqa: PLC0415

    manifest = found.manifest
    assert manifest is not None, "only what is signed can be checked"
    try:
        measured = measure(
            found.path,
            interface=interface,
            configuration=manifest.bundle.configuration,
            packages=manifest.bundle.dependencies,
        )
        measured.check_same(manifest.bundle)
    except CcfpyError as error:
        raise ApplicationNotLoaded(
            f"the enclave {manifest.name!r} is not what was signed: {error}; sign it "
            "anew, or put back what was changed"
        ) from error


_ROOT = Path(ccfpy.__file__).resolve().parent
_INSTALLED = {"site-packages", "dist-packages"}
"""Folders of what is installed, wherever they are."""
_PYTHON = {
    Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib")
}


def check_loaded(found: FoundApplication, *, before: frozenset[str]) -> None:
    """Check that a signed application loaded what was measured, and nothing else.

    Args:
        found: with its manifest.
        before: the modules that there were before it was loaded.

    Raises:
        ApplicationNotLoaded: it did; the text says what to sign it with.
    """
    assert found.manifest is not None, "of others nothing was measured"
    strangers: set[str] = set()
    for name, file in _new_modules(before):
        if _is_of(found.path, file):
            continue
        if _is_installed(file):
            strangers.add(name.partition(".")[0])
        elif not _is_framework(file) and not _is_python(file):
            raise ApplicationNotLoaded(
                f"the enclave {found.manifest.name!r} loads {file}, which is not part "
                "of what was signed; put it into the application's package"
            )
    named = found.manifest.bundle.dependencies.keys()
    providers = packages_distributions() if strangers else {}
    for stranger in sorted(strangers):
        packages = providers.get(stranger, [stranger])
        if named.isdisjoint(map(package_name, packages)):
            raise ApplicationNotLoaded(
                f"the enclave {found.manifest.name!r} uses the package {packages[0]}, "
                "which is not part of what was signed; sign it with "
                f"--package {packages[0]}"
            )


def _new_modules(before: frozenset[str]) -> Iterator[tuple[str, Path]]:
    """Return the modules with files of their own that were loaded since."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if name not in before and isinstance(file, str):
            yield name, Path(file).resolve()


def _is_of(application: Path, file: Path) -> bool:
    """Return whether a file is the application's, or makes a package around it."""
    if file == application or file.is_relative_to(application):
        return True
    return file.name == "__init__.py" and application.is_relative_to(file.parent)


def _is_framework(file: Path) -> bool:
    if not file.is_relative_to(_ROOT):
        return False
    return file.relative_to(_ROOT).parts[0] in FRAMEWORK


def _is_installed(file: Path) -> bool:
    """Return whether a file belongs to an installed package; ccfpy may be one."""
    return not _INSTALLED.isdisjoint(file.parts) and not file.is_relative_to(_ROOT)


def _is_python(file: Path) -> bool:
    if not _INSTALLED.isdisjoint(file.parts):
        return False
    return any(file.is_relative_to(folder) for folder in _PYTHON)
