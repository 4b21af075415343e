"""Ledger secrets for readers of private tables.

Secrets come from a file, or are recovered as in a recovery: enough members' recovery
keys decrypt the shares in the ledger, the shares yield the latest secret, and each
secret decrypts the secret before it (``ledger.encrypted_shares``).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from ccfpy.audit.chunks import ChunkPath
from ccfpy.base import json
from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.ids import Seqno
from ccfpy.crypto.rsa import RsaKeyPair
from ccfpy.ledger import encrypted_shares, record
from ccfpy.ledger.chunk import Chunk
from ccfpy.ledger.encrypted_shares import RecoveryShares, SecretRecord
from ccfpy.ledger.entry import Transaction
from ccfpy.ledger.secrets import SECRET_BYTES, LedgerSecret, LedgerSecrets
from ccfpy.ledger.tables import PAST_SECRETS, RECOVERY_SHARES, SINGLE_KEY
from ccfpy.service.tables import recovery, service

_CONFIG = service.CONFIGURATION.name
_MARKS = tuple(name.encode() for name in (PAST_SECRETS, RECOVERY_SHARES, _CONFIG))


class ShareWrite(NamedTuple):
    """What a transaction wrote to a table that leads to secrets."""

    seqno: Seqno
    table: str
    value: bytes


def read_share_writes(chunk: ChunkPath) -> list[ShareWrite]:
    """Find a chunk's records of shares, of secrets, and of how many shares it takes.

    Raises:
        Malformed: the chunk is damaged.
        OSError: it cannot be read.
    """
    found = []
    try:
        for seqno, _, data in Chunk.parse(
            chunk.name, chunk.path.read_bytes()
        ).entries():
            if not any(mark in data for mark in _MARKS):
                continue
            write_set = Transaction.parse(data).domain.write_set
            for name in (PAST_SECRETS, RECOVERY_SHARES, _CONFIG):
                value = write_set.get(name, {}).get(SINGLE_KEY)
                if value is not None:
                    found.append(ShareWrite(seqno, name, value))
    except Malformed as error:
        raise Malformed(f"{chunk.name} is damaged: {error}") from error
    return found


@dataclass(slots=True)
class SharedSecrets:
    """What a ledger holds of its own secrets, as of the last record taken."""

    _records: list[tuple[Seqno, SecretRecord]] = field(default_factory=list)
    _issued: RecoveryShares | None = None
    _threshold: int = 1

    def take(self, writes: Iterable[ShareWrite]) -> None:
        """Record what the next transactions wrote.

        Raises:
            Malformed: a record has not its form.
        """
        for seqno, table, value in writes:
            if table == PAST_SECRETS:
                self._records.append((seqno, recovery.PAST_SECRETS.codec.decode(value)))
            elif table == RECOVERY_SHARES:
                self._issued = recovery.SHARES.codec.decode(value)
            else:
                self._threshold = service.CONFIGURATION.codec.decode(
                    value
                ).recovery_threshold

    def open(self, keys: Iterable[RsaKeyPair]) -> LedgerSecrets:
        """Win the secrets back with members' recovery keys.

        Raises:
            VerificationFailed: the keys are too few, or not those of this service.
            Malformed: the ledger holds no shares.
        """
        issued = self._issued
        if issued is None:
            raise Malformed("the ledger holds no recovery shares")
        held = [share for key in keys if (share := _share(issued, key)) is not None]
        latest = encrypted_shares.unwrap(issued, held, self._threshold)
        return encrypted_shares.restore(latest, self._records)


def _share(issued: RecoveryShares, key: RsaKeyPair) -> bytes | None:
    """Find the share that was issued for a key."""
    for encrypted in issued.encrypted_shares.values():
        try:
            return key.unwrap(encrypted)
        except VerificationFailed:
            continue
    return None


def serialise(secrets: LedgerSecrets) -> str:
    """Write secrets as a JSON object: from which seqno on, and 32 bytes of hex."""
    fields: json.JsonObject = {
        str(version): secret.raw.hex() for version, secret in secrets
    }
    return json.dumps(fields).decode()


def parse(data: str | bytes) -> LedgerSecrets:
    """Read what ``serialise`` writes; nothing of it shows in an error.

    Raises:
        Malformed: it is something else.
    """
    try:
        fields = json.loads_object(data)
        items = [(int(version), record.digest(fields, version)) for version in fields]
    except (ValueError, Malformed):
        raise Malformed(
            "expected a JSON object of seqnos and, for each, the hex of "
            f"{SECRET_BYTES} bytes"
        ) from None
    if not items or any(version < 1 for version, _ in items):
        raise Malformed("expected secrets from seqno 1 or later on")
    return LedgerSecrets((at, LedgerSecret(raw=raw)) for at, raw in items)
