"""How the end of an enclave's process is read."""

import signal

import pytest

from ccfpy.boundary.ending import ResourceLimit, describe_ending, limit_of


@pytest.mark.parametrize(
    ("code", "said", "limit"),
    [
        (0, "ended with code 0", None),
        (1, "ended with code 1", None),
        (-signal.SIGKILL, "was killed by signal 9", None),
        (
            -signal.SIGXCPU,
            "was killed by signal 24, for its limit cpu_s_max",
            ResourceLimit.CPU,
        ),
        (
            -signal.SIGPROF,
            "was killed by signal 27, for its limit call_cpu_ms_max",
            ResourceLimit.CALL_CPU,
        ),
    ],
)
def test_an_end_is_told_with_its_limit(
    code: int, said: str, limit: ResourceLimit | None
) -> None:
    assert describe_ending(code) == said
    assert limit_of(code) is limit
