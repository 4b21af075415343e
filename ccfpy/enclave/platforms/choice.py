"""Which platform an enclave runs on, as CCF decides it: by one environment variable.

Without it a node is virtual. CCF would look for a processor's device too; a node of
ccfpy cannot run on one, and never says that it does.
"""

from collections.abc import Mapping
from enum import StrEnum

from ccfpy.base.errors import ConfigurationRefused

OVERRIDE = "CCF_PLATFORM_OVERRIDE"


class PlatformKind(StrEnum):
    """The platforms that a node can run on (``include/ccf/pal/platform.h``)."""

    VIRTUAL = "Virtual"
    SIMULATED = "Simulated"
    """Ours."""


def chosen(environment: Mapping[str, str]) -> PlatformKind:
    """Give the platform to run on.

    Raises:
        ConfigurationRefused: the environment names another.
    """
    named = environment.get(OVERRIDE, PlatformKind.VIRTUAL)
    try:
        return PlatformKind(named)
    except ValueError:
        kinds = " or ".join(PlatformKind)
        raise ConfigurationRefused(
            f"{OVERRIDE} is {named!r}, and a node of ccfpy runs on {kinds}; set it to "
            "one of them or leave it out"
        ) from None
