"""Opening a service, as an accepted proposal asks.

The proposal names the service's certificate, so that members who voted for one service
cannot open another; in a recovery it also names the certificate of the service that is
recovered. A recovering service only begins to collect shares: it opens when they have
brought back the private state (``src/node/node_state.h``).

Which part of the ledger a new service key vouches for, when a service opens.

`ccfpy.ledger.identity_endorsement` makes the endorsement. This module reads the epoch
from the tables: where the previous service began and ended, and the last root it
signed.

The states of a service, and every move between them.

A fresh service is Opening until its members vote it Open. A recovered one first
Recovers the public state, then waits for members' shares to decrypt the rest, and is
Open again. There is no way back from Open: its end is a recovery by a new service.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ccfpy.base.errors import CcfpyError
from ccfpy.base.ids import VIEWS_PER_RECOVERY, TxId
from ccfpy.base.ports import Entropy
from ccfpy.base.vocabulary import ServiceStatus
from ccfpy.crypto.ec import KeyPair
from ccfpy.kv.tx import Tx
from ccfpy.ledger.identity_endorsement import Epoch, IdentityEndorsement, after_recovery
from ccfpy.ledger.secrets import LedgerSecrets
from ccfpy.service import shares
from ccfpy.service.records import Refused
from ccfpy.service.tables import recovery, service
from ccfpy.service.tables.recovery import RecoveryType
from ccfpy.service.tables.service import ServiceInfo


def before_recovery(created: TxId) -> TxId:
    """Return the last transaction of the epoch before the one that ``created`` began.

    That transaction may not be readable yet, so its id is computed: a recovery adds two
    views and takes the next seqno.
    """
    return TxId(created.view - VIEWS_PER_RECOVERY, created.seqno - 1)


def endorse_previous_identity(tx: Tx, key: KeyPair, unix_time_s: int) -> None:
    """Sign the previous service's key, or the service's own if it is the first.

    Raises:
        Refused: the tables do not say what the previous service was.
    """
    table = service.PREVIOUS_IDENTITY_ENDORSEMENT.of(tx)
    previous = table.get()
    created = _create_txid(tx)
    if previous is None:
        endorsed_key, epoch = key.public_key.der, Epoch(begin=created)
    else:
        begin = previous.epoch.begin
        if previous.epoch.end is not None:
            begin = after_recovery(previous.epoch.end)
        endorsed_key = previous.endorsing_key
        epoch = Epoch(
            begin=begin,
            end=before_recovery(created),
            last_root=_last_signed_root(tx),
        )
    endorsement = IdentityEndorsement.make(
        key,
        endorsed_key,
        epoch,
        issued_at=unix_time_s,
        previous_version=table.version_of_previous_write(),
    )
    table.put(endorsement)


def _create_txid(tx: Tx) -> TxId:
    info = service.INFO.of(tx).get()
    if info is None or info.current_service_create_txid is None:
        raise Refused("the service has no record of the transaction that created it")
    return info.current_service_create_txid


def _last_signed_root(tx: Tx) -> bytes:
    root = service.PREVIOUS_LAST_SIGNED_ROOT.of(tx).get()
    if root is None:
        raise Refused("Failed to sign previous service identity: no last signed root")
    return bytes.fromhex(root)


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
    shares.clear_submitted(tx)
    _set_status(tx, ServiceStatus.WAITING_FOR_RECOVERY_SHARES)
    recovery.LAST_RECOVERY_TYPE.of(tx).put(how)


def open_now(tx: Tx, keys: ServiceKeys) -> None:
    """Open the service: issue shares, set it Open, endorse its previous identity.

    Raises:
        Refused: shares cannot be issued, or the status does not allow it.
    """
    try:
        shares.issue(tx, keys.ledger_secrets, keys.entropy)
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
