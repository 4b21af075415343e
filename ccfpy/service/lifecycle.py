"""The states of a service, and every move between them.

A fresh service is Opening until its members vote it Open. A recovered one first
Recovers the public state, then waits for members' shares to decrypt the rest, and is
Open again. There is no way back from Open: its end is a recovery by a new service.
"""

from collections.abc import Mapping

from ccfpy.base.errors import CcfpyError
from ccfpy.base.vocabulary import ServiceStatus


class IllegalMove(CcfpyError):
    """A move that the table of legal ones does not have."""


MOVES: Mapping[ServiceStatus, frozenset[ServiceStatus]] = {
    ServiceStatus.OPENING: frozenset({ServiceStatus.OPEN}),
    ServiceStatus.RECOVERING: frozenset({ServiceStatus.WAITING_FOR_RECOVERY_SHARES}),
    ServiceStatus.WAITING_FOR_RECOVERY_SHARES: frozenset({ServiceStatus.OPEN}),
    ServiceStatus.OPEN: frozenset(),
}
"""From each status, those that may follow."""


def move(current: ServiceStatus, following: ServiceStatus) -> ServiceStatus:
    """Return ``following`` if the service may move there from ``current``.

    Raises:
        IllegalMove: the service may not move there.
    """
    if following not in MOVES[current]:
        raise IllegalMove(f"a service that is {current} cannot become {following}")
    return following
