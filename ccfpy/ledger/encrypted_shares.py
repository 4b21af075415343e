"""Recovery shares: how members together can open the ledger of a service that is gone.

The latest ledger secret is wrapped under a fresh key; that key is split into shares of
which a threshold opens it, and each share is encrypted to a member. A recovery owner
gets the whole key instead. Each older secret is stored encrypted under its successor,
so the latest one opens them all, walking backwards (``src/node/share_manager.h``).

Here are the records of the two tables that hold this, how they are made, and how
secrets are won back from them. Who may ask for shares is governance's affair.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from ccfpy.base.annotations import JSON_NAME, U64
from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.ids import MemberId, Seqno
from ccfpy.base.ports import Entropy
from ccfpy.crypto import sharing
from ccfpy.crypto.aead import open_blob, seal_blob
from ccfpy.crypto.rsa import RsaPublicKey
from ccfpy.ledger import record
from ccfpy.ledger.secrets import SECRET_BYTES, LedgerSecret, LedgerSecrets

SHARE_BYTES = 44
IV_BYTES = 12
_WHOLE_KEY_INDEX = bytes(4)
_PREVIOUS_STORED = {JSON_NAME: "previous_secret_stored_version"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryShares:
    """The value of ``public:ccf.internal.recovery_shares``.

    Attributes:
        wrapped_secret: the latest ledger secret under the wrapping key.
        encrypted_shares: each member's share, for its encryption key alone.
        previous_stored: where the record of the secret before the latest was written.
    """

    wrapped_secret: bytes = field(metadata={JSON_NAME: "wrapped_latest_ledger_secret"})
    encrypted_shares: Mapping[MemberId, bytes]
    previous_stored: U64 | None = field(default=None, metadata=_PREVIOUS_STORED)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviousSecret:
    """A ledger secret, stored under its successor.

    Attributes:
        encrypted: the secret, encrypted under the one that followed it.
        version: the seqno from which it applied.
        previous_stored: where the record of *its* predecessor was written.
    """

    encrypted: bytes = field(metadata={JSON_NAME: "encrypted_data"})
    version: record.Positive
    previous_stored: U64 | None = field(default=None, metadata=_PREVIOUS_STORED)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretRecord:
    """A value of ``public:ccf.internal.historical_encrypted_ledger_secret``.

    Attributes:
        previous: the secret before the one this record was written for.
        next_version: the seqno from which the latter applies; if it is not stated,
            that is the seqno after this record's own.
    """

    previous: PreviousSecret | None = field(
        default=None, metadata={JSON_NAME: "previous_ledger_secret"}
    )
    next_version: U64 | None = None

    @classmethod
    def make(
        cls,
        latest: LedgerSecret,
        *,
        previous: tuple[Seqno, LedgerSecret] | None,
        previous_stored: Seqno | None,
        next_version: Seqno | None,
        entropy: Entropy,
    ) -> Self:
        """Write down ``previous`` under ``latest``.

        ``previous_stored`` is where this table was last written before.
        """
        if previous is None:
            return cls(next_version=next_version)
        version, secret = previous
        iv = entropy.random_bytes(IV_BYTES)
        stored = PreviousSecret(
            encrypted=seal_blob(latest.raw, secret.raw, iv=iv),
            version=version,
            previous_stored=previous_stored,
        )
        return cls(previous=stored, next_version=next_version)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipients:
    """Who gets shares, and how many are needed.

    Attributes:
        threshold: how many participants' shares open the ledger.
        participants: members who get one share each.
        owners: members who get the whole key each.
    """

    threshold: int
    participants: Mapping[MemberId, RsaPublicKey] = field(default_factory=dict)
    owners: Mapping[MemberId, RsaPublicKey] = field(default_factory=dict)

    @property
    def refusal(self) -> str | None:
        """Why shares cannot be issued to these members; nothing if they can."""
        if not self.participants and not self.owners:
            return "no active recovery member to issue recovery shares to"
        if self.threshold < 1:
            return "the recovery threshold must be at least 1"
        if self.participants and self.threshold > len(self.participants):
            return (
                f"recovery threshold {self.threshold} exceeds the number of active "
                f"recovery participants {len(self.participants)}"
            )
        if not self.participants and self.threshold > 1:
            return (
                f"recovery threshold {self.threshold} must be 1 when there are only "
                f"recovery owners ({len(self.owners)})"
            )
        return None


def issue(
    latest: LedgerSecret, recipients: Recipients, entropy: Entropy
) -> RecoveryShares:
    """Wrap the latest secret under a fresh key and share that key out."""
    assert recipients.refusal is None, recipients.refusal
    count = max(len(recipients.participants), 1)
    whole, shares = sharing.split(entropy, recipients.threshold, count)
    wrapping_key = sharing.wrapping_key(whole)
    encrypted = {
        member: key.wrap(share)
        for (member, key), share in zip(
            sorted(recipients.participants.items()), shares, strict=False
        )
    }
    encrypted |= {member: key.wrap(whole) for member, key in recipients.owners.items()}
    # The key is used once, so CCF's all-zero IV is no weakness.
    return RecoveryShares(
        wrapped_secret=seal_blob(wrapping_key, latest.raw, iv=bytes(IV_BYTES)),
        encrypted_shares=encrypted,
        previous_stored=latest.previous_stored,
    )


def is_whole_key(share: bytes) -> bool:
    """Return whether a submitted share is an owner's, which needs no other share."""
    return len(share) == SHARE_BYTES and share.startswith(_WHOLE_KEY_INDEX)


def unwrap(
    issued: RecoveryShares, shares: Sequence[bytes], threshold: int
) -> LedgerSecret:
    """Win back the latest ledger secret from decrypted shares.

    Raises:
        Malformed: a share has not a share's form.
        VerificationFailed: there are too few, or they do not open the secret.
    """
    for share in shares:
        if len(share) != SHARE_BYTES:
            raise Malformed(
                f"expected a share of {SHARE_BYTES} bytes, found {len(share)}"
            )
    whole = next((share for share in shares if is_whole_key(share)), None)
    if whole is None:
        distinct = {share[:4]: share for share in shares}
        if len(distinct) < threshold:
            raise VerificationFailed(
                f"{len(distinct)} of {threshold} recovery shares were submitted"
            )
        whole = sharing.combine(list(distinct.values())[:threshold])
    raw = open_blob(sharing.wrapping_key(whole), issued.wrapped_secret)
    return _secret(raw, issued.previous_stored)


def restore(
    latest: LedgerSecret, records: Iterable[tuple[Seqno, SecretRecord]]
) -> LedgerSecrets:
    """Win back every older secret, from the record table's whole history.

    Args:
        latest: the secret that the last record was written for.
        records: each write of the table with its seqno, oldest first.

    Raises:
        Malformed: there is no record.
        VerificationFailed: a record does not open under its successor.
    """
    history = list(records)
    if not history:
        raise Malformed("no record of a ledger secret was ever written")
    stored, last = history[-1]
    version = stored + 1 if last.next_version is None else last.next_version
    secret = _secret(latest.raw, stored)
    restored = {version: secret}
    for _, written in reversed(history):
        previous = written.previous
        if previous is None:
            break
        if previous.version in restored:
            continue  # a second issue of the same secret
        raw = open_blob(secret.raw, previous.encrypted)
        secret = _secret(raw, previous.previous_stored)
        restored[previous.version] = secret
    return LedgerSecrets(restored.items())


def seal_submitted(share: bytes, current: LedgerSecret, entropy: Entropy) -> bytes:
    """Encrypt a submitted share for the table that collects them."""
    return seal_blob(current.raw, share, iv=entropy.random_bytes(IV_BYTES))


def open_submitted(sealed: bytes, current: LedgerSecret) -> bytes:
    """Decrypt a share that ``seal_submitted`` encrypted.

    Raises:
        VerificationFailed: it was sealed under another secret.
    """
    return open_blob(current.raw, sealed)


def _secret(raw: bytes, previous_stored: Seqno | None) -> LedgerSecret:
    if len(raw) != SECRET_BYTES:
        raise Malformed(f"a ledger secret of {len(raw)} bytes")
    return LedgerSecret(raw=raw, previous_stored=previous_stored)
