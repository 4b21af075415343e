"""Issuing recovery shares to the Active members, and collecting them in a recovery.

Shares are issued when the service opens, when a recovery ends and with every new ledger
secret. When only the members or the threshold change, new shares of the same secret are
issued. Collected shares are in a table, sealed under the current ledger secret.

Starting a new ledger secret, and sending ledger secrets to the trusted nodes.

A rekey starts a new secret; a recovery sends the secrets of the lost service. Each node
gets them under its own encryption key, through a table.
"""

from collections.abc import Collection

from ccfpy.base.ids import MemberId, Seqno
from ccfpy.base.ports import Entropy
from ccfpy.base.vocabulary import RecoveryRole, ServiceStatus
from ccfpy.crypto.rsa import RsaPublicKey
from ccfpy.kv.tx import Tx
from ccfpy.ledger import encrypted_shares
from ccfpy.ledger.encrypted_shares import Recipients, RecoveryShares, SecretRecord
from ccfpy.ledger.secrets import LedgerSecret, LedgerSecrets
from ccfpy.service.members import active_recovery_members
from ccfpy.service.nodes import trusted_nodes
from ccfpy.service.records import Refused
from ccfpy.service.tables import recovery, service
from ccfpy.service.tables.recovery import EncryptedSecret


def recovery_threshold(tx: Tx) -> int:
    """Return how many participants' shares open the ledger.

    Raises:
        Refused: the service has no configuration.
    """
    configuration = service.CONFIGURATION.of(tx).get()
    if configuration is None:
        raise Refused("Failed to get recovery threshold: No active configuration found")
    return configuration.recovery_threshold


def recipients(tx: Tx) -> Recipients:
    """Return the members who would get shares now.

    Raises:
        Refused: the service has no configuration, or a key has no member.
    """
    participants, owners = (
        {
            member_id: RsaPublicKey.from_pem(pem)
            for member_id, pem in active_recovery_members(tx, role).items()
        }
        for role in (RecoveryRole.PARTICIPANT, RecoveryRole.OWNER)
    )
    return Recipients(
        threshold=recovery_threshold(tx), participants=participants, owners=owners
    )


def shuffle(
    tx: Tx,
    secrets: LedgerSecrets,
    entropy: Entropy,
    *,
    fresh: LedgerSecret | None = None,
) -> None:
    """Issue new shares of the current ledger secret.

    Args:
        tx: the transaction to write them in.
        secrets: the secrets in force.
        entropy: randomness for the shares.
        fresh: what the same transaction's ``rekey`` made, if it did: shares of the
            secret before it would leave the ledger's future unrecoverable.

    Raises:
        Refused: members and threshold do not allow it.
    """
    # The transaction depends on the secrets: a rekey in the meantime is a conflict.
    recovery.ENCRYPTED_LEDGER_SECRETS.of(tx).get()
    _, latest = secrets.latest
    to = recipients(tx)
    if to.refusal is not None:
        raise Refused(to.refusal)
    recovery.SHARES.of(tx).put(encrypted_shares.issue(fresh or latest, to, entropy))


def issue(
    tx: Tx,
    secrets: LedgerSecrets,
    entropy: Entropy,
    *,
    fresh: LedgerSecret | None = None,
) -> None:
    """Issue shares of a ledger secret, and record its predecessor.

    Args:
        tx: the transaction to write them in.
        secrets: the secrets in force.
        entropy: randomness for the shares.
        fresh: the new secret of a rekey, which follows the current one; by default
            the shares are of the current secret.

    Raises:
        Refused: members and threshold do not allow it.
    """
    shuffle(tx, secrets, entropy, fresh=fresh)
    version, latest = secrets.latest
    past = recovery.PAST_SECRETS.of(tx)
    past.put(
        SecretRecord.make(
            fresh or latest,
            previous=secrets.latest if fresh else secrets.penultimate,
            previous_stored=past.version_of_previous_write(),
            next_version=None if fresh else version,
            entropy=entropy,
        )
    )


def encrypted_share(tx: Tx, member_id: MemberId) -> bytes | None:
    """Return a member's share, which only that member can decrypt.

    Raises:
        Refused: no shares were issued yet.
    """
    return _issued(tx).encrypted_shares.get(member_id)


def submit(
    tx: Tx,
    member_id: MemberId,
    share: bytes,
    *,
    current: LedgerSecret,
    entropy: Entropy,
) -> int:
    """Store a member's share, and return how many members have submitted one."""
    submitted = recovery.SUBMITTED_SHARES.of(tx)
    submitted.put(member_id, encrypted_shares.seal_submitted(share, current, entropy))
    return submitted.size()


def combine(tx: Tx, current: LedgerSecret) -> LedgerSecret:
    """Return the lost service's latest ledger secret, from the submitted shares.

    Raises:
        Refused: no shares were ever issued.
        Malformed: what was submitted are no shares.
        VerificationFailed: there are too few shares, or they do not open the secret.
    """
    record = _issued(tx)
    submitted = [
        encrypted_shares.open_submitted(sealed, current)
        for _, sealed in recovery.SUBMITTED_SHARES.of(tx).items()
    ]
    return encrypted_shares.unwrap(record, submitted, recovery_threshold(tx))


def clear_submitted(tx: Tx) -> None:
    """Forget the submitted shares, so that members can start over."""
    recovery.SUBMITTED_SHARES.of(tx).clear()


def _issued(tx: Tx) -> RecoveryShares:
    record = recovery.SHARES.of(tx).get()
    if record is None:
        raise Refused("Failed to retrieve current recovery shares info")
    return record


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
    issue(tx, secrets, entropy, fresh=fresh)
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
