"""The meaning of a map's name: whether outsiders may read it, and who may use it.

Names are case-sensitive. The prefix ``public:`` leaves a map unencrypted. A name whose
rest begins with ``ccf.`` or ``ccfpy.internal.`` belongs to the framework.
"""

from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple

from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.base.limits import MAP_NAMES_CACHED_MAX

PUBLIC_PREFIX: Final = "public:"
INTERNAL_PREFIX = "ccf.internal."
OWN_PREFIX = "ccfpy.internal."
"""Of tables that CCF does not have: its tools know all that begin with ``ccf.``."""
GOVERNANCE_PREFIX = "ccf.gov."
RESERVED_PREFIX = "ccf."


class SecurityDomain(StrEnum):
    """Whether a map's contents are readable in the ledger."""

    PUBLIC = "public"
    PRIVATE = "private"


class AccessCategory(StrEnum):
    """The owner of a map; the access rules of each execution context use these."""

    INTERNAL = "internal"
    GOVERNANCE = "governance"
    APPLICATION = "application"


class MapKind(NamedTuple):
    """The whole meaning of a name."""

    security_domain: SecurityDomain
    access_category: AccessCategory


class ReservedName(CcfpyError):
    """A name that starts with ``ccf.`` and is neither governance's nor internal."""


def is_public(name: str) -> bool:
    """Return whether the map ``name`` is written to the ledger in the clear."""
    return name.startswith(PUBLIC_PREFIX)


@lru_cache(maxsize=MAP_NAMES_CACHED_MAX)
def kind_of(name: str) -> MapKind:
    """Classify a map by its name.

    Raises:
        ReservedName: the name is kept for future use by the framework.
        Malformed: the name cannot be written as UTF-8, so no ledger could hold it.
    """
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise Malformed(f"map name has a lone surrogate at {error.start}") from None
    bare = name.removeprefix(PUBLIC_PREFIX)
    public = len(bare) != len(name)
    domain = SecurityDomain.PUBLIC if public else SecurityDomain.PRIVATE
    if bare.startswith((INTERNAL_PREFIX, OWN_PREFIX)):
        return MapKind(domain, AccessCategory.INTERNAL)
    if bare.startswith(GOVERNANCE_PREFIX):
        return MapKind(domain, AccessCategory.GOVERNANCE)
    if bare.startswith(RESERVED_PREFIX):
        raise ReservedName(
            f"map name {name!r} has the reserved prefix {RESERVED_PREFIX!r}"
        )
    return MapKind(domain, AccessCategory.APPLICATION)
