"""What evidence is to a service, on every platform."""

from typing import Protocol

from ccfpy.kv.tx import Tx

DIGEST_BYTES = 32


class Evidence(Protocol):
    """Evidence that was parsed, and verified as far as its platform allows."""

    @property
    def measurement(self) -> bytes:
        """The measurement of the code; on a virtual platform, text."""
        ...

    @property
    def report_data(self) -> bytes:
        """The digest of the node's public key, which its platform certified."""
        ...

    def check(self, tx: Tx) -> None:
        """Check the evidence against the service's tables.

        Raises:
            QuoteRefused: the policy does not allow it.
        """
        ...

    def trust(self, tx: Tx, *, security_policy: str = "") -> None:
        """Allow nodes with evidence like this to join; a new service calls this first.

        Args:
            tx: the transaction to write in.
            security_policy: the text whose digest is the host data, if the platform has
                one and the node knows it.
        """
        ...


def unpadded(report_data: bytes) -> bytes:
    """Return the digest in a platform's longer field, if only zeros follow it."""
    digest, padding = report_data[:DIGEST_BYTES], report_data[DIGEST_BYTES:]
    return report_data if any(padding) else digest
