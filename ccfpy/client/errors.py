"""What can go wrong between a client and a service, told apart by type."""

from collections.abc import Collection
from enum import StrEnum
from typing import TYPE_CHECKING

from ccfpy.base.errors import CcfpyError

if TYPE_CHECKING:
    from ccfpy.base.ids import TxId
    from ccfpy.base.json import Json


class ClientError(CcfpyError):
    """A request that did not lead where it should."""


class Unreachable(ClientError):
    """No answer came: no connection, a server that is not trusted, or no time left."""


class OutcomeUnknown(Unreachable):
    """A write was sent and no answer came: it is applied, or it is not.

    Without an answer there is no transaction whose status could tell. A caller that can
    read what the write changes can look; a write that may be applied twice can be sent
    again (``idempotent``).
    """

    def __init__(self, method: str, path: str, reason: str) -> None:
        super().__init__(f"{method} {path} may have been applied, or not: {reason}")


class ServiceError(ClientError):
    """The service answered with an error.

    Attributes:
        status: the HTTP status.
        code: CCF's name for the error, such as ``ProposalNotFound``.
        message: its words.
        details: what it added, such as why each authentication policy refused.
    """

    def __init__(
        self, status: int, code: str, message: str, *, details: "Json" = None
    ) -> None:
        super().__init__(f"{status} {code}: {message}" if message else f"{status}")
        self.status = status
        self.code = code
        self.message = message
        self.details = details


class NotActive(ServiceError):
    """A member's request was refused, as the member has acknowledged nothing yet."""

    def __init__(self, member_id: str, refusal: ServiceError) -> None:
        super().__init__(
            refusal.status, refusal.code, refusal.message, details=refusal.details
        )
        self._member_id = member_id

    def __str__(self) -> str:
        """Return what the member has to do, as text."""
        return (
            f"member {self._member_id[:8]} has not acknowledged the state of the "
            "service yet: run ccfpy gov ack as that member, then this again"
        )


class UnexpectedReply(ClientError):
    """The service answered with something that its interface does not allow."""


class NotCommitted(ClientError):
    """A transaction is not committed.

    Attributes:
        txid: which.
        is_final: whether it never will be; otherwise time ran out.
    """

    def __init__(self, txid: "TxId", reason: str, *, is_final: bool) -> None:
        super().__init__(f"transaction {txid} {reason}")
        self.txid = txid
        self.is_final = is_final


class EvidenceFault(StrEnum):
    """What is wrong with evidence; the first of these that applies."""

    NO_POLICY = "nothing says what the evidence must be"
    PLATFORM = "the evidence is of a platform that is not taken"
    NOT_VERIFIED = "the evidence does not verify"
    UNKNOWN_VENDOR = "no vendor that is known vouches for the machine"
    MACHINE = "the machine is not as its vendor wants it"
    UNKNOWN_PROCESSOR = "no least firmware is named for the processor"
    OLD_FIRMWARE = "the machine's firmware is too old"
    DEBUG = "the enclave can be debugged"
    UNKNOWN_SIGNER = "nobody who is trusted signed the enclave"
    UNKNOWN_PRODUCT = "the enclave is another product of its signer"
    OLD_VERSION = "the enclave's security version is too old"
    UNKNOWN_RELEASE = "the guest's release is none that is expected"
    UNKNOWN_CODE = "the enclave's code is none that is expected"
    UNKNOWN_HOST_DATA = "the host data is none that is expected"
    OTHER_BINDING = "the evidence is bound to another nonce, key, version or subject"


class EvidenceRefused(ClientError):
    """Evidence that is not what the caller expects; nothing was sealed to its key.

    Attributes:
        fault: what is wrong.
    """

    def __init__(self, fault: EvidenceFault, detail: str = "") -> None:
        super().__init__(f"{fault}: {detail}" if detail else str(fault))
        self.fault = fault


def refused(
    fault: EvidenceFault, *, expected: Collection[object], found: object
) -> EvidenceRefused:
    """Make the refusal of a value that is none of those that a policy names."""
    named = sorted({str(each) for each in expected})
    if not named:
        told = "the policy names none"
    elif len(named) == 1:
        told = f"expected {named[0]}"
    else:
        told = f"expected one of {', '.join(named)}"
    return EvidenceRefused(fault, f"{told}, found {found}")
