"""Ledger secrets: which key encrypts which part of the ledger.

A secret applies from its version, a seqno, until the version of the next. Rekeying and
disaster recovery each begin a new one; all of them are kept, because history stays
encrypted under the secret of its time.

Commit evidence: the text that only a holder of the ledger secret can write.

``ce:<view>.<seqno>:<nonce hex>``, where the nonce is an HMAC of the transaction id
under a key derived from the ledger secret. Its digest is part of the transaction's
leaf; the text itself is revealed with a receipt, once the transaction is committed. The
host, which stores the ledger, cannot guess it, so showing it proves that a node of the
service vouches for the commit.

The derivation takes the first eight bytes of its label only, as CCF does
(``src/node/ledger_secret.h`` measures a pointer where it means the text).
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ccfpy.base.errors import VerificationFailed
from ccfpy.base.ids import Seqno, View
from ccfpy.base.ports import Entropy
from ccfpy.crypto.aead import AesGcm
from ccfpy.crypto.hashing import HmacKey, hmac_sha256

_LABEL = b"Commit S"


def nonce_key(ledger_secret: bytes) -> HmacKey:
    """Derive the key of the nonces (CCF's commit secret) from a ledger secret."""
    return HmacKey(hmac_sha256(ledger_secret, _LABEL))


def commit_evidence(key: HmacKey, tx_id: tuple[View, Seqno]) -> bytes:
    """Return the evidence of a transaction, its nonce under ``key``."""
    view, seqno = tx_id
    text = b"%d.%d" % (view, seqno)
    return b"ce:%b:%b" % (text, key.hexdigest(text).encode())


SECRET_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerSecret:
    """One secret, with what is derived from it once.

    Attributes:
        raw: the 32 bytes.
        previous_stored: the seqno at which the record of its predecessor, encrypted
            under this secret, was written; nothing if it has none or is not known.
        cipher: AES-256-GCM under ``raw``.
        nonce_key: the key of the commit evidence's nonces.
    """

    raw: bytes = field(repr=False)
    previous_stored: Seqno | None = None
    cipher: AesGcm = field(init=False, repr=False, compare=False)
    nonce_key: HmacKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        assert len(self.raw) == SECRET_BYTES, len(self.raw)
        object.__setattr__(self, "cipher", AesGcm(self.raw))
        object.__setattr__(self, "nonce_key", nonce_key(self.raw))

    @classmethod
    def generate(
        cls, entropy: Entropy, *, previous_stored: Seqno | None = None
    ) -> "LedgerSecret":
        """Make a fresh secret."""
        raw = entropy.random_bytes(SECRET_BYTES)
        return cls(raw=raw, previous_stored=previous_stored)


class LedgerSecrets:
    """Every ledger secret that is known, by the seqno from which it applies."""

    def __init__(self, secrets: Iterable[tuple[Seqno, LedgerSecret]] = ()) -> None:
        ordered = sorted(secrets, key=lambda item: item[0])
        self._versions = [version for version, _ in ordered]
        self._secrets = [secret for _, secret in ordered]
        self._restored_to: Seqno = 0
        assert len(set(self._versions)) == len(self._versions), self._versions

    def __len__(self) -> int:
        """Count the secrets."""
        return len(self._versions)

    def __iter__(self) -> Iterator[tuple[Seqno, LedgerSecret]]:
        """Iterate over versions and their secrets, oldest first."""
        return zip(tuple(self._versions), tuple(self._secrets), strict=True)

    def __contains__(self, version: object) -> bool:
        """Return whether a secret applies from exactly ``version`` on."""
        return version in self._versions

    def at(self, seqno: Seqno) -> LedgerSecret:
        """Return the secret that encrypts the entry at ``seqno``.

        Raises:
            VerificationFailed: no secret is known that reaches so far back.
        """
        versions = self._versions
        if versions and seqno >= versions[-1]:
            return self._secrets[-1]
        index = bisect_right(versions, seqno) - 1
        if index < 0:
            raise VerificationFailed(f"no ledger secret is known for seqno {seqno}")
        return self._secrets[index]

    def reach(self, seqno: Seqno) -> bool:
        """Return whether the secret that encrypts the entry at ``seqno`` is known."""
        return bool(self._versions) and self._versions[0] <= seqno

    @property
    def latest(self) -> tuple[Seqno, LedgerSecret]:
        """The secret with the highest version, and that version."""
        return self._versions[-1], self._secrets[-1]

    @property
    def penultimate(self) -> tuple[Seqno, LedgerSecret] | None:
        """The secret before the latest, if there is one."""
        if len(self._versions) < 2:  # noqa: PLR2004 - the one before the last
            return None
        return self._versions[-2], self._secrets[-2]

    def add(self, version: Seqno, secret: LedgerSecret) -> None:
        """Add ``secret``, which applies from ``version`` on."""
        assert version not in self._versions, version
        index = bisect_right(self._versions, version)
        self._versions.insert(index, version)
        self._secrets.insert(index, secret)

    def restore(self, secrets: "LedgerSecrets") -> None:
        """Add secrets that came from elsewhere than the ledger, and so stay for good.

        A joiner is handed those up to its trust, a recovered node those of the past.
        """
        for version, secret in secrets:
            self.add(version, secret)
            self._restored_to = max(self._restored_to, version)

    def replace_latest(self, secret: LedgerSecret) -> None:
        """Put ``secret`` in place of the latest, to correct where it points back to."""
        assert secret.raw == self._secrets[-1].raw, "the secret itself must not change"
        self._secrets[-1] = secret

    def rollback(self, to: Seqno) -> None:
        """Forget the secrets that apply only after ``to``.

        The first secret and restored secrets are always kept: a joiner that rolls back
        while it catches up would not receive them again.
        """
        kept = max(to, self._restored_to)
        while len(self._versions) > 1 and self._versions[-1] > kept:
            self._versions.pop()
            self._secrets.pop()
