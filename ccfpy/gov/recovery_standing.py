"""Whose shares have arrived: how a recovery stands, for anybody.

An extension, under a path that CCF does not have. CCF says how many shares there are
only to the member who hands one in, and never whose they are. Both are public in the
ledger all the same: shares are sealed, and the table's keys are members' ids.
"""

from typing import TYPE_CHECKING, Final

from ccfpy.endpoints.declaration import (
    Endpoint,
    Forwarding,
    Mode,
    Operation,
    Redirection,
)
from ccfpy.endpoints.replies import for_who_takes_json, record_reply
from ccfpy.gov.definitions import RecoveryStanding
from ccfpy.http.errors import internal_error
from ccfpy.service import share_issuing
from ccfpy.service.refusal import Refused
from ccfpy.service.tables import recovery

if TYPE_CHECKING:
    from ccfpy.endpoints.context import Context
    from ccfpy.endpoints.registry import Registry
    from ccfpy.http.messages import Response

PATH: Final = "/ccfpy/recovery"


def add_recovery_standing(registry: "Registry") -> None:
    """Add the endpoint of this module."""
    registry.add(
        Endpoint(
            method="GET",
            path=PATH,
            handler=for_who_takes_json(read_standing),
            mode=Mode.READ_ONLY,
            forwarding=Forwarding.SOMETIMES,
            redirection=Redirection.NONE,
            operation=Operation(
                summary="Who has a recovery share, and who has handed one in",
                hidden=True,
            ),
        )
    )


def read_standing(context: "Context") -> "Response":
    """Return who has a share, and whose shares this service has been given.

    Raises:
        ApiError: 500, the service has no configuration.
    """
    issued = recovery.SHARES.of(context.tx).get()
    try:
        threshold = share_issuing.recovery_threshold(context.tx)
    except Refused as error:
        raise internal_error(str(error)) from error
    return record_reply(
        RecoveryStanding(
            recoveryThreshold=threshold,
            shareholders=sorted(issued.encrypted_shares) if issued else [],
            submittedMembers=sorted(
                member for member, _ in recovery.SUBMITTED_SHARES.of(context.tx).items()
            ),
        )
    )
