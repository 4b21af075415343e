"""The stages of an enclave's life, and how its process ends.

An enclave passes through the stages once and never starts again. After ``DESTROYED``
another enclave may be created, which may open the secrets that this one sealed.
"""

from collections.abc import Mapping
from enum import IntEnum, StrEnum

from ccfpy.base.errors import CcfpyError


class EnclaveStage(StrEnum):
    """The stage of an enclave."""

    CREATED = "created"
    """It can be started, and has no state."""
    INITIALIZED = "initialized"
    """Its code is loaded and measured, so it has an identity."""
    RUNNING = "running"
    """It receives events from the host."""
    DESTROYED = "destroyed"
    """It has stopped or crashed; state that it did not seal is lost."""


MOVES: Mapping[EnclaveStage, frozenset[EnclaveStage]] = {
    EnclaveStage.CREATED: frozenset({EnclaveStage.INITIALIZED, EnclaveStage.DESTROYED}),
    EnclaveStage.INITIALIZED: frozenset({EnclaveStage.RUNNING, EnclaveStage.DESTROYED}),
    EnclaveStage.RUNNING: frozenset({EnclaveStage.DESTROYED}),
    EnclaveStage.DESTROYED: frozenset(),
}
"""The stages that may follow each stage."""


class WrongStage(CcfpyError):
    """The enclave is at the wrong stage for the request."""


class Lifecycle:
    """The stage of one enclave, which changes only as `MOVES` allows."""

    def __init__(self) -> None:
        self._stage = EnclaveStage.CREATED

    @property
    def stage(self) -> EnclaveStage:
        """The current stage."""
        return self._stage

    def move(self, to: EnclaveStage) -> None:
        """Move to the next stage.

        Raises:
            WrongStage: ``to`` may not follow the current stage.
        """
        if to not in MOVES[self._stage]:
            raise WrongStage(
                f"an enclave that is {self._stage} does not become {to}; create another"
            )
        self._stage = to

    def end(self) -> None:
        """Move to ``DESTROYED``, from any stage; may be called again."""
        self._stage = EnclaveStage.DESTROYED

    def require(self, *stages: EnclaveStage) -> None:
        """Check that the current stage is one of ``stages``.

        Raises:
            WrongStage: it is another.
        """
        if self._stage not in stages:
            raise WrongStage(f"the enclave is {self._stage}, not {' or '.join(stages)}")


class ExitCode(IntEnum):
    """Exit codes of the enclave's process."""

    OK = 0
    CRASHED = 1
    NOT_STARTED = 2


class ResourceLimit(StrEnum):
    """Limited resources of an enclave, each by the name of its setting."""

    MEMORY = "memory_bytes_max"
    CALL_CPU = "call_cpu_ms_max"
    CPU = "cpu_s_max"
    RECURSION = "recursion_frames_max"


# Linux's numbers: these limits are enforced only on Linux.
_SIGNALS = {
    24: ResourceLimit.CPU,  # SIGXCPU
    27: ResourceLimit.CALL_CPU,  # SIGPROF
}


def limit_of(exit_code: int) -> ResourceLimit | None:
    """Return the limit for which the system ended a process; ``None`` if there is none.

    Args:
        exit_code: negative for a signal, as in ``Popen.returncode``.
    """
    return _SIGNALS.get(-exit_code)


def describe_ending(exit_code: int) -> str:
    """Return how a process ended, as the predicate of a sentence."""
    if exit_code >= 0:
        return f"ended with code {exit_code}"
    limit = limit_of(exit_code)
    why = "" if limit is None else f", for its limit {limit}"
    return f"was killed by signal {-exit_code}{why}"
