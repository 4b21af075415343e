"""Applications by a path or a name, and signed ones by their manifests.

A manifest stands beside the application that it names. What it says is checked against
the bytes that are there before any of them is run.
"""

from dataclasses import dataclass
from pathlib import Path

from ccfpy.attestation.manifest import Manifest
from ccfpy.base.errors import CcfpyError
from ccfpy.base.limits import STATEMENT_BYTES_MAX
from ccfpy.enclave.application import ApplicationNotLoaded, find_application
from ccfpy.enclave.importing import find_code

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
