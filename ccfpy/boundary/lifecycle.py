"""The four stages of an enclave's life, and how the enclave's process ends.

An enclave goes through the stages once. After ``DESTROYED`` another enclave may begin,
which may open what this one sealed. No enclave is started again.
"""

from collections.abc import Mapping
from enum import IntEnum, StrEnum

from ccfpy.base.errors import CcfpyError


class EnclaveStage(StrEnum):
    """Where an enclave is in its life."""

    CREATED = "created"
    """There is something to start; it holds nothing."""
    INITIALIZED = "initialized"
    """Its code is loaded, and is what it was said to be; it can be told from others."""
    RUNNING = "running"
    """It takes what the host sends."""
    DESTROYED = "destroyed"
    """It is gone, as it was asked to or not, with all that it did not seal."""


MOVES: Mapping[EnclaveStage, frozenset[EnclaveStage]] = {
    EnclaveStage.CREATED: frozenset({EnclaveStage.INITIALIZED, EnclaveStage.DESTROYED}),
    EnclaveStage.INITIALIZED: frozenset({EnclaveStage.RUNNING, EnclaveStage.DESTROYED}),
    EnclaveStage.RUNNING: frozenset({EnclaveStage.DESTROYED}),
    EnclaveStage.DESTROYED: frozenset(),
}
"""The stages that may follow each."""


class WrongStage(CcfpyError):
    """Something was asked of an enclave that is not at the stage for it."""


class Lifecycle:
    """One enclave's way through the stages."""

    def __init__(self) -> None:
        self._stage = EnclaveStage.CREATED

    @property
    def stage(self) -> EnclaveStage:
        """Where it is."""
        return self._stage

    def move(self, to: EnclaveStage) -> None:
        """Go on to a stage.

        Raises:
            WrongStage: it does not follow this one.
        """
        if to not in MOVES[self._stage]:
            raise WrongStage(
                f"an enclave that is {self._stage} does not become {to}; create another"
            )
        self._stage = to

    def end(self) -> None:
        """Be destroyed, from whatever stage; once is enough."""
        self._stage = EnclaveStage.DESTROYED

    def require(self, *stages: EnclaveStage) -> None:
        """Go no further unless it is at one of some stages.

        Raises:
            WrongStage: it is not.
        """
        if self._stage not in stages:
            raise WrongStage(f"the enclave is {self._stage}, not {' or '.join(stages)}")


class ExitCode(IntEnum):
    """How the enclave's process ends."""

    OK = 0
    CRASHED = 1
    NOT_STARTED = 2


class ResourceLimit(StrEnum):
    """What an enclave may be given too little of, each by the name of its setting."""

    MEMORY = "memory_bytes_max"
    CALL_CPU = "call_cpu_ms_max"
    CPU = "cpu_s_max"
    RECURSION = "recursion_frames_max"


# Linux's numbers: no other system has these limits enforced.
_SIGNALS = {
    24: ResourceLimit.CPU,  # SIGXCPU
    27: ResourceLimit.CALL_CPU,  # SIGPROF
}


def limit_of(exit_code: int) -> ResourceLimit | None:
    """Return the limit for which the system ended a process; ``None`` if there is none.

    Args:
        exit_code: negative for a signal, as ``subprocess`` gives it.
    """
    return _SIGNALS.get(-exit_code)


def describe_ending(exit_code: int) -> str:
    """Return how a process ended, as the end of a sentence about it."""
    if exit_code >= 0:
        return f"ended with code {exit_code}"
    limit = limit_of(exit_code)
    why = "" if limit is None else f", for its limit {limit}"
    return f"was killed by signal {-exit_code}{why}"
