"""What host and enclave say to each other besides their functions.

Calls are numbered by the host, and calls of the enclave on the host (*ocalls*) by the
enclave; each from 1 upwards, no number twice.
"""

from dataclasses import dataclass
from enum import StrEnum

from ccfpy.boundary.lifecycle import ResourceLimit


class Denial(StrEnum):
    """Why a call is not begun; nothing has happened."""

    FULL = "too many calls wait"
    NOT_ALLOWED = "not allowed while the host serves this call"
    ONLY_WITHIN = "only while the host serves a call that allows it"
    TOO_DEEP = "too many calls within calls"


# Events: what the host says to the enclave.


@dataclass(frozen=True, slots=True, kw_only=True)
class Initialize:
    """Load what is to run. The first message.

    Attributes:
        schema: the digest of the interface that the host knows.
    """

    schema: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Accept calls from now on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Destroy:
    """End: let go of everything; calls under way are not answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OcallFailed:
    """The host does not answer an ocall.

    Attributes:
        word: by which its function refuses; nothing when it failed in another way.
    """

    ocall: int
    word: str | None


# Effects: what the enclave says to the host.


@dataclass(frozen=True, slots=True, kw_only=True)
class Initialized:
    """It is loaded.

    Attributes:
        schema: the digest of its own interface.
        instance: 16 bytes that no other run has.
        isolation: what keeps its process from everything else, and what is missing.
    """

    schema: str
    instance: bytes
    isolation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRefused:
    """A function refused; the word is one of those that it declares."""

    call: int
    word: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """A call was not begun."""

    call: int
    denial: Denial


@dataclass(frozen=True, slots=True, kw_only=True)
class Aborted:
    """Something was wrong inside: there is no enclave any more.

    Attributes:
        reason: what kind of defect and where, without any value.
        limit: which was reached, if that was it.
    """

    reason: str
    limit: ResourceLimit | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """Nothing follows.

    Attributes:
        refusal: why there is no enclave; nothing when it ends as it was asked to.
    """

    refusal: str | None


EVENT_KINDS = {1: Initialize, 2: Run, 3: Destroy, 4: OcallFailed}
EFFECT_KINDS = {1: Initialized, 2: CallRefused, 3: Denied, 4: Aborted, 5: Ended}
"""The messages that every interface has, by their numbers."""
TRUSTED_START = 16
UNTRUSTED_START = 1024 + TRUSTED_START
"""The numbers of the functions of each side, in the order of their declaration."""
