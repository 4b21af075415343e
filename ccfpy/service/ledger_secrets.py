"""Starting a new ledger secret, and sending ledger secrets to the trusted nodes.

A rekey starts a new secret; a recovery sends the secrets of the lost service. Each node
gets them under its own encryption key, through a table.
"""

from collections.abc import Collection

from ccfpy.base.ids import Seqno
from ccfpy.base.ports import Entropy
from ccfpy.base.vocabulary import ServiceStatus
from ccfpy.crypto.rsa import RsaPublicKey
from ccfpy.kv.tx import Tx
from ccfpy.ledger.secrets import LedgerSecret, LedgerSecrets
from ccfpy.service import share_issuing
from ccfpy.service.nodes import trusted_nodes
from ccfpy.service.refusal import Refused
from ccfpy.service.tables import recovery, service
from ccfpy.service.tables.recovery import EncryptedSecret


def rekey(tx: Tx, secrets: LedgerSecrets, entropy: Entropy) -> LedgerSecret:
    """Write a new ledger secret for every trusted node, and issue its shares.

    The secret applies from the seqno after this transaction. Only the hook that sees
    the transaction committed knows this seqno, so no version is written.

    Raises:
        Refused: the service is not open, or members and threshold do not allow it.
    """
    info = service.INFO.of(tx).get()
    if info is None or info.status is not ServiceStatus.OPEN:
        # Submitted shares are sealed under the current secret, and older secrets are
        # only found once a recovery has ended.
        raise Refused("Cannot rekey ledger while the service is not open")
    fresh = LedgerSecret.generate(entropy)
    share_issuing.issue(tx, secrets, entropy, fresh=fresh)
    send_to_nodes(tx, [(None, fresh)])
    return fresh


def send_to_nodes(
    tx: Tx, secrets: Collection[tuple[Seqno | None, LedgerSecret]]
) -> None:
    """Write ledger secrets for every trusted node.

    Args:
        tx: the transaction to write them in.
        secrets: the secrets, each with the seqno from which it applies, if that is
            known.
    """
    recovery.ENCRYPTED_LEDGER_SECRETS.of(tx).put(
        {
            node_id: tuple(
                EncryptedSecret(
                    version=version,
                    encrypted_secret=RsaPublicKey.from_pem(
                        info.encryption_pub_key
                    ).wrap(secret.raw),
                    previous_secret_stored_version=secret.previous_stored,
                )
                for version, secret in secrets
            )
            for node_id, info in trusted_nodes(tx).items()
        }
    )
