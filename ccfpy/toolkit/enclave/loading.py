"""Finds an enclave by its path or its manifest's, and loads it if it is what it says.

An enclave is a Python file that has an ``Enclave`` as its attribute ``enclave``, or a
package whose ``enclave.py`` has; of a package all files count. In a package the
interface can have a module of its own, which the host imports and the rest it does not.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ccfpy.base.errors import CcfpyError
from ccfpy.enclave.bundles import (
    SUFFIX,
    FoundApplication,
    check_measured,
    read_manifest,
)
from ccfpy.enclave.importing import find_code, load_attribute
from ccfpy.enclave.platforms.choice import OVERRIDE, PlatformKind, chosen
from ccfpy.enclave.platforms.simulated import SimulatedPlatform
from ccfpy.toolkit.enclave.program import Enclave

ATTRIBUTE = "enclave"
FILE = "enclave.py"


class EnclaveNotLoaded(CcfpyError):
    """The enclave cannot be found or is none; the text says what to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """An enclave that is to run.

    Attributes:
        platform: beneath it; nothing where it asks for none.
    """

    enclave: Enclave[Any, Any]
    platform: SimulatedPlatform | None


def load_enclave(name: str, environment: Mapping[str, str] = os.environ) -> Loaded:
    """Load an enclave by the path of its file, package or manifest.

    What is signed is measured before any of it runs.

    Raises:
        CcfpyError: there is none there, its code fails, it is not what was signed, or
            it needs a platform that is not to be had; the text says what to change.
    """
    found = _find(name)
    manifest = found.manifest
    if manifest is not None:
        check_measured(found, interface=manifest.bundle.interface)
    enclave = load_code(found.path)
    if manifest is not None:
        definition = bytes.fromhex(enclave.definition_digest)
        if definition != manifest.bundle.interface:
            raise EnclaveNotLoaded(
                f"the enclave {manifest.name!r} has another interface or other limits "
                "than were signed; sign it anew, or put back what was changed"
            )
    if not enclave.needs_platform:
        return Loaded(enclave=enclave, platform=None)
    if chosen(environment) is not PlatformKind.SIMULATED or manifest is None:
        raise EnclaveNotLoaded(
            f"the enclave {found.path.name!r} needs a platform: sign it with ccfpy "
            f"enclave sign, name the {SUFFIX} file, and set {OVERRIDE} to "
            f"{PlatformKind.SIMULATED}"
        )
    platform = SimulatedPlatform.usual(environment, manifest.identity)
    return Loaded(enclave=enclave, platform=platform)


def load_code(path: Path) -> Enclave[Any, Any]:
    """Load the enclave that a file or a package is, without a check of its signer.

    Raises:
        EnclaveNotLoaded: it is none, or its code fails.
    """
    of = f"the enclave {path.name!r}"
    found = load_attribute(code_of(path), ATTRIBUTE, of=of, refuse=EnclaveNotLoaded)
    if not isinstance(found, Enclave):
        raise EnclaveNotLoaded(f"{of} has an {ATTRIBUTE!r} that is no Enclave")
    return found


def code_of(path: Path) -> Path:
    """Return the module to import for the enclave of a file or package."""
    inner = path / FILE
    return inner if inner.is_file() else path


def _find(name: str) -> FoundApplication:
    place = Path(name)
    if place.suffix == SUFFIX and place.is_file():
        manifest = read_manifest(place)
        path = find_code([place.resolve().parent / manifest.name])
        if path is None:
            raise EnclaveNotLoaded(
                f"the enclave {manifest.name!r} is not beside {place.name}; "
                "put it there"
            )
        return FoundApplication(path=path, manifest=manifest)
    path = find_code([place])
    if path is None:
        raise EnclaveNotLoaded(
            f"no enclave {name!r}: give the path of a Python file, of a package, or of "
            f"what ccfpy enclave sign wrote"
        )
    return FoundApplication(path=path)
