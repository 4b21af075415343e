"""How an enclave's process ends: by its own word, or by the system's for it."""

from enum import IntEnum, StrEnum


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
