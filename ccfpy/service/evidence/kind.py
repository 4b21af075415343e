"""What evidence is to a service, on every platform.

What is wrong with a node's evidence: the words for joiners, and more for logs.
"""

from enum import StrEnum
from typing import Protocol

from ccfpy.base.errors import CcfpyError
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


class QuoteFault(StrEnum):
    """What is wrong with evidence, in the words that joiners and tests look for."""

    NOT_VERIFIED = "Quote could not be verified"
    UNKNOWN_MEASUREMENT = "Quote does not contain known enclave measurement"
    OTHER_KEY = "Quote report data does not contain node's public key hash"
    NO_HOST_DATA = "Quote does not contain trusted host data"
    UNKNOWN_HOST_DATA = "Quote host data is not authorised"
    UNKNOWN_UVM = "UVM endorsements are not authorised"
    OTHER = "Unknown quote verification error"
    """A firmware that is too old, or of a processor that the policy does not name."""

    UNKNOWN_VENDOR = "Quote is not endorsed by a trusted vendor"
    """This fault and the next ones are ours, for simulated enclaves only."""
    REVOKED_MACHINE = "Quote is of a machine that its vendor revoked"
    TCB_STATUS = "Quote is of a machine whose TCB status is not accepted"
    DEBUG = "Quote is of an enclave that can be debugged"
    OLD_VERSION = "Quote is of an enclave whose security version is too low"

    @property
    def status(self) -> int:
        """The HTTP status of the answer."""
        return 500 if self is QuoteFault.OTHER else 401


class QuoteRefused(CcfpyError):
    """Evidence that the service's policy does not allow.

    Attributes:
        detail: what exactly was wrong, if more is known; for logs.
    """

    def __init__(self, fault: QuoteFault, detail: str | None = None) -> None:
        super().__init__(fault)
        self.fault = fault
        self.detail = detail
