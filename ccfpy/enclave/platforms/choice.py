"""Which platform an enclave runs on, as CCF decides it.

One environment variable says so. Without it a node runs on SEV-SNP where the device of
such a guest is there, and is virtual elsewhere.
"""

from collections.abc import Mapping
from enum import StrEnum

from ccfpy.base.errors import ConfigurationRefused

OVERRIDE = "CCF_PLATFORM_OVERRIDE"


class PlatformKind(StrEnum):
    """The platforms that a node can run on (``include/ccf/pal/platform.h``)."""

    SNP = "SNP"
    VIRTUAL = "Virtual"
    SIMULATED = "Simulated"
    """Ours."""


def chosen(environment: Mapping[str, str], *, is_guest: bool = False) -> PlatformKind:
    """Return the platform to run on.

    Args:
        environment: may name one.
        is_guest: this machine is a guest on SEV-SNP.

    Raises:
        ConfigurationRefused: the environment names another.
    """
    found = PlatformKind.SNP if is_guest else PlatformKind.VIRTUAL
    named = environment.get(OVERRIDE, found)
    try:
        return PlatformKind(named)
    except ValueError:
        *kinds, last = PlatformKind
        raise ConfigurationRefused(
            f"{OVERRIDE} is {named!r}, and a node of ccfpy runs on "
            f"{', '.join(kinds)} or {last}; set it to one of them or leave it out"
        ) from None
