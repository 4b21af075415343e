"""Opening a service, as an accepted proposal asks.

The proposal names the service's certificate, so that members who voted for one service
cannot open another; in a recovery it also names the certificate of the service that is
recovered. A recovering service only begins to collect shares: it opens when they have
brought back the private state (``src/node/node_state.h``).
"""

from dataclasses import dataclass, replace

from ccfpy.base.ports import Entropy
from ccfpy.base.vocabulary import ServiceStatus
from ccfpy.crypto.ec import KeyPair
from ccfpy.kv.tx import Tx
from ccfpy.ledger.secrets import LedgerSecrets
from ccfpy.service import share_issuing
from ccfpy.service.identity import endorse_previous_identity
from ccfpy.service.lifecycle import IllegalMove, move
from ccfpy.service.refusal import Refused
from ccfpy.service.tables import recovery, service
from ccfpy.service.tables.recovery import RecoveryType
from ccfpy.service.tables.service import ServiceInfo

__all__ = ["Identities", "ServiceKeys", "await_shares", "open_now", "wants_to_open"]

_ALREADY_OPEN = frozenset(
    {ServiceStatus.OPEN, ServiceStatus.WAITING_FOR_RECOVERY_SHARES}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identities:
    """The certificates a proposal to open names, as PEM."""

    previous: str | None
    next: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceKeys:
    """What opening a service takes of the node.

    Attributes:
        identity: the service key.
        unix_time_s: stated in the endorsement of the previous identity.
    """

    identity: KeyPair
    ledger_secrets: LedgerSecrets
    entropy: Entropy
    unix_time_s: int


def wants_to_open(tx: Tx, identities: Identities) -> bool:
    """Return whether a proposal to open the service has anything left to do.

    Raises:
        Refused: there is no service, or the proposal means another one.
    """
    info = _info(tx)
    if info.status in _ALREADY_OPEN:
        return False
    if info.status is ServiceStatus.RECOVERING:
        _check_previous(tx, identities.previous)
    if identities.next != info.cert:
        raise Refused(
            "Service identity mismatch: the next service identity in the "
            "transition_service_to_open proposal does not match the current "
            f"service identity:\nNext:\n{identities.next}\nCurrent:\n{info.cert}"
        )
    return True


def _check_previous(tx: Tx, proposed: str | None) -> None:
    recorded = service.PREVIOUS_IDENTITY.of(tx).get()
    if recorded is None or proposed is None:
        raise Refused(
            "Recovery with service certificates requires both, a previous service "
            "identity written to the KV during recovery genesis and a "
            "transition_service_to_open proposal that contains previous and next "
            "service certificates"
        )
    if recorded != proposed:
        raise Refused(
            "Previous service identity does not match.\n"
            f"Actual:\n{recorded}\nIn proposal:\n{proposed}"
        )


def await_shares(tx: Tx, how: RecoveryType = RecoveryType.RECOVERY_SHARES) -> None:
    """Make a recovering service wait for its members' shares.

    Raises:
        Refused: it is not recovering.
    """
    share_issuing.clear_submitted(tx)
    _set_status(tx, ServiceStatus.WAITING_FOR_RECOVERY_SHARES)
    recovery.LAST_RECOVERY_TYPE.of(tx).put(how)


def open_now(tx: Tx, keys: ServiceKeys) -> None:
    """Open the service: issue shares, set it Open, endorse its previous identity.

    Raises:
        Refused: shares cannot be issued, or the status does not allow it.
    """
    try:
        share_issuing.issue(tx, keys.ledger_secrets, keys.entropy)
    except Refused as error:
        raise Refused(f"Failed to issue recovery shares: {error}") from error
    _set_status(tx, ServiceStatus.OPEN)
    endorse_previous_identity(tx, keys.identity, keys.unix_time_s)


def _info(tx: Tx) -> ServiceInfo:
    info = service.INFO.of(tx).get()
    if info is None:
        raise Refused(
            "Service information cannot be found to transition service to open"
        )
    return info


def _set_status(tx: Tx, status: ServiceStatus) -> None:
    info = _info(tx)
    try:
        following = move(info.status, status)
    except IllegalMove as error:
        raise Refused(str(error)) from error
    service.INFO.of(tx).put(replace(info, status=following))
