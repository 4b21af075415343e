"""What is wrong with a node's evidence: the words for joiners, and more for logs."""

from enum import StrEnum

from ccfpy.base.errors import CcfpyError


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
