"""The refusal of evidence: what is wrong, what was expected, what was found."""

from collections.abc import Collection
from enum import StrEnum

from ccfpy.client.errors import ClientError


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
