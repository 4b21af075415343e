"""What evidence is to a service, whatever the platform that it comes from."""

from typing import Protocol

from ccfpy.kv.tx import Tx

DIGEST_BYTES = 32


class Evidence(Protocol):
    """Evidence that was read, and verified as far as its platform can be verified."""

    @property
    def measurement(self) -> bytes:
        """Of the code; on a virtual platform, text."""
        ...

    @property
    def report_data(self) -> bytes:
        """What the node had its platform say: the digest of its public key."""
        ...

    def check(self, tx: Tx) -> None:
        """Hold it against the service's tables.

        Raises:
            QuoteRefused: the policy does not take it.
        """
        ...

    def trust(self, tx: Tx, *, security_policy: str = "") -> None:
        """Let whoever has evidence like this join; a service begins by this.

        Args:
            tx: where to write.
            security_policy: the text whose digest the host data is, where the platform
                has one and the node knows it.
        """
        ...


def unpadded(report_data: bytes) -> bytes:
    """Give the digest in a platform's longer field, if zeros alone follow it."""
    digest, padding = report_data[:DIGEST_BYTES], report_data[DIGEST_BYTES:]
    return report_data if any(padding) else digest
