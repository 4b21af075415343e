"""The simulated machine beneath: a file that all enclaves of a user share.

It stands for what a processor keeps: a secret that no program reads but to have keys
derived from it, and a security version. It is made when an enclave first looks for it;
another machine, or an older state of this one, is another file.
"""

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from ccfpy.attestation import virtual
from ccfpy.attestation.virtual import VirtualPlatform
from ccfpy.base.errors import ConfigurationRefused, Malformed
from ccfpy.base.ports import Attestation, Entropy

PLACE = "CCFPY_VIRTUAL_PLATFORM"
"""The environment variable that names the file, where it is not the usual one."""
USUAL_PLACE = ".local/state/ccfpy/virtual-platform.json"
"""In the home folder of who runs the enclave."""


class PlatformFile:
    """The platform in a file, read or made when it is first needed.

    Args:
        place: the file; its folder is made with it.
        entropy: for a new one.
    """

    def __init__(self, place: Path, entropy: Entropy) -> None:
        self._place = place
        self._entropy = entropy
        self._platform: VirtualPlatform | None = None
        self._refusal: ConfigurationRefused | None = None

    @classmethod
    def usual(cls, environment: Mapping[str, str], entropy: Entropy) -> "PlatformFile":
        """Return this user's platform, or the one that the environment names."""
        named = environment.get(PLACE)
        return cls(Path(named) if named else Path.home() / USUAL_PLACE, entropy)

    def load(self) -> None:
        """Read or make the platform's file now: later no file can be read.

        A failure is reported only when the file is needed; most nodes do not need it.
        """
        try:
            self._loaded()
        except ConfigurationRefused as refusal:
            self._refusal = refusal

    def attest(self, report_data: bytes, *, host_data: bytes) -> Attestation:
        """Make evidence, which needs no secret: anybody could."""
        return virtual.attest(report_data, host_data=host_data)

    @property
    def tcb_version(self) -> bytes:
        """The platform's security version."""
        return self._loaded().tcb_version

    def derived_key(self, tcb_version: bytes, *, host_data: bytes) -> bytes:
        """Return the key of a program for a security version.

        Raises:
            VerificationFailed: a part of this platform is older than that.
        """
        return self._loaded().derived_key(tcb_version, host_data=host_data)

    def _loaded(self) -> VirtualPlatform:
        """Read it once, or make it.

        Raises:
            ConfigurationRefused: neither can be done.
        """
        if self._refusal is not None:
            raise self._refusal
        if self._platform is None:
            try:
                self._platform = self._read_or_make()
            except (OSError, Malformed) as error:
                raise ConfigurationRefused(
                    f"cannot use the virtual platform {self._place}: {error}; "
                    f"name another file in {PLACE}"
                ) from error
        return self._platform

    def _read_or_make(self) -> VirtualPlatform:
        place = self._place
        with contextlib.suppress(FileNotFoundError):
            return VirtualPlatform.parse(place.read_bytes())
        made = VirtualPlatform.make(self._entropy)
        place.parent.mkdir(parents=True, exist_ok=True)
        beside = place.with_name(f".{place.name}.{os.getpid()}")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(made.serialise())
            # Another enclave may be making one too: the first to link it has made it.
            with contextlib.suppress(FileExistsError):
                os.link(beside, place)
        finally:
            beside.unlink()
        return VirtualPlatform.parse(place.read_bytes())
