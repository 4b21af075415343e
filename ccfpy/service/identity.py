"""Which part of the ledger a new service key vouches for, when a service opens.

`ccfpy.ledger.identity_endorsement` makes the endorsement. This module reads the epoch
from the tables: where the previous service began and ended, and the last root it
signed.
"""

from ccfpy.base.ids import VIEWS_PER_RECOVERY, TxId
from ccfpy.crypto.ec import KeyPair
from ccfpy.kv.tx import Tx
from ccfpy.ledger.identity_endorsement import Epoch, IdentityEndorsement, after_recovery
from ccfpy.service.refusal import Refused
from ccfpy.service.tables import service


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
