"""Ledger secrets sealed to the platform, so that a node recovers without its members.

Each secret is sealed when this node learns of it, and given to the host as a file that
only this program can open, on this platform, in this security version or a later one.
Where a service is recovered, the newest file that opens and fits the ledger takes the
place of the members' shares; members still decide that the service is recovered at all.

A file may be of a rekey that never became final, or of another service that the same
program served here. Such a secret is passed over: it does not write the commit evidence
that the ledger holds, or does not open the secrets before it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ccfpy.base import limits
from ccfpy.base.errors import CcfpyError, Malformed, VerificationFailed
from ccfpy.base.ids import Seqno, TxId
from ccfpy.base.ports import Entropy, Platform
from ccfpy.boundary.effects import KeepSealedSecret
from ccfpy.crypto.hashing import sha256
from ccfpy.ledger.evidence import commit_evidence
from ccfpy.ledger.sealed_secret import SealedSecret
from ccfpy.ledger.secrets import LedgerSecret
from ccfpy.node.outbox import Outbox


@dataclass(eq=False)
class Sealing:
    """What one node seals, and unseals.

    Attributes:
        platform: derives the keys; nothing if this node has none.
        host_data: the digest of the program.
        is_on: seal what this node learns.
    """

    platform: Platform | None
    host_data: bytes
    is_on: bool
    entropy: Entropy
    outbox: Outbox

    def __post_init__(self) -> None:
        self.is_on = self.is_on and self.platform is not None

    def keep(self, version: Seqno, secret: LedgerSecret) -> None:
        """Seal the secret that applies from ``version`` on, if this node seals."""
        platform = self.platform
        if not self.is_on or platform is None:
            return
        tcb_version = platform.tcb_version
        sealed = SealedSecret.seal(
            version,
            secret,
            tcb_version=tcb_version,
            key=self._derive(tcb_version),
            entropy=self.entropy,
        )
        self.outbox.put(KeepSealedSecret(version=version, data=sealed.serialise()))
        self.outbox.info(f"Sealed the ledger secret that applies from {version}")

    def candidates(
        self, files: Sequence[tuple[int, bytes]], *, last: Seqno
    ) -> Iterator[tuple[Seqno, LedgerSecret]]:
        """Return the secrets that open and apply by ``last``, newest first."""
        for version, data in sorted(files, reverse=True):
            if version > last:
                continue
            try:
                if len(data) > limits.SEALED_SECRET_BYTES_MAX:
                    raise Malformed(f"{len(data)} bytes are no sealed secret")
                secret = SealedSecret.parse(data).unseal(version, self._derive)
            except CcfpyError as error:
                self.passed_over(version, error)
                continue
            yield version, secret

    def passed_over(self, version: Seqno, reason: CcfpyError) -> None:
        """Log why a sealed secret is of no use."""
        self.outbox.fail(
            f"Failed to unseal the ledger secret that applies from {version}: {reason}"
        )

    def _derive(self, tcb_version: bytes) -> bytes:
        if self.platform is None:
            raise VerificationFailed("this node's platform seals nothing")
        return self.platform.derived_key(tcb_version, host_data=self.host_data)


def check_evidence(secret: LedgerSecret, tx_id: TxId, digest: bytes) -> None:
    """Check a secret against commit evidence that was written under it.

    Raises:
        VerificationFailed: it was written under another one.
    """
    if sha256(commit_evidence(secret.nonce_key, tx_id)) != digest:
        raise VerificationFailed(f"it is not the ledger secret that wrote {tx_id}")
