"""CCF's own enumerations that several packages read and write.

The values are the words that stand in tables, API documents and configuration files, so
none may change. An enumeration that only one package knows stays in that package.
"""

from enum import StrEnum


class ServiceStatus(StrEnum):
    """Where a service stands between its creation and serving its users."""

    OPENING = "Opening"
    OPEN = "Open"
    WAITING_FOR_RECOVERY_SHARES = "WaitingForRecoveryShares"
    RECOVERING = "Recovering"


class NodeStatus(StrEnum):
    """Whether a node is part of the service."""

    PENDING = "Pending"
    TRUSTED = "Trusted"
    RETIRED = "Retired"


class RecoveryRole(StrEnum):
    """What a member holds of the key that opens a ledger (``recovery_role``)."""

    NON_PARTICIPANT = "NonParticipant"
    PARTICIPANT = "Participant"
    """The member holds one share of the key; several members' shares open it."""
    OWNER = "Owner"
    """The member holds the whole key."""
